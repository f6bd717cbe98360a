-- Conservation of rows and money from file to published total, and the accounting identities of every month.

create or replace procedure ops.check_conservation(p_run_id bigint)
language plpgsql
as $$
begin
    delete from ops.conservation c where c.run_id = p_run_id;
    -- where a run builds many months, the gate's look at these takes the workers, and is the longer one
    if (select count(*) from ops.run_month m where m.run_id = p_run_id and m.rows_mode = 'all') > 1 then
        perform set_config('max_parallel_workers_per_gather', '0', true);
    end if;
    call ops.sum_customer_months();
    call ops.conserve_files(p_run_id);
    call ops.conserve_months(p_run_id);
    call ops.check_identities(p_run_id);
    drop table pg_temp.customer_month_sum;
end
$$;
comment on procedure ops.check_conservation(bigint) is 'Writes both sides of every identity of a run to ops.conservation.';

create or replace procedure ops.sum_customer_months()
language plpgsql
as $$
begin
    -- as a table, since a statement that writes into one that stays is planned without workers
    create temporary table customer_month_sum on commit drop as
    select
        c.fact_set_id,
        c.month,
        sum(c.amount_cents) as cents,
        sum(c.core_cents) as core_cents,
        count(*) filter (where c.core_orders > 0) as buyers
    from crm.customer_month c
    group by c.fact_set_id, c.month;
end
$$;
comment on procedure ops.sum_customer_months() is 'Sums the customer-months by month (temporary table customer_month_sum).';

-- One statement, so that a load that ends meanwhile is seen whole or not at all.
create or replace procedure ops.conserve_files(p_run_id bigint)
language plpgsql
as $$
declare
    -- what a load has added or superseded since the run took stock belongs to the next run
    v_known_at timestamptz := (select r.known_at from ops.run r where r.run_id = p_run_id);
begin
    -- as a table: see ops.sum_customer_months
    create temporary table file_conservation on commit drop as
    with
    line as (
        select
            l.file_id,
            count(*) as lines,
            sum(l.net_cents) as cents,
            sum(l.net_cents) filter (where l.known_from <= v_known_at) as known_cents
        from core.sale_line l
        group by l.file_id
    ),
    superseded as (
        select
            s.file_id,
            count(*) as lines,
            sum(s.net_cents) as cents,
            sum(s.net_cents) filter (where s.known_from <= v_known_at and s.superseded_at > v_known_at) as known_cents
        from core.sale_line_superseded s
        group by s.file_id
    ),
    rejected as (
        select x.file_id, count(*) as records, coalesce(sum(x.amount), 0) as amount
        from ops.rejected_record x
        where x.resolution is null or x.resolution not in ('replayed', 'duplicate')
        group by x.file_id
    ),
    file as (
        select
            f.*,
            f.file_name || ' (' || f.file_id || ')' as scope,
            coalesce(l.lines, 0) as current_lines,
            coalesce(l.cents, 0) as current_cents,
            coalesce(s.lines, 0) as superseded_lines,
            coalesce(s.cents, 0) as superseded_cents,
            coalesce(r.records, 0) as rejected_records,
            coalesce(r.amount, 0) as rejected_amount
        from ops.file f
        left join line l on l.file_id = f.file_id
        left join superseded s on s.file_id = f.file_id
        left join rejected r on r.file_id = f.file_id
        where f.status = 'loaded'
    ),
    side as (
        select
            f.scope,
            v.identity,
            v.left_value,
            v.right_value
        from file f
        cross join lateral (
            values
            (
                'rows received = loaded + unchanged + rejected + duplicate',
                f.rows_received,
                f.rows_loaded + f.rows_unchanged + f.rows_rejected + f.rows_duplicate,
                true
            ),
            (
                'amount received = loaded + unchanged + rejected + duplicate',
                f.amount_received,
                f.amount_loaded + f.amount_unchanged + f.amount_rejected + f.amount_duplicate,
                true
            ),
            ('rows rejected = rejected records', f.rows_rejected, f.rejected_records, true),
            ('amount rejected = amount of rejected records', f.amount_rejected, f.rejected_amount, true),
            (
                'rows loaded = current lines + superseded lines',
                f.rows_loaded,
                f.current_lines + f.superseded_lines,
                f.feed = 'sales'
            ),
            (
                'amount loaded = current lines + superseded lines',
                f.amount_loaded,
                (f.current_cents + f.superseded_cents) * 0.01,
                f.feed = 'sales'
            )
        ) as v (identity, left_value, right_value, applies)
        where v.applies
    )
    select side.identity, side.scope, side.left_value, side.right_value
    from side
    union all
    select side.identity, 'total', sum(side.left_value), sum(side.right_value)
    from side
    group by side.identity
    union all
    -- lines of a file that is not loaded would be in nobody's count
    select
        'current lines = rows loaded - rows superseded',
        'total',
        (select coalesce(sum(l.lines), 0) from line l),
        (select coalesce(sum(f.rows_loaded - f.rows_superseded), 0) from file f where f.feed = 'sales')
    union all
    select
        'net amount of current lines = customer-months',
        counted.scope,
        (
            (select coalesce(sum(l.known_cents), 0) from line l)
            + (select coalesce(sum(s.known_cents), 0) from superseded s)
        ) * 0.01,
        counted.cents * 0.01
    from (
        select 'total' as scope, coalesce(sum(f.cents), 0) as cents
        from ops.months_after(p_run_id) m
        join pg_temp.customer_month_sum f on f.fact_set_id = m.fact_set_id and f.month = m.month
        union all
        -- a month's window reaches back over months that other rules decide: its fact set counts these too
        select 'core types ' || array_to_string(s.core_product_types, ', '), coalesce(sum(f.cents), 0)
        from crm.fact_set s
        left join pg_temp.customer_month_sum f on f.fact_set_id = s.fact_set_id
        where s.fact_set_id in (select m.fact_set_id from ops.months_after(p_run_id) m)
        group by s.fact_set_id
    ) as counted;

    insert into ops.conservation (run_id, identity, scope, left_value, right_value)
    select p_run_id, c.identity, c.scope, c.left_value, c.right_value
    from pg_temp.file_conservation c;
    drop table pg_temp.file_conservation;
