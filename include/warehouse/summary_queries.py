"""The SQL behind every sheet of the Excel summary: each statement over mart alone, with %(month)s bound.

Each can be run again as it stands; the About sheet repeats them with the month filled in.
"""

TIERS = """
select tier
from (
    select rule_tier.tier, rule_tier.tier_rank
    from mart.rule_tier
    join mart.month on month.rule_set = rule_tier.rule_set
    where month.month = %(month)s
    union all
    select 'none', 0
) as tier
order by tier_rank desc
"""

# One row per metric and month, with the month before and the same month of the year before.
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
        coalesce(sum(customers) filter (where lifecycle_event = 'lost'), 0) as event_lost,
        sum(buyers) as buyers,
        sum(month_amount) as sales,
        sum(month_core_amount) as core_sales,
        sum(month_orders) as orders,
        sum(month_items) as items,
        round(sum(month_amount) / nullif(sum(month_orders), 0), 2) as average_order
    from mart.month
    join mart.month_summary on month_summary.month = month.month
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
    round(metric.value / nullif(lag(metric.value) over by_month, 0) - 1, 6) as change_on_month,
    round(metric.value / nullif(lag(metric.value, 12) over by_month, 0) - 1, 6) as change_on_year
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
        (15, 'event_lost', event_lost),
        (16, 'buyers', buyers),
        (17, 'sales', sales),
        (18, 'core_sales', core_sales),
        (19, 'orders', orders),
        (20, 'items', items),
        (21, 'average_order', average_order)
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

TIER_TREND = """
select
    month,
    value_tier,
    sum(customers) as customers
from mart.month_summary
where month between (%(month)s - interval '12 months')::date and %(month)s
    and value_tier <> 'none'
group by month, value_tier
order by month, value_tier
"""

TIER_BY_STATUS = """
select
    value_tier,
    grouping(value_tier) = 1 as is_total,
    coalesce(sum(customers) filter (where activity_status = 'new'), 0) as status_new,
    coalesce(sum(customers) filter (where activity_status = 'active'), 0) as status_active,
    coalesce(sum(customers) filter (where activity_status = 'at_risk'), 0) as status_at_risk,
    coalesce(sum(customers) filter (where activity_status = 'lapsed'), 0) as status_lapsed,
    coalesce(sum(customers) filter (where activity_status = 'lost'), 0) as status_lost,
    coalesce(sum(customers) filter (where activity_status = 'prospect'), 0) as status_prospect,
    sum(customers) as customers,
    round(sum(customers) / nullif(max(sum(customers)) over (), 0), 6) as share,
    sum(monetary) as monetary,
    sum(month_amount) as sales
from mart.month_summary
left join mart.month on month.month = month_summary.month
left join mart.rule_tier
    on rule_tier.rule_set = month.rule_set
    and rule_tier.tier = month_summary.value_tier
where month_summary.month = %(month)s
group by grouping sets ((value_tier, rule_tier.tier_rank), ())
order by is_total, rule_tier.tier_rank desc nulls last
"""

# What happens within a month is compared with whole months only, so an open month has no change.
LIFECYCLE_EVENTS = """
with event as (
    select event, position
    from unnest(array[
        'first_purchase', 'reactivated', 'recovered', 'lost', 'lapsed', 'at_risk',
        'upgraded', 'downgraded', 'retained', 'registered', 'none'
    ]) with ordinality as event (event, position)
),

counted as (
    select
        event.position,
        event.event,
        grouping(event.event) = 1 as is_total,
        coalesce(sum(customers) filter (where month = %(month)s), 0) as customers,
        sum(customers) filter (where month = (%(month)s - interval '1 month')::date) as previous_month,
        sum(customers) filter (where month = (%(month)s - interval '12 months')::date) as previous_year,
        coalesce(sum(month_amount) filter (where month = %(month)s), 0) as sales
    from event
    left join mart.month_summary
        on lifecycle_event = event.event
        and month in (
            %(month)s, (%(month)s - interval '1 month')::date, (%(month)s - interval '12 months')::date
        )
    group by grouping sets ((event.position, event.event), ())
)
select
    counted.event,
    counted.is_total,
    counted.customers,
    round(counted.customers / nullif(max(counted.customers) over (), 0), 6) as share,
    counted.previous_month,
    case when not month.is_open then round(counted.customers / nullif(counted.previous_month, 0) - 1, 6) end
        as change_on_month,
    counted.previous_year,
    case when not month.is_open then round(counted.customers / nullif(counted.previous_year, 0) - 1, 6) end
        as change_on_year,
    counted.sales
from counted
join mart.month on month.month = %(month)s
order by counted.is_total, counted.position
"""

