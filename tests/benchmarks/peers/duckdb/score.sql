-- Scores by the limits, tier and segment by the rules; a band without values opens where the next one does.
create or replace temp table scored as
with
found as (
    select
        month,
        coalesce(min(limit_value) filter (where metric = 'recency' and band >= 2), 1000000000000000000) as r2,
        coalesce(min(limit_value) filter (where metric = 'recency' and band >= 3), 1000000000000000000) as r3,
        coalesce(min(limit_value) filter (where metric = 'recency' and band >= 4), 1000000000000000000) as r4,
        coalesce(min(limit_value) filter (where metric = 'recency' and band = 5), 1000000000000000000) as r5,
        coalesce(min(limit_value) filter (where metric = 'frequency' and band >= 2), 1000000000000000000) as f2,
        coalesce(min(limit_value) filter (where metric = 'frequency' and band >= 3), 1000000000000000000) as f3,
        coalesce(min(limit_value) filter (where metric = 'frequency' and band >= 4), 1000000000000000000) as f4,
        coalesce(min(limit_value) filter (where metric = 'frequency' and band = 5), 1000000000000000000) as f5,
        coalesce(min(limit_value) filter (where metric = 'monetary' and band >= 2), 1000000000000000000) as m2,
        coalesce(min(limit_value) filter (where metric = 'monetary' and band >= 3), 1000000000000000000) as m3,
        coalesce(min(limit_value) filter (where metric = 'monetary' and band >= 4), 1000000000000000000) as m4,
        coalesce(min(limit_value) filter (where metric = 'monetary' and band = 5), 1000000000000000000) as m5,
        coalesce(min(limit_value) filter (where metric = 'abc' and band = 2), 1000000000000000000) as limit_a,
        coalesce(min(limit_value) filter (where metric = 'abc' and band = 1), 1000000000000000000) as limit_b
    from cut_point
    where month >= $from
    group by month
),
banded as (
    select
        x.*,
        case when is_scored then
            case
                when -recency_days >= r5 then 5 when -recency_days >= r4 then 4 when -recency_days >= r3 then 3
                when -recency_days >= r2 then 2 else 1
            end
        end::tinyint as r_score,
        case when is_scored then
            case
                when frequency >= f5 then 5 when frequency >= f4 then 4 when frequency >= f3 then 3
                when frequency >= f2 then 2 else 1
            end
        end::tinyint as f_score,
        case when is_scored then
            case
                when monetary_cents >= m5 then 5 when monetary_cents >= m4 then 4 when monetary_cents >= m3 then 3
                when monetary_cents >= m2 then 2 else 1
            end
        end::tinyint as m_score,
        case when is_scored then
            case
                when tenure_months >= 36 then 5 when tenure_months >= 24 then 4 when tenure_months >= 12 then 3
                when tenure_months >= 6 then 2 else 1
            end
        end::tinyint as t_score,
        case
            when not is_scored or monetary_cents <= 0 then null
            when monetary_cents >= limit_a then 'A'
            when monetary_cents >= limit_b then 'B'
            else 'C'
        end as abc_class
    from measure x
    join found using (month)
),
ranked as (
    select
        *,
        r_score + f_score + m_score + t_score as rfmt_total,
        case
            when not is_scored then 0
            when rfmt_total >= 17 then 4
            when rfmt_total >= 14 then 3
            when rfmt_total >= 10 then 2
            else 1
        end::tinyint as tier_rank
    from banded
)
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
    coalesce(bought_now and first_core_date >= month, false) as is_first_purchase
from ranked;
