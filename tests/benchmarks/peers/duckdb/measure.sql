-- Measures and status of one month from those of the month before: plus this month, less the one that leaves the window.
create or replace temp table measure as
with
carried as (
    select
        k.customer_no,
        k.customer_id,
        p.customer_no is not null as was_there,
        coalesce(p.first_core_date, f.first_core_date) as first_core_date,
        coalesce(f.last_core_date, p.last_core_date) as last_core_date,
        coalesce(f.last_purchase_date, p.last_purchase_date) as last_purchase_date,
        coalesce(p.frequency, 0) + coalesce(f.core_orders, 0) - coalesce(w.core_orders, 0) as frequency,
        coalesce(p.monetary_cents, 0) + coalesce(f.core_cents, 0) - coalesce(w.core_cents, 0) as monetary_cents,
        coalesce(p.total_cents, 0) + coalesce(f.amount_cents, 0) - coalesce(w.amount_cents, 0) as total_cents,
        coalesce(f.amount_cents, 0) as month_cents,
        coalesce(f.core_cents, 0) as month_core_cents,
        coalesce(f.orders, 0) as month_orders,
        coalesce(f.items, 0) as month_items,
        coalesce(f.core_orders, 0) > 0 as bought_now,
        coalesce(p.last_core_date >= $previous_month, false) as bought_before,
        case
            when p.first_core_date is not null then p.tenure_months + 1
            when f.first_core_date is not null then 0
        end as tenure_months,
        p.activity_status as previous_status,
        p.value_tier as previous_tier,
        p.tier_rank as previous_tier_rank,
        p.segment as previous_segment,
        p.last_scored_month,
        p.last_scored_tier
    from chosen_customer k
    left join previous p on p.customer_no = k.customer_no
    left join (from customer_month where month = $month) f on f.customer_no = k.customer_no
    left join (from customer_month where month = $leaving_month) w on w.customer_no = k.customer_no
    where k.known_from <= $as_of_date
)
select
    *,
    cast($as_of_date::date - last_core_date as integer) as recency_days,
    case
        when first_core_date is null then 'prospect'
        when $as_of_date::date - first_core_date <= 90 and $as_of_date::date - last_core_date <= 90 then 'new'
        when $as_of_date::date - last_core_date <= 90 then 'active'
        when $as_of_date::date - last_core_date <= 180 then 'at_risk'
        when $as_of_date::date - last_core_date <= 365 then 'lapsed'
        else 'lost'
    end as activity_status,
    coalesce(first_core_date is not null and $as_of_date::date - last_core_date <= 180, false) as is_scored
from carried;