SEGMENTS = """
with counted as (
    select
        segment,
        grouping(segment) = 1 as is_total,
        coalesce(sum(customers) filter (where month = %(month)s), 0) as customers,
        sum(customers) filter (where month = (%(month)s - interval '1 month')::date) as previous_month,
        sum(customers) filter (where month = (%(month)s - interval '12 months')::date) as previous_year,
        coalesce(sum(monetary) filter (where month = %(month)s), 0) as monetary,
        coalesce(sum(month_amount) filter (where month = %(month)s), 0) as sales,
        coalesce(sum(reach_email) filter (where month = %(month)s), 0) as reach_email,
        coalesce(sum(reach_sms) filter (where month = %(month)s), 0) as reach_sms,
        coalesce(sum(reach_phone) filter (where month = %(month)s), 0) as reach_phone
    from mart.month_summary
    where month in (
        %(month)s, (%(month)s - interval '1 month')::date, (%(month)s - interval '12 months')::date
    )
    group by rollup (segment)
)
select
    counted.segment,
    counted.is_total,
    counted.customers,
    round(counted.customers / nullif(max(counted.customers) over (), 0), 6) as share,
    counted.previous_month,
    round(counted.customers / nullif(counted.previous_month, 0) - 1, 6) as change_on_month,
    counted.previous_year,
    round(counted.customers / nullif(counted.previous_year, 0) - 1, 6) as change_on_year,
    counted.monetary,
    round(counted.monetary / nullif(counted.customers, 0), 2) as monetary_per_customer,
    counted.sales,
    counted.reach_email,
    counted.reach_sms,
    counted.reach_phone
from counted
join mart.month on month.month = %(month)s
left join mart.rule_segment
    on rule_segment.rule_set = month.rule_set
    and rule_segment.segment = counted.segment
order by counted.is_total, rule_segment.position nulls last, counted.segment
"""

REACH_BY_CHANNEL = """
with counted as (
    select
        count(*) as customers,
        count(r_score) as engaged,
        count(*) filter (where opt_in_email) as email_yes,
        count(*) filter (where not opt_in_email) as email_no,
        count(r_score) filter (where opt_in_email) as email_engaged,
        count(*) filter (where opt_in_sms) as sms_yes,
        count(*) filter (where not opt_in_sms) as sms_no,
        count(r_score) filter (where opt_in_sms) as sms_engaged,
        count(*) filter (where opt_in_phone) as phone_yes,
        count(*) filter (where not opt_in_phone) as phone_no,
        count(r_score) filter (where opt_in_phone) as phone_engaged,
        count(*) filter (where opt_in_email or opt_in_sms or opt_in_phone) as any_yes,
        count(*) filter (where not opt_in_email and not opt_in_sms and not opt_in_phone) as any_no,
        count(r_score) filter (where opt_in_email or opt_in_sms or opt_in_phone) as any_engaged
    from mart.customer_snapshot
    where month = %(month)s
)
select
    channel.channel,
    channel.opted_in,
    channel.declined,
    counted.customers - channel.opted_in - channel.declined as unknown,
    counted.customers,
    round(channel.opted_in::numeric / nullif(counted.customers, 0), 6) as share,
    channel.engaged_opted_in,
    counted.engaged,
    round(channel.engaged_opted_in::numeric / nullif(counted.engaged, 0), 6) as engaged_share
from counted
cross join lateral (
    values
        (1, 'email', email_yes, email_no, email_engaged),
        (2, 'sms', sms_yes, sms_no, sms_engaged),
        (3, 'phone', phone_yes, phone_no, phone_engaged),
        (4, 'any channel', any_yes, any_no, any_engaged)
) as channel (position, channel, opted_in, declined, engaged_opted_in)
order by channel.position
"""

