"""The SQL of the sheets that compare months: statements over mart alone, with %(month)s and %(as_of_date)s bound."""

from include.warehouse.first_days import FIRST_DAYS

# One row per metric and month, with the month before and the same month of the year before. These are whole, so an open
# month has no change.
TREND = """
with monthly as (
    select
        month.month,
        month.is_open,
        sum(customers) as customers,
        sum(scored) as engaged,
        coalesce(sum(customers) filter (where activity_status = 'prospect'), 0) as status_prospect,
        coalesce(sum(customers) filter (where activity_status = 'new'), 0) as status_new,
        coalesce(sum(customers) filter (where activity_status = 'active'), 0) as status_active,
        coalesce(sum(customers) filter (where activity_status = 'at_risk'), 0) as status_at_risk,
        coalesce(sum(customers) filter (where activity_status = 'lapsed'), 0) as status_lapsed,
        coalesce(sum(customers) filter (where activity_status = 'lost'), 0) as status_lost,
        coalesce(sum(customers) filter (where growth_state = 'new'), 0) as growth_new,
        coalesce(sum(customers) filter (where growth_state = 'returning'), 0) as growth_returning,
        coalesce(sum(customers) filter (where growth_state = 'resurrected'), 0) as growth_resurrected,
        case when not month.is_open
            then coalesce(sum(customers) filter (where growth_state = 'dormant'), 0)
        end as growth_dormant,
        coalesce(sum(customers) filter (where lifecycle_event = 'reactivated'), 0) as event_reactivated,
        coalesce(sum(customers) filter (where lifecycle_event = 'recovered'), 0) as event_recovered,
        coalesce(sum(customers) filter (where lifecycle_event in ('reactivated', 'recovered')), 0) as event_won_back,
        coalesce(sum(customers) filter (where lifecycle_event = 'lost'), 0) as event_lost,
        sum(buyers) as buyers,
        sum(month_amount) as sales,
        sum(month_core_amount) as core_sales,
        sum(month_orders) as orders,
        sum(month_items) as items,
        round(sum(month_amount) / nullif(sum(month_orders), 0), 2) as average_order
    from mart.month
    join mart.month_summary
        on month_summary.month = month.month
        and month_summary.month between (%(month)s - interval '12 months')::date and %(month)s
    where month.month between (%(month)s - interval '12 months')::date and %(month)s
    group by month.month, month.is_open
)
select
    metric.position,
    metric.metric,
    monthly.month,
    metric.value,
    lag(metric.value) over by_month as previous_month,
    lag(metric.value, 12) over by_month as previous_year,
    case when not monthly.is_open
        then round(metric.value / nullif(lag(metric.value) over by_month, 0) - 1, 6)
    end as change_on_month,
    case when not monthly.is_open
        then round(metric.value / nullif(lag(metric.value, 12) over by_month, 0) - 1, 6)
    end as change_on_year
from monthly
cross join lateral (
    values
        (1, 'customers', customers),
        (2, 'engaged', engaged),
        (3, 'status_new', status_new),
        (4, 'status_active', status_active),
        (5, 'status_at_risk', status_at_risk),
        (6, 'status_lapsed', status_lapsed),
        (7, 'status_lost', status_lost),
        (8, 'status_prospect', status_prospect),
        (9, 'growth_new', growth_new),
        (10, 'growth_returning', growth_returning),
        (11, 'growth_resurrected', growth_resurrected),
        (12, 'growth_dormant', growth_dormant),
        (13, 'event_reactivated', event_reactivated),
        (14, 'event_recovered', event_recovered),
        (15, 'event_won_back', event_won_back),
        (16, 'event_lost', event_lost),
        (17, 'buyers', buyers),
        (18, 'sales', sales),
        (19, 'core_sales', core_sales),
        (20, 'orders', orders),
        (21, 'items', items),
        (22, 'average_order', average_order)
) as metric (position, metric, value)
window by_month as (partition by metric.metric order by monthly.month)
order by metric.position, monthly.month
"""

