-- Plans a run: which months it builds, whole or only for touched customers, with new cut points or the published ones.

create or replace function crm.fact_set_of(p_core_product_types text[], p_known_at timestamptz) returns integer
language plpgsql
as $$
declare
    v_types text[] := array(select distinct lower(t) as t from unnest(p_core_product_types) as t order by 1);
    v_fact_set_id integer;
begin
    select f.fact_set_id
    into v_fact_set_id
    from crm.fact_set f
    where f.core_product_types = v_types and f.known_at is not distinct from p_known_at;
    if v_fact_set_id is null then
        insert into crm.fact_set (core_product_types, known_at) values (v_types, p_known_at) returning fact_set_id into v_fact_set_id;
    end if;
    return v_fact_set_id;
end
$$;
comment on function crm.fact_set_of(text[], timestamptz) is 'The fact set of a choice of core product types, made where it is missing.';

create or replace function crm.rule_set_of(p_month date) returns integer
language plpgsql stable
as $$
begin
    return (
        select r.rule_set_id
        from crm.rule_set r
        where r.state = 'active' and r.active_from <= p_month
        order by r.active_from desc
        limit 1
    );
end
$$;
comment on function crm.rule_set_of(date) is 'The rule set that is active in a month.';

create or replace function crm.superseded_rules(p_run_id bigint) returns text
language plpgsql stable
as $$
begin
    return (
        select format('rule set %s decides %s since', crm.rule_set_of(m.month), to_char(m.month, 'YYYY-MM'))
        from ops.run_month m
        join ops.run r on r.run_id = m.run_id and r.kind = 'refresh'
        where
            m.run_id = p_run_id
            and m.rows_mode = 'all'
            and m.rule_set_id <> crm.rule_set_of(m.month)
            -- other rules come to a published month only on request
            and not exists (select from crm.published_month p where p.month = m.month)
        order by m.month
        limit 1
    );
end
$$;
comment on function crm.superseded_rules(bigint) is 'Which rule set, activated since a run was planned, decides the first of its months that were never published; null where none does.';

create or replace function crm.rule_set_known(p_month date, p_known_at timestamptz) returns integer
language plpgsql stable
as $$
begin
    return coalesce(
        (
            select case when m.rows_mode <> 'remove' then m.rule_set_id end
            from ops.run_month m
            join ops.run r on r.run_id = m.run_id
            -- a publication knows what was accepted until its known time, though it is seen later
            where m.month = p_month and r.published_at is not null and r.known_at <= p_known_at
            order by m.run_id desc
            limit 1
        ),
        crm.rule_set_of(p_month)
    );
end
$$;
comment on function crm.rule_set_known(date, timestamptz) is 'The rule set that decided a month in the newest publication of what was known until a time; the one active now where the month was not yet published.';

create or replace function crm.known_dates(p_known_at timestamptz)
returns table (first_date date, last_date date)
language plpgsql stable
as $$
begin
    -- unlike select into, return query lets the server scan the lines with several processes
    return query
    select min(l.first_date), max(l.last_date)
    from (
        select min(s.transaction_date) as first_date, max(s.transaction_date) as last_date
        from core.sale_line s
        where s.known_from <= p_known_at
        union all
        select min(s.transaction_date), max(s.transaction_date)
        from core.sale_line_superseded s
        where s.known_from <= p_known_at and s.superseded_at > p_known_at
    ) as l;
end
$$;
comment on function crm.known_dates(timestamptz) is 'First and last accepted transaction date as known at a time.';

create or replace function crm.accepted_dates(out first_date date, out last_date date)
language plpgsql stable
as $$
declare
    v_month date;
begin
    -- month after month: most often the first one that is looked at has lines
    for v_month in
        select d::date
        from core.sale_key_range k
        cross join generate_series(k.first_date::timestamp, k.last_date, interval '1 month') as d
        order by d
    loop
        select min(s.transaction_date)
        into first_date
        from core.sale_line s
        where s.transaction_date between v_month and (v_month + interval '1 month - 1 day')::date;
        exit when first_date is not null;
    end loop;
    for v_month in
        select d::date
        from core.sale_key_range k
        cross join generate_series(k.first_date::timestamp, k.last_date, interval '1 month') as d
        order by d desc
    loop
        select max(s.transaction_date)
        into last_date
        from core.sale_line s
        where s.transaction_date between v_month and (v_month + interval '1 month - 1 day')::date;
        exit when last_date is not null;
    end loop;
end
$$;
comment on function crm.accepted_dates() is 'First and last accepted transaction date.';

create or replace procedure crm.add_run_month(p_run_id bigint, p_month date, p_rows_mode text, p_cuts_mode text, p_known_at timestamptz)
language plpgsql
as $$
declare
    v_run ops.run;
    v_published crm.published_month;
    v_rules crm.rule_set;
    v_is_restated boolean;
    v_last_day date := (p_month + interval '1 month - 1 day')::date;
    v_as_of date;
    v_procedures text[] := '{}';
