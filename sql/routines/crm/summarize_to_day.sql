-- While the report month is open: what its months of comparison, the one before and the same of the year before, had brought
-- by the same day. Each is counted as it would have counted itself on that day, from what the run knows.

create or replace procedure crm.summarize_to_day(p_run_id bigint, p_month date)
language plpgsql
as $$
declare
    v_run ops.run := (select r from ops.run r where r.run_id = p_run_id);
    v_plan ops.run_month := (select m from ops.run_month m where m.run_id = p_run_id and m.month = p_month);
    v_other date;
begin
    delete from crm.month_to_day d
    where d.report_month = p_month and (d.run_id = p_run_id or not crm.is_summary_needed(d.run_id, p_month));
    if v_run.kind <> 'refresh' or v_run.report_month <> p_month or not v_plan.is_open then
        return;
    end if;
    foreach v_other in array array[p_month - interval '1 month', p_month - interval '12 months']::date[] loop
        -- before the first month nobody had bought
        if crm.has_previous(p_run_id, v_other) then
            call crm.count_first_days(p_run_id, p_month, v_other, extract(day from v_plan.as_of_date)::integer);
        end if;
    end loop;
end
$$;
comment on procedure crm.summarize_to_day(bigint, date) is 'Writes crm.month_to_day for the report month of a run, if that is open.';

create or replace function crm.computed_by(
    p_run_id bigint,
    p_month date,
    out rule_set_id integer,
    out fact_set_id integer
)
language plpgsql stable
as $$
begin
    select coalesce(m.rule_set_id, p.rule_set_id), coalesce(m.fact_set_id, p.fact_set_id)
    into rule_set_id, fact_set_id
    from (select p_month as month) as x
    left join ops.run_month m on m.run_id = p_run_id and m.month = x.month
    left join crm.published_month p on p.month = x.month;
end
$$;
comment on function crm.computed_by(bigint, date) is 'Rule set and fact set that decide a month once the run is published; null for a month that neither the run nor a publication has.';

create or replace procedure crm.count_first_days(p_run_id bigint, p_report_month date, p_month date, p_days integer)
language plpgsql
as $$
declare
    v_through date := least(p_month + p_days, (p_month + interval '1 month')::date) - 1;
    v_month_before date := (p_month - interval '1 month')::date;
    v_rule_set_id integer;
    v_fact_set_id integer;
    v_fact_set_before integer;
    v_before text := crm.month_rows(
        p_run_id, v_month_before, 'crm.snapshot_unpublished',
        'customer_id, first_core_date, last_core_date, activity_status'
    );
begin
    select c.rule_set_id, c.fact_set_id into v_rule_set_id, v_fact_set_id from crm.computed_by(p_run_id, p_month) c;
    select c.fact_set_id into v_fact_set_before from crm.computed_by(p_run_id, v_month_before) c;
    if v_fact_set_id <> v_fact_set_before then
        -- the month before counts other core products: the dates until then are those of this month's facts
        v_before := format(
            'select s.customer_id, f.first_core_date, f.last_core_date, s.activity_status
            from (%s) as s
            left join (
                select m.customer_id, min(m.first_core_date) as first_core_date, max(m.last_core_date) as last_core_date
                from crm.customer_month m
                where m.fact_set_id = $9 and m.month < $4
                group by m.customer_id
            ) as f on f.customer_id = s.customer_id',
            v_before
        );
    end if;
    execute format(
        'with rule as (
            select
                r.*,
                -- product types match in any case
                array(select lower(t) from unnest(r.core_product_types) as t) as lower_core_types
            from crm.rule_set r
            where r.rule_set_id = $5
        ),
        line as (
            select l.customer_id, l.transaction_id, l.transaction_date, l.product_id, l.quantity, l.is_return, l.net_cents
            from core.sale_line l
            where l.transaction_date between $4 and $2 and l.known_from <= $6
            union all
            select l.customer_id, l.transaction_id, l.transaction_date, l.product_id, l.quantity, l.is_return, l.net_cents
            from core.sale_line_superseded l
            where l.transaction_date between $4 and $2 and l.known_from <= $6 and l.superseded_at > $6
        ),
        receipt as (
            select
                l.customer_id,
                l.transaction_id,
                min(l.transaction_date) filter (where l.is_core and not l.is_return) as first_core_date,
                max(l.transaction_date) filter (where l.is_core and not l.is_return) as last_core_date,
                bool_or(not l.is_return) as is_order,
                sum(l.net_cents) as cents,
                sum(l.quantity) filter (where not l.is_return) as items
            from (
                select
                    line.*,
                    coalesce(lower(v.product_type) = any (rule.lower_core_types), false) as is_core
                from line
                cross join rule
                left join core.product_version v
                    on v.product_id = line.product_id
                    and v.version_from <= line.transaction_date and v.version_to > line.transaction_date
                    and v.known_from <= $6 and v.known_to > $6
            ) as l
            group by l.customer_id, l.transaction_id
        ),
        bought as (
            select
                customer_id,
                min(first_core_date) as first_core_date,
                max(last_core_date) as last_core_date,
                count(*) filter (where is_order) as orders,
                sum(cents) as cents,
                sum(items) as items
            from receipt
            group by customer_id
        ),
        customer as (
            select
                coalesce(before.first_core_date, bought.first_core_date) as first_core_date,
                coalesce(bought.last_core_date, before.last_core_date) as last_core_date,
                bought.first_core_date is not null as has_core_purchase,
                coalesce(before.activity_status, ''prospect'') as previous_status,
                bought.orders,
                bought.cents,
                bought.items
            from (%s) as before
            full join bought using (customer_id)
        ),
        judged as (
            select
                c.*,
                c.first_core_date >= $4 as is_first,
                case
                    when c.last_core_date is null then ''prospect''
                    when $2 - c.first_core_date <= r.new_days and $2 - c.last_core_date <= r.active_days then ''new''
                    when $2 - c.last_core_date <= r.active_days then ''active''
                    when $2 - c.last_core_date <= r.at_risk_days then ''at_risk''
                    when $2 - c.last_core_date <= r.lapsed_days then ''lapsed''
                    else ''lost''
                end as status,
                r.scored_statuses
            from customer c
            cross join rule r
        )
        insert into crm.month_to_day (
            run_id, report_month, month, days, engaged, new_customers, won_back, lost, cents, customers, orders, items
        )
        select
            $1, $7, $4, $8,
            count(*) filter (where status = any (scored_statuses)),
            count(*) filter (where is_first),
            count(*) filter (
                where has_core_purchase and not is_first and previous_status in (''at_risk'', ''lapsed'', ''lost'')
            ),
            count(*) filter (where status = ''lost'' and previous_status <> ''lost''),
            coalesce(sum(cents), 0),
            count(*) filter (where orders > 0),
            coalesce(sum(orders), 0),
            coalesce(sum(items), 0)
        from judged',
        v_before
    ) using
        p_run_id, v_through, v_month_before, p_month, v_rule_set_id,
        (select r.known_at from ops.run r where r.run_id = p_run_id), p_report_month, p_days, v_fact_set_id;
end
$$;
comment on procedure crm.count_first_days(bigint, date, date, integer) is 'Counts the first days of a month into crm.month_to_day.';
