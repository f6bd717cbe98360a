-- The rows of one month: scores by the limits, tier and segment by the rules, the event by what changed.
insert into snapshot
with
scored as (
    select
        *,
        case when is_scored then
            case
                when -recency_days >= $r5 then 5 when -recency_days >= $r4 then 4 when -recency_days >= $r3 then 3
                when -recency_days >= $r2 then 2 else 1
            end
        end::tinyint as r_score,
        case when is_scored then
            case
                when frequency >= $f5 then 5 when frequency >= $f4 then 4 when frequency >= $f3 then 3
                when frequency >= $f2 then 2 else 1
            end
        end::tinyint as f_score,
        case when is_scored then
            case
                when monetary_cents >= $m5 then 5 when monetary_cents >= $m4 then 4 when monetary_cents >= $m3 then 3
                when monetary_cents >= $m2 then 2 else 1
            end
        end::tinyint as m_score,
        case when is_scored then
            case
                when tenure_months >= 36 then 5 when tenure_months >= 24 then 4 when tenure_months >= 12 then 3
                when tenure_months >= 6 then 2 else 1
            end
        end::tinyint as t_score
    from measure
),
ranked as (
    select
        *,
        r_score + f_score + m_score + t_score as rfmt_total,
        case
            when not is_scored then 0
            when r_score + f_score + m_score + t_score >= 17 then 4
            when r_score + f_score + m_score + t_score >= 14 then 3
            when r_score + f_score + m_score + t_score >= 10 then 2
            else 1
        end::tinyint as tier_rank
    from scored
),
named as (
    select
        *,
        case tier_rank
            when 0 then 'none' when 1 then 'bronze' when 2 then 'silver' when 3 then 'gold' else 'platinum'
        end as value_tier,
        case
            when activity_status = 'prospect' then 'Prospect'
            when activity_status = 'lapsed' then 'Lapsed'
            when activity_status = 'lost' then 'Lost'
            when activity_status = 'at_risk' and m_score >= 4 then 'At risk – high value'
            when activity_status = 'at_risk' then 'At risk'
            when activity_status = 'new' then 'New'
            when r_score >= 4 and f_score >= 4 and m_score >= 4 then 'Champions'
            when m_score = 5 then 'Big spenders'
            when f_score >= 4 then 'Loyal'
            when r_score >= 4 then 'Promising'
            else 'Needs attention'
        end as segment,
        coalesce(bought_now and first_core_date >= $month::date, false) as is_first_purchase
    from ranked
)
select
    $month::date as month,
    n.customer_no,
    n.customer_id,
    $as_of_date::date as as_of_date,
    v.customer_group,
    v.city,
    v.home_store_id,
    v.opt_in_email,
    v.opt_in_sms,
    v.opt_in_phone,
    v.is_in_master,
    n.first_core_date,
    n.last_core_date,
    n.last_purchase_date,
    n.recency_days,
    n.frequency,
    n.monetary_cents,
    n.total_cents,
    n.month_cents,
    n.month_core_cents,
    n.month_orders,
    n.month_items,
    n.tenure_months,
    n.activity_status,
    n.r_score,
    n.f_score,
    n.m_score,
    n.t_score,
    case when n.is_scored then concat(n.r_score, n.f_score, n.m_score, n.t_score) end as rfmt_score,
    n.rfmt_total,
    n.value_tier,
    n.tier_rank,
    n.segment,
    coalesce(n.m_score = 5, false) as is_high_spender,
    case when n.is_scored then $month::date else n.last_scored_month end as last_scored_month,
    case when n.is_scored then n.value_tier else n.last_scored_tier end as last_scored_tier,
    case
        when n.is_first_purchase then 'first_purchase'
        when n.bought_now and n.previous_status in ('lapsed', 'lost') then 'reactivated'
        when n.bought_now and n.previous_status = 'at_risk' then 'recovered'
        when n.activity_status in ('lost', 'lapsed', 'at_risk') and n.previous_status <> n.activity_status
            then n.activity_status
        when n.tier_rank > n.previous_tier_rank and n.previous_tier_rank > 0 then 'upgraded'
        when n.tier_rank < n.previous_tier_rank and n.tier_rank > 0 then 'downgraded'
        when n.bought_now then 'retained'
        when not n.was_there then 'registered'
        else 'none'
    end as lifecycle_event,
    case
        when n.is_first_purchase then 'new'
        when n.bought_now and n.bought_before then 'returning'
        when n.bought_now then 'resurrected'
        when n.bought_before then 'dormant'
        else 'inactive'
    end as growth_state,
    case
        when not n.is_scored or n.monetary_cents <= 0 then null
        when n.monetary_cents >= $abc2 then 'A'
        when n.monetary_cents >= $abc1 then 'B'
        else 'C'
    end as abc_class,
    n.previous_status,
    n.previous_tier,
    n.previous_segment
from named n
join customer_version v
    on v.customer_no = n.customer_no and v.version_from <= $as_of_date and v.version_to > $as_of_date;

create or replace temp table previous as
select
    customer_no, first_core_date, last_core_date, last_purchase_date, frequency, monetary_cents, total_cents, tenure_months,
    activity_status, value_tier, tier_rank, segment, last_scored_month, last_scored_tier
from snapshot
where month = $month;
