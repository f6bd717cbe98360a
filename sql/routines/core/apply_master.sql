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
                        when p.version_from is not null and l.version_from is not null then l.%1$I
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
    -- prior: the version that holds at the effective date; before: the one just before it; later: the one that follows.
    -- A key begins later where only a file of the same day, which this one replaces, had it at the beginning.
    execute format(
        'create unlogged table raw.master_change as
        select
            coalesce(j.%1$I, p.%1$I) as key,
            j.row_number,
            p.version_from as prior_from,
            p.version_to as prior_to,
            p.effective_date as prior_effective,
            coalesce(p.is_in_master, false) as was_in_master,
            j.row_number is not null as is_in_master,
            j.warnings,
            l.version_from as later_from,
            l.effective_date as later_effective,
            (
                j.row_number is null and p.version_from = ''-infinity'' and p.effective_date = $1
                and (p.version_to > $2 or l.version_from is not null)
            ) as begins_later,
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
                v.known_to = ''infinity''
                and (
                    v.%1$I = j.%1$I and p.%1$I is null
                    or v.%1$I = p.%1$I and j.row_number is null and p.version_from = ''-infinity''
                    and p.effective_date = $1 and p.version_to = $2 and v.version_from >= $2 and v.is_in_master
                )
            order by v.version_from
            limit 1
        ) as l on true
        where
            p.%1$I is null
            or j.row_number is not null and (not p.is_in_master or (%4$s) is distinct from (%5$s))
            or j.row_number is null and p.is_in_master',
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
    -- a closed version keeps the last attributes: now this file's
    v_carried_columns text := (
        select string_agg(
            format(
                case when a like 'opt\_in\_%' then 'p.%1$I' else 'case when p.is_in_master then p.%1$I else c.%1$I end' end, a
            ),
            ', '
        )
        from unnest(v_attributes) as a
    );
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
        -- … what was the first version although this file is older, and closed versions that carry attributes on
        execute format(
            'update core.%2$I p set known_to = $1 from raw.master_change c
            where
                c.key = p.%1$I
                and p.known_to = ''infinity''
                and (c.prior_from is null and p.version_from = c.later_from or p.version_from = $2 and not p.is_in_master)',
            v_key, v_table
        ) using p_known_at, p_until;
    end if;

    -- the interrupted version before the file's interval
    execute v_insert || format(
        'select p.%1$I, %2$s, p.is_in_master, p.version_from, $1, p.effective_date, $2, p.file_id, p.warnings
        from core.%3$I p
        join raw.master_change c on c.key = p.%1$I and c.prior_from = p.version_from
        where p.known_to = $2 and c.prior_effective < $1',
        v_key, v_prior_columns, v_table
    ) using v_effective, p_known_at;

    -- the file's interval; the first known version counts from the beginning of time
    execute v_insert || format(
        'select
            c.key, %1$s, c.is_in_master,
            case
                when c.prior_from is null or c.prior_effective = $1 and c.prior_from = ''-infinity'' then ''-infinity''
                else $1
            end,
            $3, $1, $2, $4, c.warnings
        from raw.master_change c
        where not c.begins_later',
        v_change_columns
    ) using v_effective, p_known_at, p_until, p_file_id;

    if p_until < 'infinity' then
        -- the interrupted version after the file's interval
        execute v_insert || format(
            'select p.%1$I, %2$s, p.is_in_master, $2, p.version_to, $2, $1, p.file_id, p.warnings
            from core.%3$I p
            join raw.master_change c on c.key = p.%1$I and c.prior_from = p.version_from
            where p.known_to = $1 and p.version_to > $2 and not c.begins_later',
            v_key, v_carried_columns, v_table
        ) using p_known_at, p_until;
        -- a key that later files do not have, or have only from a later day on, is closed in between
        execute v_insert || format(
            'select c.key, %1$s, false, $2, coalesce(c.later_effective, ''infinity''), $2, $1, $3, null
            from raw.master_change c
            where c.prior_from is null and coalesce(c.later_effective, ''infinity'') > $2',
            v_closed_columns
        ) using p_known_at, p_until, p_file_id;
        -- versions after the interval: no longer the first one, or closed with this file's attributes
        execute v_insert || format(
            'select p.%1$I, %2$s, p.is_in_master, p.effective_date, p.version_to, p.effective_date, $1, p.file_id, p.warnings
            from core.%3$I p
            join raw.master_change c on c.key = p.%1$I
            where
                p.known_to = $1
                and p.effective_date >= $2
                and not c.begins_later
                and (c.prior_from is null and p.version_from = c.later_from or p.version_from = $2 and not p.is_in_master)',
            v_key, v_carried_columns, v_table
        ) using p_known_at, p_until;
        call core.begin_later(p_feed, p_until, p_known_at);
    end if;
end
$$;
comment on procedure core.apply_master(bigint, text, date, timestamptz) is 'Writes the versions that a master file opens, cuts and closes.';

create or replace procedure core.begin_later(p_feed text, p_until date, p_known_at timestamptz)
language plpgsql
as $$
declare
    v_key text := (select natural_key[1] from ops.feed where feed = p_feed);
    v_table text := core.master_table(p_feed);
    v_attributes text[] := core.master_attributes(p_feed);
    v_columns text := (select string_agg(format('%I', a), ', ') from unnest(v_attributes) as a);
    v_version_columns text := (select string_agg(format('p.%I', a), ', ') from unnest(v_attributes) as a);
begin
    execute format(
        'update core.%2$I p set known_to = $1 from raw.master_change c
        where
            c.begins_later
            and c.key = p.%1$I
            and p.known_to = ''infinity''
            and p.version_from <= coalesce(c.later_from, c.prior_from)',
        v_key, v_table
    ) using p_known_at;
    execute format(
        'insert into core.%3$I (
            %1$I, %2$s, is_in_master, version_from, version_to, effective_date, known_from, file_id, warnings
        )
        select
            p.%1$I, %4$s, p.is_in_master, ''-infinity'', p.version_to, coalesce(c.later_effective, $2), $1, p.file_id,
            p.warnings
        from core.%3$I p
        join raw.master_change c
            on c.begins_later and c.key = p.%1$I and p.version_from = coalesce(c.later_from, c.prior_from)
        where p.known_to = $1',
        v_key, v_columns, v_table, v_version_columns
    ) using p_known_at, p_until;
end
$$;
comment on procedure core.begin_later(text, date, timestamptz) is 'Lets keys begin with a later file that only a replaced file of the same day had before it: their first version, valid from the beginning, is now the later one.';
