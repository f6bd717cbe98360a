-- Acceptance of one master file: judge, compare, guard, reject, apply, count; then waiting sale lines are tried again.

create or replace function core.accept_master(p_file_id bigint, p_feed text, p_known_at timestamptz, p_is_approved boolean)
returns text
language plpgsql
as $$
declare
    v_effective date := (select effective_date from ops.file where file_id = p_file_id);
    v_until date;
    v_held text;
begin
    -- a skipped file still says that its day's master was the same
    select coalesce(min(f.effective_date), 'infinity')
    into v_until
    from ops.file f
    where f.feed = p_feed and f.status in ('loaded', 'skipped') and f.effective_date > v_effective;

    call core.judge_master(p_file_id, p_feed);
    call core.compare_master(p_file_id, p_feed, v_until);
    if not p_is_approved then
        v_held := core.master_shrink_message(p_file_id, p_feed);
        if v_held is not null then
            return v_held;
        end if;
    end if;
    call core.close_rejects(p_file_id);
    call core.reject_master(p_file_id, p_feed, p_known_at);
    call core.apply_master(p_file_id, p_feed, v_until, p_known_at);
    call core.keep_warnings(p_file_id, p_feed, v_until);
    if p_feed = 'customers' then
        call core.note_changed_customers(p_file_id, p_known_at);
    elsif p_feed = 'products' then
        call core.note_changed_products(p_file_id, p_known_at);
    end if;
    call core.count_master(p_file_id, p_feed);
    call core.analyze_master(p_feed);
    drop table raw.date_reading, raw.master_judged, raw.master_change;
    -- from here on the feed counts as loaded, which decides whether unknown stores and promotions are rejected
    update ops.file set status = 'loaded', loaded_at = p_known_at where file_id = p_file_id;
    perform core.replay_sales(p_file_id, p_known_at);
    return null;
end
$$;
comment on function core.accept_master(bigint, text, timestamptz, boolean) is 'Accepts the rows of a master file; gives why the shrink guard holds it (the caller then rolls back), or null.';

create or replace procedure core.analyze_master(p_feed text)
language plpgsql
-- for what comes next a sample does; maintain_warehouse takes more
set default_statistics_target = 20
as $$
begin
    execute format('analyze core.%I', core.master_table(p_feed));
end
$$;
comment on procedure core.analyze_master(text) is 'Gives the planner statistics of a master after a file, from few rows.';

create or replace procedure core.reject_master(p_file_id bigint, p_feed text, p_known_at timestamptz)
language plpgsql
as $$
declare
    v_key text := (select natural_key[1] from ops.feed where feed = p_feed);
begin
    insert into ops.rejected_record (file_id, line_number, raw_row, reasons, rejected_at)
    select u.file_id, u.line_number, jsonb_build_object('row', u.raw_text), array[u.reason], p_known_at
    from raw.unreadable_row u
    where u.file_id = p_file_id
    order by u.line_number;

    execute format(
        'insert into ops.rejected_record (file_id, line_number, raw_row, reasons, rejected_at)
        select f.file_id, raw.line_number(f.file_id, j.row_number), raw.row_as_received(to_jsonb(r), f.column_map),
            array[''missing_key''], $2
        from raw.master_judged j
        join raw.%1$I r on r.row_number = j.row_number and r.file_id = $1
        join ops.file f on f.file_id = $1
        where j.%2$I is null
        order by j.row_number',
        p_feed, v_key
    ) using p_file_id, p_known_at;
end
$$;
comment on procedure core.reject_master(bigint, text, timestamptz) is 'Writes the rejects of one master file.';

create or replace procedure core.count_master(p_file_id bigint, p_feed text)
language plpgsql
as $$
declare
    v_key text := (select natural_key[1] from ops.feed where feed = p_feed);
    v_judged bigint;
    v_rejected bigint;
    v_duplicate bigint;
    v_unreadable bigint := (select count(*) from raw.unreadable_row u where u.file_id = p_file_id);
    v_loaded bigint := (select count(*) from raw.master_change c where c.is_in_master);
    v_superseded bigint := (select count(*) from raw.master_change c where c.was_in_master);
begin
    execute format(
        'select count(*), count(*) filter (where j.%1$I is null), count(*) filter (where j.is_duplicate) from raw.master_judged j',
        v_key
    ) into v_judged, v_rejected, v_duplicate;
    update ops.file
    set
        rows_received = v_judged + v_unreadable,
        rows_rejected = v_rejected + v_unreadable,
        rows_duplicate = v_duplicate,
        rows_loaded = v_loaded,
        rows_unchanged = v_judged - v_rejected - v_duplicate - v_loaded,
        rows_superseded = v_superseded,
        amount_received = 0,
        amount_loaded = 0,
        amount_unchanged = 0,
        amount_rejected = 0,
        amount_duplicate = 0,
        message = core.unreadable_values_warning()
    where file_id = p_file_id;
