"""The SQL of the sheets of the month's customers: statements over mart alone, with %(month)s bound."""

# The tiers of the month's rules, also those that nobody has.
_TIERS = """
with tier as (
    select
        rule_tier.tier as value_tier,
        rule_tier.tier_rank
    from mart.month
    join mart.rule_tier on rule_tier.rule_set = month.rule_set
    where month.month = %(month)s
    union all
    select 'none', 0
)
"""

# Every tier of the month's rules, whether it has customers or not, and all of them.
_OF_TIERS = """from tier
left join mart.month_summary
    on month_summary.month = %(month)s
    and month_summary.value_tier = tier.value_tier
group by grouping sets ((tier.value_tier, tier.tier_rank), ())
order by is_total, tier.tier_rank desc
"""

TIER_BY_STATUS = f"""{_TIERS}
select
    tier.value_tier,
    grouping(tier.value_tier) = 1 as is_total,
    coalesce(sum(customers) filter (where activity_status = 'new'), 0) as status_new,
    coalesce(sum(customers) filter (where activity_status = 'active'), 0) as status_active,
    coalesce(sum(customers) filter (where activity_status = 'at_risk'), 0) as status_at_risk,
    coalesce(sum(customers) filter (where activity_status = 'lapsed'), 0) as status_lapsed,
    coalesce(sum(customers) filter (where activity_status = 'lost'), 0) as status_lost,
    coalesce(sum(customers) filter (where activity_status = 'prospect'), 0) as status_prospect,
    coalesce(sum(customers), 0) as customers,
    round(coalesce(sum(customers), 0) / nullif(max(sum(customers)) over (), 0), 6) as share,
    coalesce(sum(monetary), 0) as monetary,
    coalesce(sum(month_amount), 0) as sales
{_OF_TIERS}"""

# What happens within a month is compared with whole months only, so an open month has no change.
# Nobody in a published month is 0; an unpublished month is unknown.
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
        case when exists (select from mart.month where month = (%(month)s - interval '1 month')::date)
            then coalesce(sum(customers) filter (where month = (%(month)s - interval '1 month')::date), 0)
        end as previous_month,
        case when exists (select from mart.month where month = (%(month)s - interval '12 months')::date)
            then coalesce(sum(customers) filter (where month = (%(month)s - interval '12 months')::date), 0)
        end as previous_year,
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

# The segments of each month's rules, also those that nobody is in; where a month's rules lack one, it has no number.
# As with events, an open month has no change.
SEGMENTS = """
with compared as (
    select
        month,
        rule_set,
        case month
            when %(month)s then 'month'
            when (%(month)s - interval '1 month')::date then 'previous_month'
            else 'previous_year'
        end as role
    from mart.month
    where month in (
        %(month)s, (%(month)s - interval '1 month')::date, (%(month)s - interval '12 months')::date
    )
),

segment as (
    select
        rule_segment.segment,
        min(rule_segment.position) filter (where compared.role = 'month') as position,
        bool_or(compared.role = 'month') as is_of_month,
        bool_or(compared.role = 'previous_month') as is_of_previous_month,
        bool_or(compared.role = 'previous_year') as is_of_previous_year
    from compared
    join mart.rule_segment on rule_segment.rule_set = compared.rule_set
    group by rule_segment.segment
),

in_month as (
    select
        compared.role,
        month_summary.*
    from mart.month_summary
    join compared on compared.month = month_summary.month
    where month_summary.month in (
        %(month)s, (%(month)s - interval '1 month')::date, (%(month)s - interval '12 months')::date
    )
),

counted as (
    select
        segment.segment,
        min(segment.position) as position,
        grouping(segment.segment) = 1 as is_total,
        case when bool_or(segment.is_of_month)
            then coalesce(sum(customers) filter (where role = 'month'), 0)
        end as customers,
        case when bool_or(segment.is_of_previous_month)
            then coalesce(sum(customers) filter (where role = 'previous_month'), 0)
        end as previous_month,
        case when bool_or(segment.is_of_previous_year)
            then coalesce(sum(customers) filter (where role = 'previous_year'), 0)
        end as previous_year,
        coalesce(sum(monetary) filter (where role = 'month'), 0) as monetary,
        coalesce(sum(month_amount) filter (where role = 'month'), 0) as sales,
        coalesce(sum(reach_email) filter (where role = 'month'), 0) as reach_email,
        coalesce(sum(reach_sms) filter (where role = 'month'), 0) as reach_sms,
        coalesce(sum(reach_phone) filter (where role = 'month'), 0) as reach_phone
    from segment
    left join in_month on in_month.segment = segment.segment
    group by rollup (segment.segment)
)
select
    segment,
    is_total,
    customers,
    round(customers / nullif(max(customers) over (), 0), 6) as share,
    previous_month,
    case when not is_open then round(customers / nullif(previous_month, 0) - 1, 6) end as change_on_month,
    previous_year,
    case when not is_open then round(customers / nullif(previous_year, 0) - 1, 6) end as change_on_year,
    monetary,
    round(monetary / nullif(customers, 0), 2) as monetary_per_customer,
    sales,
    reach_email,
    reach_sms,
    reach_phone
from counted
cross join (select is_open from mart.month where month = %(month)s) as shown
order by is_total, position nulls last, segment
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

REACH_BY_TIER = f"""{_TIERS}
select
    tier.value_tier,
    grouping(tier.value_tier) = 1 as is_total,
    coalesce(sum(customers), 0) as customers,
    coalesce(sum(reach_email), 0) as reach_email,
    round(sum(reach_email) / nullif(sum(customers), 0), 6) as share_email,
    coalesce(sum(reach_sms), 0) as reach_sms,
    round(sum(reach_sms) / nullif(sum(customers), 0), 6) as share_sms,
    coalesce(sum(reach_phone), 0) as reach_phone,
    round(sum(reach_phone) / nullif(sum(customers), 0), 6) as share_phone
{_OF_TIERS}"""

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
    case when not month.is_open
        then round(counted.engaged / nullif(counted.engaged_previous_month, 0) - 1, 6)
    end as change_on_month,
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
join mart.month on month.month = %(month)s
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
