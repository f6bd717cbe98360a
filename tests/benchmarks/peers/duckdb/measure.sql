-- Measures and status of the months built, by windows over customer and month. The panel begins as far back as the window
-- of the first month reaches; what was before counts by its first and last dates alone.
create or replace temp table measure as
with
month as (
    select
        unnest(generate_series($window_from::timestamp, $last_month::timestamp, interval 1 month))::date as month,
        least($last, last_day(month)) as as_of_date
),
before as (
    select
        customer_no,
        min(first_core_date) as first_core_date,
        max(last_core_date) as last_core_date,
        max(last_purchase_date) as last_purchase_date
    from customer_month
    where month < $window_from
    group by customer_no
),
panel as (
    select
        k.customer_no,
        m.month,
        m.as_of_date,
        least(min(f.first_core_date) over so_far, b.first_core_date) as first_core_date,
        greatest(max(f.last_core_date) over so_far, b.last_core_date) as last_core_date,
        greatest(max(f.last_purchase_date) over so_far, b.last_purchase_date) as last_purchase_date,
        coalesce(sum(f.core_orders) over year, 0)::integer as frequency,
        coalesce(sum(f.core_cents) over year, 0)::bigint as monetary_cents,
        coalesce(sum(f.amount_cents) over year, 0)::bigint as total_cents,
        coalesce(f.amount_cents, 0) as month_cents,
        coalesce(f.core_cents, 0) as month_core_cents,
        coalesce(f.orders, 0) as month_orders,
        coalesce(f.items, 0) as month_items,
        coalesce(f.core_orders, 0) > 0 as bought_now,
        coalesce(lag(f.core_orders) over so_far, 0) > 0 as bought_before
    from chosen_customer k
    join month m on m.as_of_date >= k.known_from
    left join customer_month f on f.customer_no = k.customer_no and f.month = m.month
    left join before b on b.customer_no = k.customer_no
    window
        so_far as (partition by k.customer_no order by m.month),
        year as (partition by k.customer_no order by m.month rows 11 preceding)
)
select
    *,
    cast(as_of_date - last_core_date as integer) as recency_days,
    cast(datediff('month', first_core_date, month) as integer) as tenure_months,
    case
        when first_core_date is null then 'prospect'
        when as_of_date - first_core_date <= 90 and as_of_date - last_core_date <= 90 then 'new'
        when as_of_date - last_core_date <= 90 then 'active'
        when as_of_date - last_core_date <= 180 then 'at_risk'
        when as_of_date - last_core_date <= 365 then 'lapsed'
        else 'lost'
    end as activity_status,
    coalesce(first_core_date is not null and as_of_date - last_core_date <= 180, false) as is_scored
from panel
where month >= $from;