end
$$;
comment on procedure ops.conserve_files(bigint) is 'Conservation of rows and money per file and in total.';

create or replace procedure ops.conserve_months(p_run_id bigint)
language plpgsql
as $$
begin
    insert into ops.conservation (run_id, identity, scope, left_value, right_value)
    with
    month as (
        select * from ops.months_after(p_run_id)
    ),
    fact as (
        select
            m.month,
            f.cents,
            f.core_cents,
            f.buyers
        from month m
        join pg_temp.customer_month_sum f on f.fact_set_id = m.fact_set_id and f.month = m.month
    ),
    summary as (
        select
            m.month,
            sum(s.month_cents) as cents,
            sum(s.month_core_cents) as core_cents,
            sum(s.customers) filter (where s.growth_state in ('new', 'returning', 'resurrected')) as buyers
        from month m
        join crm.month_summary s on s.run_id = m.summary_run_id and s.month = m.month
        group by m.month
    )
    select
        p_run_id,
        'customer-months = month_amount of published months',
        'total',
        (select coalesce(sum(f.cents), 0) * 0.01 from fact f),
        (select coalesce(sum(s.cents), 0) * 0.01 from summary s)
    union all
    select
        p_run_id,
        v.identity,
        to_char(m.month, 'YYYY-MM'),
        v.left_value,
        v.right_value
    from month m
    left join fact f on f.month = m.month
    left join summary s on s.month = m.month
    cross join lateral (
        values
        ('customer-months = month_amount of published months', coalesce(f.cents, 0) * 0.01, coalesce(s.cents, 0) * 0.01),
        ('core customer-months = month_core_amount', coalesce(f.core_cents, 0) * 0.01, coalesce(s.core_cents, 0) * 0.01),
        ('new + returning + resurrected = buyers', coalesce(s.buyers, 0), coalesce(f.buyers, 0))
    ) as v (identity, left_value, right_value);
end
$$;
comment on procedure ops.conserve_months(bigint) is 'Money and buyers from customer-months to the months as they will be published.';

create or replace procedure ops.check_identities(p_run_id bigint)
language plpgsql
as $$
begin
    insert into ops.conservation (run_id, identity, scope, left_value, right_value)
    with
    month as (
        select
            a.*,
            lag(a.rule_set_id) over (order by a.month) as previous_rule_set_id
        from ops.months_after(p_run_id) a
    ),
    summary as (
        select
            m.month,
            m.rule_set_id = m.previous_rule_set_id as has_same_rules,
            coalesce(sum(s.customers), 0) as customers,
            coalesce(sum(s.first_appearances), 0) as first_appearances,
            coalesce(sum(s.scored), 0) as scored,
            coalesce(sum(s.customers) filter (where s.value_tier <> 'none'), 0) as in_tiers,
            coalesce(sum(s.buyers), 0) as buyers,
            coalesce(sum(s.customers) filter (where s.growth_state = 'new'), 0) as new_buyers,
            coalesce(sum(s.customers) filter (where s.growth_state = 'resurrected'), 0) as resurrected,
            coalesce(sum(s.customers) filter (where s.growth_state = 'dormant'), 0) as dormant
        from month m
        left join crm.month_summary s on s.run_id = m.summary_run_id and s.month = m.month
        group by m.month, m.rule_set_id, m.previous_rule_set_id
    ),
    movement as (
        select
            s.*,
            coalesce(lag(s.customers) over (order by s.month), 0) as customers_before,
            lag(s.buyers) over (order by s.month) as buyers_before
        from summary s
    ),
    known as (
        -- customers that appear by each month's as-of date, from the facts and not from the snapshot
        select
            m.month,
            sum(k.customers) as customers
        from month m
        join (
            select k.fact_set_id, k.known_from, count(*) as customers
            from crm.customer_known k
            group by k.fact_set_id, k.known_from
        ) as k on k.fact_set_id = m.fact_set_id and k.known_from <= m.as_of_date
        group by m.month
    )
    select
        p_run_id,
        v.identity,
        to_char(m.month, 'YYYY-MM'),
        v.left_value,
        v.right_value
    from movement m
    left join known k on k.month = m.month
    cross join lateral (
        values
        ('customers before + first appearances = customers', m.customers_before + m.first_appearances, m.customers, true),
        (
            'buyers before + new + resurrected - dormant = buyers',
            m.buyers_before + m.new_buyers + m.resurrected - m.dormant,
            m.buyers,
            m.has_same_rules
        ),
        ('sum over tiers other than none = scored customers', m.in_tiers, m.scored, true),
        ('sum over segments = known customers', m.customers, coalesce(k.customers, 0), true)
    ) as v (identity, left_value, right_value, applies)
    where v.applies
    union all
    select
        p_run_id,
        'known customers = known customers with a version',
        'total',
        count(*),
        count(v.customer_id)
    from crm.customer_known k
    left join (select distinct c.customer_id from core.customer_version c) as v on v.customer_id = k.customer_id;
end
$$;
comment on procedure ops.check_identities(bigint) is 'Accounting identities of every month as it will be published.';