begin
    select r.* into v_run from ops.run r where r.run_id = p_run_id;
    select m.* into v_published from crm.published_month m where m.month = p_month;
    v_as_of := case when p_month = v_run.report_month then v_run.as_of_date else v_last_day end;
    -- other rules come to a published month only on request
    v_is_restated := p_cuts_mode = 'compute'
        and coalesce((v_run.requested ->> 'recut')::boolean, false)
        and p_month >= coalesce((v_run.requested ->> 'from')::date, v_run.first_month);
    select r.*
    into v_rules
    from crm.rule_set r
    where r.rule_set_id = case
        when v_run.kind = 'rebuild' then crm.rule_set_known(p_month, p_known_at)
        when v_is_restated or v_published.month is null then crm.rule_set_of(p_month)
        else v_published.rule_set_id
    end;
    if v_run.kind = 'refresh' and v_published.month is not null then
        -- what a run leaves as it is keeps the procedures that it comes from
        select case when p_rows_mode = 'touched' then m.procedures else array(
            select p
            from unnest(m.procedures) as p
            where p like 'crm.aggregate%' or p_cuts_mode = 'keep' and p like 'crm.cut%'
        ) end
        into v_procedures
        from ops.run_month m
        where m.run_id = v_published.run_id and m.month = p_month;
    end if;

    insert into ops.run_month (
        run_id, month, as_of_date, rows_mode, cuts_mode, rule_set_id, fact_set_id, is_carried, is_open, short_history,
        thin_month, cut_run_id, procedures
    ) values (
        p_run_id,
        p_month,
        v_as_of,
        p_rows_mode,
        p_cuts_mode,
        v_rules.rule_set_id,
        crm.fact_set_of(v_rules.core_product_types, p_known_at),
        true,
        v_as_of < v_last_day,
        p_month < (v_run.first_month + make_interval(months => v_rules.window_months))::date,
        case when p_cuts_mode = 'keep' then v_published.thin_month end,
        case when p_cuts_mode = 'keep' then v_published.cut_run_id end,
        v_procedures
    );
end
$$;
comment on procedure crm.add_run_month(bigint, date, text, text, timestamptz) is 'Adds a month to the plan of a run.';

-- measures are carried on only under the same facts and window
create or replace procedure crm.note_carried_months(p_run_id bigint)
language plpgsql
as $$
begin
    update ops.run_month m
    set is_carried = before.fact_set_id is null or before.fact_set_id = m.fact_set_id and b.window_months = r.window_months
    from (
        select
            x.run_id,
            x.month,
            x.rule_set_id,
            case when y.month is not null then y.fact_set_id when u.kind = 'refresh' then p.fact_set_id end as fact_set_id,
            case when y.month is not null then y.rule_set_id when u.kind = 'refresh' then p.rule_set_id end as previous_rule_set_id
        from ops.run_month x
        join ops.run u on u.run_id = x.run_id
        left join ops.run_month y
            on y.run_id = x.run_id and y.month = (x.month - interval '1 month')::date and y.rows_mode <> 'remove'
        left join crm.published_month p
            on p.month = (x.month - interval '1 month')::date
            and not exists (
                select from ops.run_month z where z.run_id = x.run_id and z.month = p.month and z.rows_mode = 'remove'
            )
    ) as before
    join crm.rule_set r on r.rule_set_id = before.rule_set_id
    left join crm.rule_set b on b.rule_set_id = before.previous_rule_set_id
    where m.run_id = p_run_id and before.run_id = m.run_id and before.month = m.month;
end
$$;
comment on procedure crm.note_carried_months(bigint) is 'Says of every planned month whether its measures carry on from the month before.';

create or replace function crm.is_standing(p_run_id bigint, p_month date) returns boolean
language plpgsql stable
as $$
begin
    return exists (
        select
        from crm.published_month m
        join ops.run r on r.run_id = p_run_id
        where
            m.month = p_month
            and m.as_of_date = case
                when p_month = r.report_month then r.as_of_date
                else (p_month + interval '1 month - 1 day')::date
            end
    );
end
$$;
comment on function crm.is_standing(bigint, date) is 'Whether a run that restates nothing would build a published month as of the same day: then only touched customers and new limits can change it.';

create or replace procedure crm.choose_parts(p_run_id bigint)
language plpgsql
as $$
begin
    update ops.run r
    set parts = case
        -- below, starting a statement costs more than a second session saves
        when largest_month.customers < 50000 then 1
        else least(4, greatest(1, current_setting('max_parallel_workers')::integer))
    end
    from (
        select case
            when exists (select from ops.run_month m where m.run_id = p_run_id and m.rows_mode = 'all')
                then (select c.reltuples from pg_class c where c.oid = 'core.customer_version'::regclass)
            else (select count(*) from crm.touched_customer t where t.run_id = p_run_id)
        end as customers
    ) as largest_month
    where r.run_id = p_run_id;
