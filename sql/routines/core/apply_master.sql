-- Applies a master file: the whole master from its effective date until the next file's (SCD 2 on two time axes).

create or replace procedure core.compare_master(p_file_id bigint, p_feed text, p_until date)
language plpgsql
as $$
declare
    v_effective date := (select effective_date from ops.file where file_id = p_file_id);
    v_key text := (select natural_key[1] from ops.feed where feed = p_feed);
    v_table text := core.master_table(p_feed);
    v_attributes text[] := core.master_attributes(p_feed);
    v_file_columns text := (select string_agg(format('j.%I', a), ', ') from unnest(v_attributes) as a);
    v_prior_columns text := (select string_agg(format('p.%I', a), ', ') from unnest(v_attributes) as a);
    v_new_columns text := (
        select string_agg(
            format(
                case
                    -- a closed customer has agreed to nothing
                    when a like 'opt\_in\_%' then 'j.%1$I as %1$I'
                    else 'case
                        when j.row_number is not null then j.%1$I
                        when b.version_from is not null then b.%1$I
                        else p.%1$I
                    end as %1$I'
                end,
                a
            ),
            ', '
        )
        from unnest(v_attributes) as a
    );
begin
    -- prior: the version that holds at the effective date; before: the one just before it; later: of the versions from
    -- the next file on the first that is in the master (whatever it is, where nothing is known before).
    -- A first version that is closed is of files alone that others of their day replaced: the key begins with this file.
    execute format(
        'create unlogged table raw.master_change as
        select
            changed.*,
            not changed.is_in_master and changed.is_first and changed.returns_at < ''infinity'' as begins_later
        from (
            select
                coalesce(j.%1$I, p.%1$I) as key,
                p.version_from as prior_from,
                coalesce(p.is_in_master, false) as was_in_master,
                j.row_number is not null as is_in_master,
                j.warnings,
                p.version_from is null and l.version_from is null as is_new,
                p.version_from is null
                or p.version_from = ''-infinity'' and (p.effective_date = $1 or not p.is_in_master) as is_first,
                case
                    when p.is_in_master and p.version_to > $2 then $2
                    when l.is_in_master then l.effective_date
                    else ''infinity''
                end as returns_at,
                %2$s
            from (select * from raw.master_judged where %1$I is not null and not is_duplicate) as j
            full join (
                select * from core.%3$I
                where known_to = ''infinity'' and effective_date <= $1 and version_to > $1
            ) as p on p.%1$I = j.%1$I
            left join core.%3$I b
                on b.%1$I = coalesce(j.%1$I, p.%1$I)
                and b.known_to = ''infinity''
                and b.effective_date < $1
                and b.version_to = $1
                and p.effective_date = $1
            left join lateral (
                select v.*
                from core.%3$I v
                where
                    $2 < ''infinity''
                    and v.%1$I = coalesce(j.%1$I, p.%1$I)
                    and v.known_to = ''infinity''
                    and v.effective_date >= $2
                    and (v.is_in_master or p.%1$I is null)
                order by v.effective_date
                limit 1
            ) as l on true
            where
                p.%1$I is null
                or j.row_number is not null and (not p.is_in_master or (%4$s) is distinct from (%5$s))
                or j.row_number is null and p.is_in_master
        ) as changed',
        v_key, v_new_columns, v_table, v_file_columns, v_prior_columns
    ) using v_effective, p_until;
    create index on raw.master_change (key);
    analyze raw.master_change;
end
$$;
comment on procedure core.compare_master(bigint, text, date) is 'Compares a master file with the versions that hold at its effective date (raw.master_change: the keys that change).';

create or replace function core.master_shrink_message(p_file_id bigint, p_feed text) returns text
language plpgsql
as $$
declare
    v_effective date := (select effective_date from ops.file where file_id = p_file_id);
    v_share numeric := (select value::numeric from ops.setting where setting = 'shrink_guard_share');
    v_withdrawn bigint := (select count(*) from raw.master_change c where c.was_in_master and not c.is_in_master);
    v_current bigint;
begin
    if v_withdrawn = 0 then
        return null;
    end if;
    execute format(
        'select count(*) from core.%I v
        where v.known_to = ''infinity'' and v.effective_date <= $1 and v.version_to > $1 and v.is_in_master',
        core.master_table(p_feed)
    ) into v_current using v_effective;
    if v_withdrawn <= v_share * v_current then
        return null;
    end if;
    return format(
        'it would close %s of the %s current %s (more than %s %%); approve or discard it',
        v_withdrawn, v_current, p_feed, trim_scale(v_share * 100)
    );
end
$$;
comment on function core.master_shrink_message(bigint, text) is 'Why the shrink guard holds a master file, or null.';

