-- Brings the customer-month facts up to date for a run: whole months at the end, touched customers before.

create or replace procedure crm.prepare_facts(p_run_id bigint)
language plpgsql
as $$
declare
    v_run ops.run;
    v_fact_set crm.fact_set;
begin
    select r.* into v_run from ops.run r where r.run_id = p_run_id;
    for v_fact_set in
        select f.*
        from crm.fact_set f
        where f.fact_set_id in (select m.fact_set_id from ops.run_month m where m.run_id = p_run_id)
            or v_run.kind = 'refresh' and f.fact_set_id in (select m.fact_set_id from crm.published_month m)
        order by f.fact_set_id
    loop
        call crm.prepare_fact_set(p_run_id, v_fact_set.fact_set_id);
    end loop;
end
$$;
comment on procedure crm.prepare_facts(bigint) is 'Notes the chunks of facts that a run aggregates again (crm.fact_chunk).';

create or replace procedure crm.prepare_fact_set(p_run_id bigint, p_fact_set_id integer)
language plpgsql
as $$
declare
    v_run ops.run;
    v_published_last date := (select max(month) from crm.published_month);
    v_whole_from date;
    v_month date;
    v_table regclass;
begin
    select r.* into v_run from ops.run r where r.run_id = p_run_id;
    -- a fact set that no published month uses is aggregated from the beginning, and every one by a recut of all months
    v_whole_from := case
        when not exists (select from crm.published_month m where m.fact_set_id = p_fact_set_id)
            or (
                select min(m.month) = v_run.first_month and bool_and((m.rows_mode, m.cuts_mode) = ('all', 'compute'))
                from ops.run_month m
                where m.run_id = p_run_id and m.rows_mode <> 'remove'
            )
            then v_run.first_month
        else coalesce(
            (
                select min(m.month)
                from ops.run_month m
                where
                    m.run_id = p_run_id
                    and m.rows_mode = 'all'
                    and m.month >= least(v_published_last, v_run.report_month)
            ),
            (v_run.report_month + interval '1 month')::date
        )
    end;
    call crm.ensure_fact_partitions(p_fact_set_id, v_run.first_month, v_run.report_month);

    for v_table in
        select i.inhrelid::regclass
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where
            i.inhparent = 'crm.customer_month'::regclass
            and c.relname ~ ('^customer_month_' || p_fact_set_id || '_\d{4}_\d{2}$')
            and to_date(right(c.relname, 7), 'YYYY_MM') not between v_run.first_month and v_run.report_month
    loop
        execute format('truncate table %s', v_table);
    end loop;

    delete from crm.fact_chunk where run_id = p_run_id and fact_set_id = p_fact_set_id;
    insert into crm.fact_chunk (run_id, fact_set_id, from_month, to_month, is_whole)
    select
        p_run_id,
        p_fact_set_id,
        d::date,
        least((d + interval '5 months')::date, v_run.report_month),
        true
    from generate_series(v_whole_from, v_run.report_month, interval '6 months') as d;

    insert into crm.touched_fact (run_id, customer_id, month)
    select distinct p_run_id, c.customer_id, c.month
    from crm.pending_change c
    where
        c.is_fact_change
        and c.changed_at <= v_run.known_at
        and c.month >= v_run.first_month
        and c.month < v_whole_from
        and v_run.kind = 'refresh'
    on conflict do nothing;
    analyze crm.touched_fact;
    -- touched facts are the run's: another fact set may count some of their months whole
    for v_month in
        select distinct t.month
        from crm.touched_fact t
        where t.run_id = p_run_id and t.month < v_whole_from
        order by t.month
    loop
        delete from crm.customer_month f
        using crm.touched_fact t
        where
            f.fact_set_id = p_fact_set_id
            and f.month = v_month
            and t.run_id = p_run_id
            and t.month = v_month
            and t.customer_id = f.customer_id;
        insert into crm.fact_chunk (run_id, fact_set_id, from_month, to_month, is_whole)
        values (p_run_id, p_fact_set_id, v_month, v_month, false);
    end loop;