REACH_BY_TIER = """
select
    value_tier,
    grouping(value_tier) = 1 as is_total,
    sum(customers) as customers,
    sum(reach_email) as reach_email,
    round(sum(reach_email) / nullif(sum(customers), 0), 6) as share_email,
    sum(reach_sms) as reach_sms,
    round(sum(reach_sms) / nullif(sum(customers), 0), 6) as share_sms,
    sum(reach_phone) as reach_phone,
    round(sum(reach_phone) / nullif(sum(customers), 0), 6) as share_phone
from mart.month_summary
left join mart.month on month.month = month_summary.month
left join mart.rule_tier
    on rule_tier.rule_set = month.rule_set
    and rule_tier.tier = month_summary.value_tier
where month_summary.month = %(month)s
group by grouping sets ((value_tier, rule_tier.tier_rank), ())
order by is_total, rule_tier.tier_rank desc nulls last
"""

# Summed in two levels, like the breakdowns: parallel workers share the first.
TIER_MOVEMENTS = """
with moved as (
    select
        previous_tier,
        value_tier,
        count(*) as customers,
        sum(monetary) as monetary
    from mart.customer_snapshot
    where month = %(month)s
    group by previous_tier, value_tier
)
select
    previous_tier,
    value_tier,
    grouping(previous_tier) = 1 as is_total_of_previous,
    grouping(value_tier) = 1 as is_total_of_current,
    sum(customers) as customers,
    sum(monetary) as monetary
from moved
group by cube (previous_tier, value_tier)
order by is_total_of_previous, previous_tier, is_total_of_current, value_tier
"""

_BREAKDOWN = """
with by_value as (
    select
        {dimension},
        count(*) filter (where month = %(month)s) as customers,
        count(r_score) filter (where month = %(month)s) as engaged,
        count(r_score) filter (where month <> %(month)s) as engaged_previous_month,
        count(*) filter (where month = %(month)s and activity_status = 'new') as status_new,
        count(*) filter (where month = %(month)s and activity_status = 'at_risk') as status_at_risk,
        count(*) filter (where month = %(month)s and activity_status = 'lapsed') as status_lapsed,
        count(*) filter (where month = %(month)s and activity_status = 'lost') as status_lost,
        count(*) filter (
            where month = %(month)s and growth_state in ('new', 'returning', 'resurrected')
        ) as buyers,
        coalesce(sum(month_amount) filter (where month = %(month)s), 0) as sales,
        coalesce(sum(monetary) filter (where month = %(month)s), 0) as monetary,
        count(*) filter (where month = %(month)s and opt_in_email) as reach_email,
        count(*) filter (where month = %(month)s and opt_in_sms) as reach_sms,
        count(*) filter (where month = %(month)s and opt_in_phone) as reach_phone
    from mart.customer_snapshot
    where month in (%(month)s, (%(month)s - interval '1 month')::date)
    group by {dimension}
),

counted as (
    select
        {dimension},
        grouping({dimension}) = 1 as is_total,
        sum(customers) as customers,
        sum(engaged) as engaged,
        sum(engaged_previous_month) as engaged_previous_month,
        sum(status_new) as status_new,
        sum(status_at_risk) as status_at_risk,
        sum(status_lapsed) as status_lapsed,
        sum(status_lost) as status_lost,
        sum(buyers) as buyers,
        sum(sales) as sales,
        sum(monetary) as monetary,
        sum(reach_email) as reach_email,
        sum(reach_sms) as reach_sms,
        sum(reach_phone) as reach_phone
    from by_value
    group by rollup ({dimension})
)
select
    {names},
    counted.is_total,
    counted.customers,
    round(counted.customers / nullif(max(counted.customers) over (), 0), 6) as share,
    counted.engaged,
    counted.engaged_previous_month,
    round(counted.engaged / nullif(counted.engaged_previous_month, 0) - 1, 6) as change_on_month,
    counted.status_new,
    counted.status_at_risk,
    counted.status_lapsed,
    counted.status_lost,
    counted.buyers,
    counted.sales,
    counted.monetary,
    round(counted.monetary / nullif(counted.engaged, 0), 2) as monetary_per_engaged,
    counted.reach_email,
    counted.reach_sms,
    counted.reach_phone
from counted
{join}where counted.customers > 0
order by counted.is_total, counted.customers desc, counted.{dimension}
"""

