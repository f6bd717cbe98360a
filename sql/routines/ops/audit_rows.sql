-- Checks of rows that a plain expression cannot make: keys, versions, drift. Each gives the rows that fail.

create or replace function ops.has_repeated_key() returns boolean
language plpgsql
-- sorting key hashes takes half the time of a hash table of them
set enable_hashagg = off
as $$
declare
    v_found boolean;
begin
    -- as a table, since "select into" gets no workers
    create temporary table key_count on commit drop as
    select l.lines, k.keys
    from (select count(*) as lines from core.sale_line) as l
    cross join (
        select count(*) as keys
        from (select distinct hashtextextended(s.transaction_id, s.line_no) from core.sale_line s) as d
    ) as k;
    select c.lines <> c.keys into v_found from pg_temp.key_count c;
    drop table pg_temp.key_count;
    return v_found;
end
$$;
comment on function ops.has_repeated_key() is 'Whether fewer hashes of keys than current lines are different.';

-- Keys are global. At a first build the number of distinct key hashes decides, and only where it differs are the keys
-- themselves compared; later, new lines are compared with the years whose receipts overlap theirs.
create or replace function ops.lines_of_one_key(p_known_at timestamptz, p_audited_until timestamptz)
returns setof core.sale_line
language plpgsql
-- sorting the keys of many new lines takes two thirds of the time of hash tables of them
set enable_hashagg = off
-- only an array that the plan knows is hashed
set plan_cache_mode = force_custom_plan
as $$
declare
    v_from date := '-infinity';
    v_to date := 'infinity';
    v_receipts text[];
begin
    if p_audited_until = '-infinity' then
        if not ops.has_repeated_key() then
            return;
        end if;
    else
        select min(k.first_date), max(k.last_date)
        into v_from, v_to
        from core.sale_key_range k
        join (
            select min(n.transaction_id) as lowest, max(n.transaction_id) as highest
            from core.sale_line n
            where n.known_from > p_audited_until and n.known_from <= p_known_at
        ) as n on n.lowest <= k.highest_transaction_id and n.highest >= k.lowest_transaction_id;
    end if;
    v_receipts := array(
        select distinct n.transaction_id
        from core.sale_line n
        where n.known_from > p_audited_until and n.known_from <= p_known_at
    );
    return query
    select s.*
    from core.sale_line s
    join (
        select c.transaction_id, c.line_no
        from core.sale_line c
        where c.transaction_date between v_from and v_to and c.transaction_id = any (v_receipts)
        group by c.transaction_id, c.line_no
        having count(*) > 1
    ) as twice on twice.transaction_id = s.transaction_id and twice.line_no = s.line_no;
end
$$;
comment on function ops.lines_of_one_key(timestamptz, timestamptz) is 'Current lines that share (transaction_id, line_no) with another one.';

-- A valid unique index proves its table, whatever its size: only tables without one are read.
create or replace function ops.rows_of_one_customer(p_run_id bigint)
returns table (month date, customer_id text, rows bigint)
language plpgsql
as $$
declare
    v_table regclass;
begin
    for v_table in
        select p.relid
        from pg_partition_tree('crm.snapshot_unpublished') p
        join pg_class c on c.oid = p.relid
        where
            p.isleaf
            and c.relname ~ ('^snapshot_' || p_run_id || '_\d{4}_\d{2}$')
            and not exists (
                select
                from pg_index i
                where
                    i.indrelid = p.relid
                    and i.indisunique
                    and i.indisvalid
                    and i.indpred is null
                    and (
                        select array_agg(a.attname::text order by a.attname)
                        from pg_attribute a
                        where a.attrelid = p.relid and a.attnum = any ((i.indkey::smallint[])[0:i.indnkeyatts - 1])
                    ) = array['customer_id', 'month']
            )
    loop
        return query execute format(
            'select s.month, s.customer_id, count(*) from %s s group by s.month, s.customer_id having count(*) > 1', v_table
        );
    end loop;
end
$$;
comment on function ops.rows_of_one_customer(bigint) is 'Customers with more than one row in a month that a run has built.';

