-- Where a month's as-of date and rules still stand, new cut points change only who stands between an old limit and a new one.

create or replace procedure crm.touch_moved_customers(p_run_id bigint, p_month date)
language plpgsql
as $$
declare
    v_published crm.published_month;
begin
    select m.* into v_published from crm.published_month m where m.month = p_month;

    -- measures of customers whom nothing touches stand as they are published
    insert into crm.measure (
        run_id, month, customer_id, as_of_date, first_core_date, last_core_date, last_purchase_date, recency_days, frequency,
        monetary_cents, total_cents, month_cents, month_core_cents, month_orders, month_items, tenure_months,
        activity_status, growth_state
    )
    with
    compared_limit as (
        select
            case when c.metric = 'abc' then 'monetary' else c.metric end as measure,
            min(c.limit_value) filter (where c.run_id = v_published.cut_run_id) as limit_before,
            min(c.limit_value) filter (where c.run_id = p_run_id) as limit_now
        from crm.cut_point c
        where c.month = p_month and c.run_id in (v_published.cut_run_id, p_run_id)
        group by c.metric, c.band
    ),
    passed_values as (
        select
            l.measure,
            -- null, which is anybody's, where a band has appeared or vanished
            case when l.limit_before + l.limit_now is not null then least(l.limit_before, l.limit_now) end as lowest,
            case when l.limit_before + l.limit_now is not null then greatest(l.limit_before, l.limit_now) end as highest
        from compared_limit l
        where l.limit_before is distinct from l.limit_now
    )
    select
        p_run_id, p_month, s.customer_id, s.as_of_date, s.first_core_date, s.last_core_date, s.last_purchase_date,
        s.recency_days, s.frequency, s.monetary_cents, s.total_cents, s.month_cents, s.month_core_cents, s.month_orders,
        s.month_items, s.tenure_months, s.activity_status, s.growth_state
    from crm.snapshot s
    where
        s.month = p_month
        and s.r_score is not null
        and not exists (
            select from crm.touched_customer t where t.run_id = p_run_id and t.customer_id = s.customer_id
        )
        and exists (
            select
            from passed_values v
            where
                coalesce(
                    case v.measure
                        when 'recency' then s.recency_days
                        when 'frequency' then s.frequency
                        else s.monetary_cents
                    end between v.lowest and v.highest,
                    true
                )
        );
    insert into crm.touched_customer (run_id, customer_id, from_month)
    select p_run_id, x.customer_id, p_month
    from crm.measure x
    where x.run_id = p_run_id and x.month = p_month
    on conflict (run_id, customer_id) do nothing;
    analyze crm.touched_customer;
end
$$;
comment on procedure crm.touch_moved_customers(bigint, date) is 'Adds to the touched customers of a run those whose value lies between an old and a new limit of a month, and their published measures.';