end
$$;
comment on procedure crm.prepare_fact_set(bigint, integer) is 'Notes the chunks of one fact set that a run aggregates again; deletes the facts of touched customers, and of months that are no more.';

create or replace procedure crm.aggregate_chunk(p_run_id bigint, p_fact_set_id integer, p_from_month date)
language plpgsql
as $$
declare
    v_chunk crm.fact_chunk;
    v_month date;
begin
    call crm.join_building();
    select c.*
    into v_chunk
    from crm.fact_chunk c
    where c.run_id = p_run_id and c.fact_set_id = p_fact_set_id and c.from_month = p_from_month;
    if v_chunk.is_whole then
        -- here, not before: a run that is stopped leaves the facts that it has not yet aggregated again
        for v_month in
            select d::date from generate_series(v_chunk.from_month::timestamp, v_chunk.to_month, interval '1 month') as d
        loop
            execute format('truncate table crm.%I', 'customer_month_' || p_fact_set_id || '_' || to_char(v_month, 'YYYY_MM'));
        end loop;
    end if;
    perform set_config('enable_mergejoin', 'off', true);
    perform set_config('enable_nestloop', case when v_chunk.is_whole then 'off' else 'on' end, true);
    call crm.aggregate_facts_v1(
        p_fact_set_id, v_chunk.from_month, v_chunk.to_month, case when v_chunk.is_whole then null else p_run_id end
    );
    -- months of another fact set belong to another session
    for v_month in
        select m.month
        from ops.run_month m
        where
            m.run_id = p_run_id
            and m.fact_set_id = p_fact_set_id
            and m.month between v_chunk.from_month and v_chunk.to_month
            and m.rows_mode <> 'remove'
    loop
        call crm.note_procedure(p_run_id, v_month, 'crm.aggregate_facts_v1');
    end loop;
end
$$;
comment on procedure crm.aggregate_chunk(bigint, integer, date) is 'Aggregates one chunk of months; whole months in place of what they held.';

-- Arrays, so that a statement looks a customer up in them without a join: on a cluster ops.run is not where the customers are.
create or replace function crm.publications_until(
    p_known_at timestamptz,
    out known_at timestamptz[],
    out as_of_date date[]
)
language plpgsql stable
as $$
begin
    select
        coalesce(array_agg(p.known_at order by p.run_id), '{}'),
        coalesce(array_agg(p.as_of_date order by p.run_id), '{}')
    into known_at, as_of_date
    from (
        select
            r.run_id,
            r.known_at,
            r.as_of_date,
            max(r.known_at) over (order by r.run_id rows between unbounded preceding and 1 preceding) as known_before
        from ops.run r
        where r.published_at <= p_known_at
    ) as p
    -- in order of time, as width_bucket needs them
    where p.known_before is null or p.known_at > p.known_before;
end
$$;
comment on function crm.publications_until(timestamptz) is 'Known times and as-of dates of the publications until a time. The first that knew what was accepted at a time is number width_bucket(time - interval ''1 microsecond'', known_at) + 1.';

create or replace procedure crm.know_customers(p_run_id bigint)
language plpgsql
-- only a plan for these very values knows whether everybody is asked for
set plan_cache_mode = force_custom_plan
as $$
declare
    v_run ops.run;
    v_publications record;
    v_fact_set crm.fact_set;
    -- an array, which an index is asked with: a subquery after an "or" goes through all customers
    v_touched text[];
    v_unpublished bigint[] := '{}';
    -- a run of touched customers alone has every change noted
    v_everybody boolean := exists (
        select from ops.run_month m where m.run_id = p_run_id and m.rows_mode <> 'touched'
    );