end
$$;
comment on procedure crm.choose_parts(bigint) is 'In how many parts a planned run scores its customers: as many as the server has workers, four at most; few customers in one.';

create or replace procedure crm.plan_months(p_run_id bigint)
language plpgsql
as $$
declare
    v_run ops.run;
    v_publications record;
    v_published_first date;
    v_published_last date;
    v_recut boolean;
    v_recut_from date;
    v_standing date;
    v_tail date;
    v_first_touched date;
    v_month date;
begin
    select r.* into v_run from ops.run r where r.run_id = p_run_id;
    select * into v_publications from crm.publications_until(v_run.known_at);
    select min(m.month), max(m.month) into v_published_first, v_published_last from crm.published_month m;
    v_recut := coalesce((v_run.requested ->> 'recut')::boolean, false);
    v_recut_from := coalesce((v_run.requested ->> 'from')::date, case when v_recut then v_run.first_month end);
    v_tail := case when v_published_last is null then v_run.first_month else least(v_published_last, v_run.report_month) end;
    if v_recut_from is null and v_run.first_month = v_published_first and crm.is_standing(p_run_id, v_tail) then
        v_standing := v_tail;
        v_tail := (v_tail + interval '1 month')::date;
    end if;

    call ops.forget_audit(p_run_id);
    delete from ops.run_month where run_id = p_run_id;
    delete from crm.touched_customer where run_id = p_run_id;
    delete from crm.touched_fact where run_id = p_run_id;

    insert into crm.touched_customer (run_id, customer_id, from_month)
    select p_run_id, changed.customer_id, greatest(min(changed.month), v_run.first_month)
    from (
        select
            c.customer_id,
            case
                -- with neither registration nor transaction left, the first publication counts
                when v.registration_date is null
                    and not exists (select from core.sale_line l where l.customer_id = c.customer_id)
                then least(
                    c.month,
                    v_run.report_month,
                    date_trunc('month', coalesce(
                        s.first_seen,
                        v_publications.as_of_date[
                            width_bucket(a.accepted_at - interval '1 microsecond', v_publications.known_at) + 1
                        ],
                        v_run.as_of_date
                    ))::date
                )
                else least(c.month, date_trunc('month', s.first_seen)::date)
            end as month
        from crm.pending_change c
        join core.customer_version v
            on v.customer_id = c.customer_id and v.version_to = 'infinity' and v.known_to = 'infinity'
        left join crm.customer_first_seen s on s.customer_id = c.customer_id
        left join (
            select o.customer_id, min(o.known_from) as accepted_at
            from core.customer_version o
            where o.customer_id in (
                select n.customer_id
                from crm.pending_change p
                join core.customer_version n
                    on n.customer_id = p.customer_id and n.version_to = 'infinity' and n.known_to = 'infinity'
                where n.registration_date is null
            )
            group by o.customer_id
        ) as a on a.customer_id = c.customer_id
        where c.changed_at <= v_run.known_at
        union all
        -- first seen without registration or transaction, and known by one of them since
        select s.customer_id, date_trunc('month', s.first_seen)::date
        from crm.customer_first_seen s
        join ops.run r on r.run_id = s.run_id and r.published_at is not null
        join core.customer_version v
            on v.customer_id = s.customer_id and v.version_to = 'infinity' and v.known_to = 'infinity'
        where
            exists (
                select
                from crm.snapshot x
                where x.month = date_trunc('month', s.first_seen)::date and x.customer_id = s.customer_id
            )
            and (
                v.registration_date > s.first_seen
                or v.registration_date is null and exists (
                    select from core.sale_line l where l.customer_id = s.customer_id
                )
            )
    ) as changed
    group by changed.customer_id
    having greatest(min(changed.month), v_run.first_month) < v_tail;
    analyze crm.touched_customer;
    select min(t.from_month) into v_first_touched from crm.touched_customer t where t.run_id = p_run_id;

    for v_month in
        select d::date from generate_series(v_run.first_month::timestamp, v_run.report_month, interval '1 month') as d
    loop
        if v_month >= v_tail or v_month < v_published_first or v_recut and v_month >= v_recut_from then
            call crm.add_run_month(p_run_id, v_month, 'all', 'compute', null);
        elsif v_run.first_month <> v_published_first or v_month >= v_recut_from then
            -- with another first month everybody's first appearance may change
            call crm.add_run_month(p_run_id, v_month, 'all', 'keep', null);
        elsif v_month = v_standing then
            call crm.add_run_month(p_run_id, v_month, 'touched', 'compute', null);
        elsif v_month >= v_first_touched then
            call crm.add_run_month(p_run_id, v_month, 'touched', 'keep', null);
        end if;
    end loop;

    insert into ops.run_month (
        run_id, month, as_of_date, rows_mode, cuts_mode, rule_set_id, fact_set_id, is_carried, is_open, short_history,
        thin_month, cut_run_id
    )
    select
        p_run_id, m.month, m.as_of_date, 'remove', 'keep', m.rule_set_id, m.fact_set_id, true, false, false, m.thin_month,
        m.cut_run_id
    from crm.published_month m
    where v_run.first_month is null or m.month < v_run.first_month or m.month > v_run.report_month;

    call crm.choose_parts(p_run_id);
    call crm.note_carried_months(p_run_id);
    call crm.create_run_partitions(p_run_id);