end
$$;
comment on procedure core.count_master(bigint, text) is 'Counts the rows of a master file by fate.';

create or replace function core.unreadable_values_warning() returns text
language plpgsql
as $$
declare
    v_share numeric := (select value::numeric from ops.setting where setting = 'reject_warning_share');
    v_column text;
    v_unreadable bigint;
    v_read bigint;
    v_warning text;
begin
    for v_column, v_unreadable in
        select split_part(warning.text, ' cannot be read: ', 1), count(*)
        from raw.master_judged j
        cross join unnest(j.warnings) as warning (text)
        where j.warnings is not null
        group by split_part(warning.text, ' cannot be read: ', 1)
        order by 1
    loop
        execute format('select count(j.%I) from raw.master_judged j', v_column) into v_read;
        if v_unreadable > v_share * (v_unreadable + v_read) then
            v_warning := concat_ws('; ', v_warning, format(
                '%s of %s values of %s cannot be read and are unknown (more than %s %%)',
                v_unreadable, v_unreadable + v_read, v_column, trim_scale(v_share * 100)
            ));
        end if;
    end loop;
    return v_warning;
end
$$;
comment on function core.unreadable_values_warning() is 'Which columns of a judged master file have many values that cannot be read, or null: its contract may say another format.';

create or replace procedure core.note_changed_customers(p_file_id bigint, p_known_at timestamptz)
language plpgsql
as $$
declare
    v_before date := crm.whole_from();
    v_effective date := (select effective_date from ops.file where file_id = p_file_id);
begin
    if v_before is null then
        return;
    end if;
    insert into crm.pending_change (customer_id, month, is_fact_change, changed_at, file_id)
    select changed.customer_id, date_trunc('month', min(changed.day))::date, false, p_known_at, p_file_id
    from (
        -- attributes change from the effective date on, from the beginning where it is the first version
        select
            c.key as customer_id,
            case
                when c.is_new then 'infinity'
                when c.is_first then '-infinity'
                else v_effective
            end::date as day
        from raw.master_change c
        union all
        -- the customer appears earlier or later by the registration date of the current master
        select n.customer_id, case
            when n.registration_date is not null then least(o.registration_date, n.registration_date, s.first_seen)
            -- a new customer appears with a sale, which notes itself, or with the next publication
            when o.customer_id is null then v_before - 1
            else '-infinity'
        end
        from raw.master_change c
        join core.customer_version n
            on n.customer_id = c.key and n.version_to = 'infinity' and n.known_from = p_known_at and n.known_to = 'infinity'
        left join core.customer_version o
            on o.customer_id = c.key and o.version_to = 'infinity' and o.known_to = p_known_at
        left join crm.customer_first_seen s on s.customer_id = c.key
        where o.customer_id is null or o.registration_date is distinct from n.registration_date
    ) as changed
    group by changed.customer_id
    having min(changed.day) < v_before;
end
$$;
comment on procedure core.note_changed_customers(bigint, timestamptz) is 'Notes which customers'' published months a customers file changes.';

create or replace procedure core.note_changed_products(p_file_id bigint, p_known_at timestamptz)
language plpgsql
as $$
declare
    v_before date := crm.whole_from();
begin
    if v_before is null then
        return;
    end if;
    insert into crm.pending_change (customer_id, month, is_fact_change, changed_at, file_id)
    select l.customer_id, date_trunc('month', l.transaction_date)::date, true, p_known_at, p_file_id
    from core.sale_line l
    join (
        -- the days of another type; a file may change versions after its own interval too
        select
            n.product_id,
            greatest(o.version_from, n.version_from) as changed_from,
            least(o.version_to, n.version_to) as changed_to
        from raw.master_change c
        join core.product_version o on o.product_id = c.key and o.known_to = p_known_at
        join core.product_version n
            on n.product_id = o.product_id
            and n.known_from = p_known_at
            and n.known_to = 'infinity'
            and n.version_from < o.version_to
            and n.version_to > o.version_from
        where o.product_type is distinct from n.product_type
    ) as changed on changed.product_id = l.product_id
    where l.transaction_date >= changed.changed_from and l.transaction_date < changed.changed_to and l.transaction_date < v_before
    group by l.customer_id, date_trunc('month', l.transaction_date);
end
$$;
comment on procedure core.note_changed_products(bigint, timestamptz) is 'Notes which customers'' published months a products file changes through a product''s type.';