# As TREND, for an open month: every month only up to the day of the month that is known of the open one.
SAME_DAYS = """
with known as (
    select as_of_date - month + 1 as days
    from mart.month
    where month = %(month)s
),

receipt as (
    select
        month,
        customer_id,
        transaction_id,
        sum(net_amount) as sales,
        coalesce(sum(net_amount) filter (where is_core), 0) as core_sales,
        coalesce(sum(quantity) filter (where not is_return), 0) as items,
        bool_or(not is_return) as is_order,
        bool_or(is_core and not is_return) as is_core_order
    from mart.fact_sale_line
    where transaction_date >= (%(month)s - interval '12 months')::date
        and transaction_date < (%(month)s + interval '1 month')::date
        and transaction_date < month + (select days from known)
    group by month, customer_id, transaction_id
),

customer_month as (
    select
        month,
        customer_id,
        sum(sales) as sales,
        sum(core_sales) as core_sales,
        sum(items) as items,
        count(*) filter (where is_order) as orders,
        bool_or(is_core_order) as is_buyer
    from receipt
    group by month, customer_id
),

first_purchase as (
    select
        date_trunc('month', first_core_date::timestamp)::date as month,
        count(*) as growth_new
    from mart.customer_snapshot
    where month = %(month)s
        and first_core_date < date_trunc('month', first_core_date::timestamp)::date + (select days from known)
    group by date_trunc('month', first_core_date::timestamp)::date
),

monthly as (
    select
        month.month,
        coalesce(max(first_purchase.growth_new), 0) as growth_new,
        count(*) filter (where customer_month.is_buyer) as buyers,
        coalesce(sum(customer_month.sales), 0) as sales,
        coalesce(sum(customer_month.core_sales), 0) as core_sales,
        coalesce(sum(customer_month.orders), 0) as orders,
        coalesce(sum(customer_month.items), 0) as items,
        round(sum(customer_month.sales) / nullif(sum(customer_month.orders), 0), 2) as average_order
    from mart.month
    left join customer_month on customer_month.month = month.month
    left join first_purchase on first_purchase.month = month.month
    where month.month between (%(month)s - interval '12 months')::date and %(month)s
    group by month.month
)
select
    metric.position,
    metric.metric,
    monthly.month,
    metric.value,
    lag(metric.value) over by_month as previous_month,
    lag(metric.value, 12) over by_month as previous_year,
    round(metric.value / nullif(lag(metric.value) over by_month, 0) - 1, 6) as change_on_month,
    round(metric.value / nullif(lag(metric.value, 12) over by_month, 0) - 1, 6) as change_on_year
from monthly
cross join lateral (
    values
        (1, 'growth_new', growth_new),
        (2, 'buyers', buyers),
        (3, 'sales', sales),
        (4, 'core_sales', core_sales),
        (5, 'orders', orders),
        (6, 'items', items),
        (7, 'average_order', average_order)
) as metric (position, metric, value)
window by_month as (partition by metric.metric order by monthly.month)
order by metric.position, monthly.month
"""


def _first_days(months: int) -> str:
    """What the same days of an earlier month had brought, for a reader for whom nothing is prepared."""
    month = f"(%(month)s - interval '{months} month')::date"
    through = f"least({month} + (%(as_of_date)s - %(month)s), ({month} + interval '1 month')::date - 1)"
    return f"""    select
        {month} as month,
        engaged,
        won_back,
        lost
    from ({FIRST_DAYS.format(month=month, through=through)}) as counted
    where months > 0
        and not exists (select from mart.month_to_day where report_month = %(month)s)
"""


# For an open month: who was engaged, won back or lost by the same day of the months that it is compared with, each as
# that month would have counted itself on that day.
SAME_DAY_CUSTOMERS = f"""
with same_day as (
    select
        month,
        engaged,
        won_back,
        lost
    from mart.month_to_day
    where report_month = %(month)s
        and days = %(as_of_date)s - %(month)s + 1
    union all
{_first_days(1)}
    union all
{_first_days(12)}
),

metric as (
    select
        metric.position,
        metric.metric,
        same_day.month,
        metric.value
    from same_day
    cross join lateral (
        values
            (1, 'engaged', engaged),
            (2, 'event_won_back', won_back),
            (3, 'event_lost', lost)
    ) as metric (position, metric, value)
),

shown as (
    select
        sum(scored) as engaged,
        coalesce(sum(customers) filter (where lifecycle_event in ('reactivated', 'recovered')), 0) as won_back,
        coalesce(sum(customers) filter (where lifecycle_event = 'lost'), 0) as lost
    from mart.month_summary
    where month = %(month)s
)
select
    now.position,
    now.metric,
    %(month)s as month,
    now.value,
    before.value as previous_month,
    last_year.value as previous_year,
    round(now.value / nullif(before.value, 0) - 1, 6) as change_on_month,
    round(now.value / nullif(last_year.value, 0) - 1, 6) as change_on_year
from shown
cross join lateral (
    values
        (1, 'engaged', engaged),
        (2, 'event_won_back', won_back),
        (3, 'event_lost', lost)
) as now (position, metric, value)
left join metric as before
    on before.metric = now.metric
    and before.month = (%(month)s - interval '1 month')::date
left join metric as last_year
    on last_year.metric = now.metric
    and last_year.month = (%(month)s - interval '12 months')::date
order by now.position
"""

# The tiers of each month's own rules, also those that nobody has.
TIER_TREND = """
select
    month.month,
    rule_tier.tier as value_tier,
    coalesce(sum(month_summary.customers), 0) as customers
from mart.month
join mart.rule_tier on rule_tier.rule_set = month.rule_set
left join mart.month_summary
    on month_summary.month = month.month
    and month_summary.month between (%(month)s - interval '12 months')::date and %(month)s
    and month_summary.value_tier = rule_tier.tier
where month.month between (%(month)s - interval '12 months')::date and %(month)s
group by month.month, rule_tier.tier, rule_tier.tier_rank
order by month.month, rule_tier.tier_rank desc
"""