begin
    select r.* into v_run from ops.run r where r.run_id = p_run_id;
    select * into v_publications from crm.publications_until(v_run.known_at);
    if not v_everybody then
        v_touched := array(select t.customer_id from crm.touched_customer t where t.run_id = p_run_id);
    end if;

    if v_run.kind = 'refresh' then
        -- first seen counts from the first publication: what an unpublished run fixed is fixed anew
        delete from crm.customer_first_seen s
        using ops.run r
        where r.run_id = s.run_id and r.published_at is null;
    else
        -- a rebuild leaves it where it is, and passes it over
        v_unpublished := array(
            select r.run_id
            from ops.run r
            where r.kind = 'refresh' and r.published_at is null and r.status <> 'nothing_to_do'
        );
    end if;

    for v_fact_set in
        select f.*
        from crm.fact_set f
        where f.fact_set_id in (select m.fact_set_id from ops.run_month m where m.run_id = p_run_id)
            or v_run.kind = 'refresh' and f.fact_set_id in (select m.fact_set_id from crm.published_month m)
    loop
        -- few change from run to run
        delete from crm.customer_known k
        where
            k.fact_set_id = v_fact_set.fact_set_id
            and (v_everybody or k.customer_id = any (v_touched))
            and (
                -- with no sale left there is no day from which somebody without a registration is known
                v_run.as_of_date is null
                or not exists (
                    select
                    from core.customer_version v
                    where
                        v.customer_id = k.customer_id
                        and v.version_to = 'infinity'
                        and v.known_from <= v_run.known_at
                        and v.known_to > v_run.known_at
                )
            );
        -- where nothing is known yet nothing can conflict, and a row costs less
        execute format(
            'insert into crm.customer_known (fact_set_id, customer_id, known_from)
            select $2, n.customer_id, n.known_from
            from (
                select
                    v.customer_id,
                    case
                        when v.registration_date is not null or f.first_date is not null
                            then least(v.registration_date, f.first_date)
                        -- with neither, the first publication after the customer was accepted
                        else coalesce(
                            s.first_seen,
                            $6[width_bucket(a.accepted_at - interval ''1 microsecond'', $5) + 1],
                            $7
                        )
                    end as known_from
                from core.customer_version v
                left join (
                    select m.customer_id, min(m.first_date) as first_date
                    from crm.customer_month m
                    where
                        m.fact_set_id = $2
                        and ($3 or m.customer_id = any ($1))
                    group by m.customer_id
                ) as f on f.customer_id = v.customer_id
                left join crm.customer_first_seen s on s.customer_id = v.customer_id and s.run_id <> all ($8)
                left join (
                    select o.customer_id, min(o.known_from) as accepted_at
                    from core.customer_version o
                    join core.customer_version c on c.customer_id = o.customer_id
                    where
                        c.registration_date is null
                        and c.version_to = ''infinity''
                        and c.known_from <= $4
                        and c.known_to > $4
                        and ($3 or c.customer_id = any ($1))
                    group by o.customer_id
                ) as a on a.customer_id = v.customer_id
                where
                    v.version_to = ''infinity''
                    and v.known_from <= $4
                    and v.known_to > $4
                    and ($3 or v.customer_id = any ($1))
            ) as n
            left join crm.customer_known k on k.fact_set_id = $2 and k.customer_id = n.customer_id
            where k.known_from is distinct from n.known_from and n.known_from is not null
            %s',
            case
                when exists (select from crm.customer_known k where k.fact_set_id = v_fact_set.fact_set_id)
                    then 'on conflict (fact_set_id, customer_id) do update set known_from = excluded.known_from'
            end
        ) using
            v_touched, v_fact_set.fact_set_id, v_everybody, v_run.known_at, v_publications.known_at,
            v_publications.as_of_date, v_run.as_of_date, v_unpublished;

        if v_run.kind = 'refresh' then
            insert into crm.customer_first_seen (customer_id, first_seen, run_id)
            select k.customer_id, k.known_from, p_run_id
            from crm.customer_known k
            join core.customer_version v
                on v.customer_id = k.customer_id and v.version_to = 'infinity' and v.known_to = 'infinity'
            where
                k.fact_set_id = v_fact_set.fact_set_id
                and (v_everybody or k.customer_id = any (v_touched))
                and v.registration_date is null
                and not exists (select from core.sale_line l where l.customer_id = k.customer_id)
            on conflict (customer_id) do nothing;
        end if;
    end loop;
    analyze crm.customer_known;
end
$$;
comment on procedure crm.know_customers(bigint) is 'From which day each customer appears: earlier of registration and first transaction, else the first publication.';
