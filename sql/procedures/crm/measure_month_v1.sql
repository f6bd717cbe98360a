-- Measures and activity status of one month, carried from the month before: a month's window is the previous window,
-- plus this month, less the month that leaves it. Where the previous month was decided by other core products or
-- another window, its state is computed from all facts instead.

create or replace procedure crm.measure_month_v1(p_run_id bigint, p_month date)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
    v_plan ops.run_month;
    v_rules crm.rule_set;
    v_previous_month date := (p_month - interval '1 month')::date;
    v_previous_as_of date := p_month - 1;
    v_leaving_month date;
    v_source text;
    v_only_touched text := '';
begin
    select m.* into v_plan from ops.run_month m where m.run_id = p_run_id and m.month = p_month;
    select r.* into v_rules from crm.rule_set r where r.rule_set_id = v_plan.rule_set_id;
    v_leaving_month := (p_month - make_interval(months => v_rules.window_months))::date;

    if v_plan.rows_mode = 'touched' then
        v_only_touched := 'join crm.touched_customer t on t.run_id = $1 and t.customer_id = k.customer_id and t.from_month <= $2';
    end if;
    if v_plan.is_carried then
        -- the previous month as this run leaves it, then customers who appear this month
        v_source := format(
            'select
                k.customer_id, k.first_core_date, k.last_core_date, k.last_purchase_date,
                k.frequency, k.monetary_cents, k.total_cents, k.tenure_months
            from (%s) as k %s
            union all
            select k.customer_id, null, null, null, 0, 0, 0, null
            from crm.customer_known k %s
            where k.fact_set_id = $4 and k.known_from > $7 and k.known_from <= $5',
            crm.previous_rows(
                p_run_id, v_previous_month, 'crm.measure',
                'customer_id, first_core_date, last_core_date, last_purchase_date, frequency, monetary_cents, total_cents, tenure_months'
            ),
            v_only_touched,
            v_only_touched
        );
        if not crm.has_previous(p_run_id, v_previous_month) then
            v_previous_as_of := '-infinity';
        end if;
    else
        v_source := format(
            'select
                k.customer_id,
                min(f.first_core_date) as first_core_date,
                max(f.last_core_date) as last_core_date,
                max(f.last_purchase_date) as last_purchase_date,
                coalesce(sum(f.core_orders) filter (where f.month >= $6), 0)::integer as frequency,
                coalesce(sum(f.core_cents) filter (where f.month >= $6), 0)::bigint as monetary_cents,
                coalesce(sum(f.amount_cents) filter (where f.month >= $6), 0)::bigint as total_cents,
                (
                    12 * (extract(year from $3::date) - extract(year from min(f.first_core_date)))
                    + extract(month from $3::date) - extract(month from min(f.first_core_date))
                )::integer as tenure_months
            from crm.customer_known k %s
            left join crm.customer_month f
                on f.fact_set_id = $4 and f.month < $2 and f.customer_id = k.customer_id
            where k.fact_set_id = $4 and k.known_from <= $5
            group by k.customer_id',
            v_only_touched
        );
    end if;

    execute format(
        'insert into crm.measure (
            run_id, month, customer_id, as_of_date, first_core_date, last_core_date, last_purchase_date, recency_days,
            frequency, monetary_cents, total_cents, month_cents, month_core_cents, month_orders, month_items,
            tenure_months, activity_status, growth_state
        )
        select
            $1, $2, n.customer_id, $5, n.first_core_date, n.last_core_date, n.last_purchase_date,
            $5 - n.last_core_date,
            n.frequency, n.monetary_cents, n.total_cents, n.month_cents, n.month_core_cents, n.month_orders, n.month_items,
            n.tenure_months,
            case
                when n.first_core_date is null then ''prospect''
                when n.first_core_date >= $5 - $8 and n.last_core_date >= $5 - $9 then ''new''
                when n.last_core_date >= $5 - $9 then ''active''
                when n.last_core_date >= $5 - $10 then ''at_risk''
                when n.last_core_date >= $5 - $11 then ''lapsed''
                else ''lost''
            end,
            case
                when n.bought_now and n.first_core_date >= $2 then ''new''
                when n.bought_now and n.bought_before then ''returning''
                when n.bought_now then ''resurrected''
                when n.bought_before then ''dormant''
                else ''inactive''
            end
        from (
            select
                p.customer_id,
                coalesce(p.first_core_date, f.first_core_date) as first_core_date,
                coalesce(f.last_core_date, p.last_core_date) as last_core_date,
                coalesce(f.last_purchase_date, p.last_purchase_date) as last_purchase_date,
                p.frequency + coalesce(f.core_orders, 0) - coalesce(w.core_orders, 0) as frequency,
                p.monetary_cents + coalesce(f.core_cents, 0) - coalesce(w.core_cents, 0) as monetary_cents,
                p.total_cents + coalesce(f.amount_cents, 0) - coalesce(w.amount_cents, 0) as total_cents,
                coalesce(f.amount_cents, 0) as month_cents,
                coalesce(f.core_cents, 0) as month_core_cents,
                coalesce(f.orders, 0) as month_orders,
                coalesce(f.items, 0) as month_items,
                f.core_orders > 0 as bought_now,
                p.last_core_date >= $3 as bought_before,
                case
                    when p.first_core_date is not null then p.tenure_months + 1
                    when f.first_core_date is not null then 0
                end as tenure_months
            from (%s) as p
            left join crm.customer_month f on f.fact_set_id = $4 and f.month = $2 and f.customer_id = p.customer_id
            left join crm.customer_month w on w.fact_set_id = $4 and w.month = $6 and w.customer_id = p.customer_id
        ) as n',
        v_source
    ) using
        p_run_id, p_month, v_previous_month, v_plan.fact_set_id, v_plan.as_of_date, v_leaving_month, v_previous_as_of,
        v_rules.new_days, v_rules.active_days, v_rules.at_risk_days, v_rules.lapsed_days;
end
$$;
comment on procedure crm.measure_month_v1(bigint, date) is 'Writes crm.measure for one month of a run: measures, activity status and growth state of every customer, or of the touched ones.';