end
$$;
comment on procedure crm.plan_months(bigint) is 'Derives from what changed which months a run builds, and for whom.';

create or replace function crm.asks_for_months(p_requested jsonb) returns boolean
language sql immutable parallel safe
return p_requested ->> 'from' is not null or coalesce((p_requested ->> 'recut')::boolean, false);
comment on function crm.asks_for_months(jsonb) is 'Whether a request names months to build, or new cut points, beside what has changed.';

create or replace function crm.plan_refresh(p_requested jsonb, p_requested_by text) returns bigint
language plpgsql
as $$
declare
    v_last ops.run;
    v_run_id bigint;
    v_known_at timestamptz;
    v_dates record;
    v_later_run_id bigint;
    v_abandoned bigint;
begin
    -- loads wait while the plan takes stock
    perform pg_advisory_xact_lock(ops.lock_key('load'));
    call crm.await_building();
    v_known_at := ops.log_time();

    select r.* into v_last from ops.run r where r.status = 'published' order by r.run_id desc limit 1;
    select * into v_dates from crm.accepted_dates();
    if (p_requested ->> 'from')::date > v_dates.last_date then
        raise exception '% is after the last month: there are % to %; name one of them',
            to_char((p_requested ->> 'from')::date, 'YYYY-MM'),
            to_char(v_dates.first_date, 'YYYY-MM'),
            to_char(v_dates.last_date, 'YYYY-MM');
    end if;
    -- an Airflow task that was cleared goes on for some seconds, and nobody would build what it plans then
    select max(r.run_id)
    into v_later_run_id
    from ops.run r
    where
        r.requested_by = p_requested_by
        and (r.requested ->> 'attempt')::integer > (p_requested ->> 'attempt')::integer;
    insert into ops.run (kind, requested, requested_by, known_at, first_month, report_month, as_of_date)
    values (
        'refresh',
        p_requested,
        p_requested_by,
        v_known_at,
        date_trunc('month', v_dates.first_date)::date,
        date_trunc('month', v_dates.last_date)::date,
        v_dates.last_date
    )
    returning run_id into v_run_id;

    if v_dates.first_date is null and v_last.run_id is null then
        update ops.run
        set status = 'nothing_to_do', message = 'no sale line has been accepted yet; put sales files into the inbox'
        where run_id = v_run_id;
    elsif not crm.has_changed_since(v_last.known_at)
        and not crm.asks_for_months(p_requested)
        and v_last.run_id is not null
    then
        update ops.run
        set status = 'nothing_to_do', message = 'nothing has changed since run ' || v_last.run_id
        where run_id = v_run_id;
    elsif v_later_run_id is not null then
        update ops.run
        set status = 'nothing_to_do', message = 'a later try of the same task has planned run ' || v_later_run_id
        where run_id = v_run_id;
    else
        for v_abandoned in
            select r.run_id
            from ops.run r
            where r.status = 'building' and r.kind = 'refresh' and r.run_id <> v_run_id
        loop
            call crm.drop_run_tables(v_abandoned);
            update ops.run set status = 'abandoned', message = 'another run took over' where run_id = v_abandoned;
        end loop;
        call crm.plan_months(v_run_id);
    end if;
    return v_run_id;
end
$$;
comment on function crm.plan_refresh(jsonb, text) is 'Plans the next publication; gives its run. A run that was still building is abandoned where there is something to do, but not by an earlier attempt of the same request. Raises for a first month after the last one.';

create or replace function crm.has_changed_since(p_known_at timestamptz) returns boolean
language plpgsql stable
as $$
begin
    return p_known_at is null
        or exists (
            select
            from ops.file f
            where f.status = 'loaded' and f.loaded_at > p_known_at and (f.rows_loaded > 0 or f.rows_superseded > 0)
        )
        or exists (select from crm.pending_change c where c.changed_at > p_known_at);
end
$$;
comment on function crm.has_changed_since(timestamptz) is 'Whether accepted facts or masters have changed since a known time.';
