-- The rows as they are published: with what the month before says, the master's version of the day, and the event.
insert into snapshot
with
-- the month before the first one built is published already
remembered as (
    select
        month, customer_no, activity_status, value_tier, tier_rank, segment,
        case when is_scored then month end as scored_month,
        case when is_scored then value_tier end as scored_tier
    from scored
    union all
    select month, customer_no, activity_status, value_tier, tier_rank, segment, last_scored_month, last_scored_tier
    from snapshot
    where month = $previous_month and customer_no in (select customer_no from chosen_customer)
),
previous as (
    select
        month,
        customer_no,
        lag(activity_status) over known as previous_status,
        lag(value_tier) over known as previous_tier,
        lag(tier_rank) over known as previous_rank,
        lag(segment) over known as previous_segment,
        last_value(scored_month ignore nulls) over known as last_scored_month,
        last_value(scored_tier ignore nulls) over known as last_scored_tier
    from remembered
    window known as (partition by customer_no order by month)
)
select
    s.month,
    s.customer_no,
    k.customer_id,
    s.as_of_date,
    v.customer_group,
    v.city,
    v.home_store_id,
    v.opt_in_email,
    v.opt_in_sms,
    v.opt_in_phone,
    v.is_in_master,
    s.first_core_date,
    s.last_core_date,
    s.last_purchase_date,
    s.recency_days,
    s.frequency,
    s.monetary_cents,
    s.total_cents,
    s.month_cents,
    s.month_core_cents,
    s.month_orders,
    s.month_items,
    s.tenure_months,
    s.activity_status,
    s.r_score,
    s.f_score,
    s.m_score,
    s.t_score,
    case when s.is_scored then concat(s.r_score, s.f_score, s.m_score, s.t_score) end as rfmt_score,
    s.rfmt_total,
    s.value_tier,
    s.tier_rank,
    s.segment,
    coalesce(s.m_score = 5, false) as is_high_spender,
    p.last_scored_month,
    p.last_scored_tier,
    case
        when s.is_first_purchase then 'first_purchase'
        when s.bought_now and p.previous_status in ('lapsed', 'lost') then 'reactivated'
        when s.bought_now and p.previous_status = 'at_risk' then 'recovered'
        when s.activity_status in ('lost', 'lapsed', 'at_risk') and p.previous_status <> s.activity_status
            then s.activity_status
        when s.tier_rank > p.previous_rank and p.previous_rank > 0 then 'upgraded'
        when s.tier_rank < p.previous_rank and s.tier_rank > 0 then 'downgraded'
        when s.bought_now then 'retained'
        when p.previous_status is null then 'registered'
        else 'none'
    end as lifecycle_event,
    case
        when s.is_first_purchase then 'new'
        when s.bought_now and s.bought_before then 'returning'
        when s.bought_now then 'resurrected'
        when s.bought_before then 'dormant'
        else 'inactive'
    end as growth_state,
    s.abc_class,
    p.previous_status,
    p.previous_tier,
    p.previous_segment
from scored s
join previous p on p.customer_no = s.customer_no and p.month = s.month
join chosen_customer k on k.customer_no = s.customer_no
join customer_version v
    on v.customer_no = s.customer_no and v.version_from <= s.as_of_date and v.version_to > s.as_of_date;