create or replace procedure core.apply_master(p_file_id bigint, p_feed text, p_until date, p_known_at timestamptz)
language plpgsql
as $$
declare
    v_effective date := (select effective_date from ops.file where file_id = p_file_id);
    v_key text := (select natural_key[1] from ops.feed where feed = p_feed);
    v_table text := core.master_table(p_feed);
    v_attributes text[] := core.master_attributes(p_feed);
    v_prior_columns text := (select string_agg(format('p.%I', a), ', ') from unnest(v_attributes) as a);
    v_change_columns text := (select string_agg(format('c.%I', a), ', ') from unnest(v_attributes) as a);
    -- a closed version keeps the last attributes
    v_closed_columns text := (
        select string_agg(format(case when a like 'opt\_in\_%' then 'null' else 'c.%1$I' end, a), ', ')
        from unnest(v_attributes) as a
    );
    v_insert text := format(
        'insert into core.%I (%I, %s, is_in_master, version_from, version_to, effective_date, known_from, file_id, warnings) ',
        v_table, v_key, (select string_agg(format('%I', a), ', ') from unnest(v_attributes) as a)
    );
begin
    -- from now on the warehouse knows better: the versions in force at the effective date, …
    execute format(
        'update core.%2$I p set known_to = $1 from raw.master_change c
        where c.key = p.%1$I and c.prior_from = p.version_from and p.known_to = ''infinity''',
        v_key, v_table
    ) using p_known_at;
    if p_until < 'infinity' then
        -- … closed ones that follow the file's interval, and with what a key returns if it began, or now begins, with that
        execute format(
            'update core.%2$I p set known_to = $1 from raw.master_change c
            where
                c.key = p.%1$I
                and p.known_to = ''infinity''
                and p.effective_date >= $2
                and case
                    when p.is_in_master then p.effective_date = c.returns_at and (c.prior_from is null or c.begins_later)
                    else p.effective_date < c.returns_at
                end',
            v_key, v_table
        ) using p_known_at, p_until;
    end if;

    -- the interrupted version before the file's interval
    execute v_insert || format(
        'select p.%1$I, %2$s, p.is_in_master, p.version_from, $1, p.effective_date, $2, p.file_id, p.warnings
        from core.%3$I p
        join raw.master_change c on c.key = p.%1$I and c.prior_from = p.version_from
        where p.known_to = $2 and c.prior_from < $1 and not c.is_first',
        v_key, v_prior_columns, v_table
    ) using v_effective, p_known_at;

    -- the file's interval, or all the time until the key returns; the first known version counts from the beginning of time
    execute v_insert || format(
        'select
            c.key, %1$s, c.is_in_master,
            case when c.is_first then ''-infinity'' else $1 end,
            case when c.is_in_master then $3 else c.returns_at end,
            $1, $2, $4, c.warnings
        from raw.master_change c
        where not c.begins_later',
        v_change_columns
    ) using v_effective, p_known_at, p_until, p_file_id;

    if p_until < 'infinity' then
        -- a key that later files do not have, or have only from a later day on, is closed in between
        execute v_insert || format(
            'select c.key, %1$s, false, $2, c.returns_at, $2, $1, coalesce(p.file_id, $3), null
            from raw.master_change c
            left join core.%2$I p
                on p.%3$I = c.key and p.known_to = $1 and not p.is_in_master and p.version_from <= $2 and p.version_to > $2
            where c.is_in_master and c.returns_at > $2',
            v_closed_columns, v_table, v_key
        ) using p_known_at, p_until, p_file_id;
        -- what it returns with: the interrupted version after the interval, or one that is, or no longer is, the first
        execute v_insert || format(
            'select
                p.%1$I, %2$s, true,
                case when c.begins_later then ''-infinity'' else c.returns_at end,
                p.version_to, c.returns_at, $1, p.file_id, p.warnings
            from core.%3$I p
            join raw.master_change c on c.key = p.%1$I
            where
                p.known_to = $1
                and p.is_in_master
                and p.effective_date <= c.returns_at
                and p.version_to > c.returns_at',
            v_key, v_prior_columns, v_table
        ) using p_known_at;
    end if;
end
$$;
comment on procedure core.apply_master(bigint, text, date, timestamptz) is 'Writes the versions that a master file opens, cuts and closes.';

create or replace procedure core.keep_warnings(p_file_id bigint, p_feed text, p_until date)
language plpgsql
as $$
declare
    v_effective date := (select effective_date from ops.file where file_id = p_file_id);
    v_key text := (select natural_key[1] from ops.feed where feed = p_feed);
    v_table text := core.master_table(p_feed);
    v_has_warnings boolean;
begin
    execute format(
        'select
            exists (select from raw.master_judged j where j.warnings is not null)
            or exists (select from core.%I p where p.known_to = ''infinity'' and p.warnings is not null)',
        v_table
    ) into v_has_warnings;
    if not v_has_warnings then
        return;
    end if;
    -- in place: a warning is no other version. Of one that holds longer, a later file has spoken
    execute format(
        'update core.%2$I p
        set warnings = j.warnings
        from raw.master_judged j
        where
            j.%1$I = p.%1$I
            and not j.is_duplicate
            and p.known_to = ''infinity''
            and p.effective_date <= $1
            and p.version_to > $1
            and p.version_to <= $2
            and p.warnings is distinct from j.warnings',
        v_key, v_table
    ) using v_effective, p_until;
end
$$;
comment on procedure core.keep_warnings(bigint, text, date) is 'Keeps the warnings of a master file''s rows beside the versions that hold from its effective date on, also beside unchanged ones.';