CUSTOMER_GROUPS = _BREAKDOWN.format(dimension="customer_group", names="counted.customer_group", join="")
CITIES = _BREAKDOWN.format(dimension="city", names="counted.city", join="")
STORES = _BREAKDOWN.format(
    dimension="home_store_id",
    names="counted.home_store_id,\n    dim_store.store_name",
    join="left join mart.dim_store on dim_store.store_id = counted.home_store_id\n",
)

FILES = """
select
    file_name,
    feed,
    status,
    source_file.received_at at time zone 'UTC' as received_at,
    effective_date,
    rows_received,
    rows_loaded,
    rows_unchanged,
    rows_rejected,
    rows_duplicate,
    rows_superseded,
    amount_received,
    amount_loaded,
    amount_rejected,
    source_file.message
from mart.source_file
join mart.publication on publication.is_current and source_file.received_at <= publication.known_at
order by source_file.received_at, source_file.file_id
"""

# A row with several reasons counts under each of them.
REJECTS = """
with grouped as (
    select
        feed,
        reasons,
        count(*) as rows_rejected,
        count(*) filter (where resolved_by is null) as rows_open,
        sum(amount) filter (where resolved_by is null) as amount_open
    from mart.rejected_records
    join mart.publication on publication.is_current and rejected_records.rejected_at <= publication.known_at
    group by feed, reasons
)
select
    feed,
    reason,
    sum(rows_rejected) as rows_rejected,
    sum(rows_open) as rows_open,
    sum(amount_open) as amount_open
from grouped
cross join unnest(reasons) as reason
group by feed, reason
order by rows_open desc, feed, reason
"""

CHECKS = """
select
    contract,
    check_name,
    severity,
    outcome,
    measured,
    threshold,
    failed_rows,
    message
from mart.check_result
join mart.publication on publication.is_current and publication.run_id = check_result.run_id
order by outcome = 'passed', severity, contract, check_name
"""

CONSERVATION = """
select
    identity,
    count(*) as comparisons,
    count(*) filter (where is_ok) as agreeing,
    sum(left_value) as left_total,
    sum(right_value) as right_total
from mart.conservation
join mart.publication on publication.is_current and publication.run_id = conservation.run_id
group by identity
order by identity
"""

# The month's totals, each by as many independent ways as there are.
CONTROL_TOTALS = """
with summary as (
    select
        sum(customers) as customers,
        sum(scored) as scored,
        sum(month_amount) as month_amount,
        sum(month_core_amount) as month_core_amount,
        sum(monetary) as monetary,
        sum(total_amount) as total_amount
    from mart.month_summary
    where month = %(month)s
),

snapshot as (
    select
        count(*) as customers,
        count(r_score) as scored,
        sum(month_amount) as month_amount,
        sum(month_core_amount) as month_core_amount,
        sum(monetary) as monetary,
        sum(total_amount) as total_amount
    from mart.customer_snapshot
    where month = %(month)s
),

line as (
    select
        coalesce(sum(net_amount), 0) as month_amount,
        coalesce(sum(net_amount) filter (where is_core), 0) as month_core_amount
    from mart.fact_sale_line
    where transaction_date >= %(month)s
        and transaction_date < (%(month)s + interval '1 month')::date
)
select
    total.total,
    total.summary,
    total.snapshot,
    total.lines,
    total.summary = total.snapshot and total.snapshot = coalesce(total.lines, total.snapshot) as is_equal
from summary
cross join snapshot
cross join line
cross join lateral (
    values
        (1, 'customers', summary.customers, snapshot.customers, null),
        (2, 'scored customers', summary.scored, snapshot.scored, null),
        (3, 'month_amount', summary.month_amount, snapshot.month_amount, line.month_amount),
        (4, 'month_core_amount', summary.month_core_amount, snapshot.month_core_amount, line.month_core_amount),
        (5, 'monetary', summary.monetary, snapshot.monetary, null),
        (6, 'total_amount', summary.total_amount, snapshot.total_amount, null)
) as total (position, total, summary, snapshot, lines)
order by total.position
"""