create or replace function ops.miscounted_months(p_run_id bigint)
returns table (month date, rows_built bigint, customers_in_summary numeric, rows_mode text)
language plpgsql stable
as $$
begin
    return query
    select m.month, coalesce(b.built, 0), coalesce(s.customers, 0), m.rows_mode
    from ops.run_month m
    left join (
        select u.month, count(*) as built from crm.snapshot_unpublished u where u.run_id = p_run_id group by u.month
    ) as b on b.month = m.month
    left join (
        select x.month, sum(x.customers) as customers from crm.month_summary x where x.run_id = p_run_id group by x.month
    ) as s on s.month = m.month
    where m.run_id = p_run_id and (m.rows_mode = 'touched' or coalesce(b.built, 0) <> coalesce(s.customers, 0));
end
$$;
comment on function ops.miscounted_months(bigint) is 'Built months whose rows may differ from their summary: whole ones that do, and all touched ones.';

create or replace function ops.misplaced_customers(p_run_id bigint)
returns table (month date, customer_id text, fault text)
language plpgsql stable
as $$
begin
    return query
    select s.month, s.customer_id, 'not known by the as-of date'
    from crm.snapshot_unpublished s
    join ops.run_month m on m.run_id = s.run_id and m.month = s.month
    where
        s.run_id = p_run_id
        and not exists (
            select
            from crm.customer_known k
            where k.fact_set_id = m.fact_set_id and k.customer_id = s.customer_id and k.known_from <= m.as_of_date
        )
    union all
    select m.month, k.customer_id, 'known, but without a row'
    from ops.run_month m
    join crm.customer_known k on k.fact_set_id = m.fact_set_id and k.known_from <= m.as_of_date
    where
        m.run_id = p_run_id
        and m.rows_mode = 'all'
        and not exists (
            select
            from crm.snapshot_unpublished s
            where s.run_id = p_run_id and s.month = m.month and s.customer_id = k.customer_id
        );
end
$$;
comment on function ops.misplaced_customers(bigint) is 'Rows of customers who are not known by the as-of date, and known customers without a row in a whole month.';

create or replace function ops.drifting_months(p_run_id bigint)
returns table (month date, measure text, previous_value numeric, value numeric)
language plpgsql stable
as $$
begin
    return query
    with
    summary as (
        select
            a.month,
            a.is_open,
            a.rows_mode,
            sum(s.customers) as customers,
            sum(s.buyers) as buyers,
            sum(s.month_cents) * 0.01 as month_amount
        from ops.months_after(p_run_id) a
        join crm.month_summary s on s.run_id = a.summary_run_id and s.month = a.month
        group by a.month, a.is_open, a.rows_mode
    ),
    movement as (
        select
            s.month,
            s.is_open,
            s.rows_mode,
            v.measure,
            lag(v.value) over (partition by v.measure order by s.month) as previous_value,
            v.value
        from summary s
        cross join lateral (
            values ('customers', s.customers), ('buyers', s.buyers), ('month_amount', s.month_amount)
        ) as v (measure, value)
    )
    select m.month, m.measure, m.previous_value, m.value
    from movement m
    where
        m.rows_mode = 'all'
        -- an open month is not comparable, a closed one that was published before has been looked at
        and not m.is_open
        and not exists (select from crm.published_month p where p.month = m.month and not p.is_open)
        and abs(m.value - m.previous_value)
        > abs(m.previous_value) * (select g.value::numeric from ops.setting g where g.setting = 'drift_warning_share')
    order by m.month, m.measure;
end
$$;
comment on function ops.drifting_months(bigint) is 'Newly complete months whose customers, buyers or amount differ from the month before by more than drift_warning_share.';

-- A check of millions of rows reads these once each, not once a row.
create or replace function ops.rule_days(p_parameter text) returns integer[]
language plpgsql stable parallel safe
as $$
begin
    return (
        select array_agg((to_jsonb(r) ->> p_parameter)::integer order by n)
        from generate_series(1, (select max(x.rule_set_id) from crm.rule_set x)) as n
        left join crm.rule_set r on r.rule_set_id = n
    );
end
$$;
comment on function ops.rule_days(text) is 'A parameter in days of every rule set; at the place of its rule_set_id.';

create or replace function ops.months_of_run(p_run_id bigint) returns date[]
language plpgsql stable parallel safe
as $$
begin
    return (
        select array_agg(d::date order by d)
        from ops.run r
        cross join generate_series(r.first_month::timestamp, r.report_month, interval '1 month') as d
        where r.run_id = p_run_id
    );
end
$$;
comment on function ops.months_of_run(bigint) is 'The months from the first to the report month of a run, in order.';
