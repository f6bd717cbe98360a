"""The SQL of the sheets of the month's customers: statements over mart alone, with %(month)s bound."""

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
