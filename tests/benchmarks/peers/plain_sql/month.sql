-- The model of one month: everything from the lines until its as-of date; only what was before comes from the month before.
create table {table} as
with
known as (
    select v.customer_id
    from customer_version v
    left join (select customer_id, min(transaction_date) as first_date from sale_line group by customer_id) f
        using (customer_id)
    where
        v.version_to = 'infinity'
        and coalesce(least(v.registration_date, f.first_date), %(last)s) <= %(as_of_date)s
),
receipt as (
    select
        l.customer_id,
        date_trunc('month', l.transaction_date::timestamp)::date as month,
        l.transaction_id,
        sum(l.net_amount) as amount,
        coalesce(sum(l.net_amount) filter (where p.is_core), 0) as core_amount,
        sum(l.quantity) filter (where not l.is_return) as items,
        min(l.transaction_date) filter (where p.is_core and not l.is_return) as first_core_date,
        max(l.transaction_date) filter (where p.is_core and not l.is_return) as last_core_date,
        max(l.transaction_date) filter (where not l.is_return) as last_purchase_date
    from sale_line l
    join product_version p
        on p.product_id = l.product_id
        and l.transaction_date >= p.version_from
        and l.transaction_date < p.version_to
    where l.transaction_date <= %(as_of_date)s
    group by 1, 2, 3
),
purchase as (
    select
        customer_id,
        min(first_core_date) as first_core_date,
        max(last_core_date) as last_core_date,
        max(last_purchase_date) as last_purchase_date,
        count(last_core_date) filter (where month > %(leaving_month)s) as frequency,
        sum(core_amount) filter (where month > %(leaving_month)s) as monetary,
        sum(amount) filter (where month > %(leaving_month)s) as total_amount,
        sum(amount) filter (where month = %(month)s) as month_amount,
        sum(core_amount) filter (where month = %(month)s) as month_core_amount,
        count(last_purchase_date) filter (where month = %(month)s) as month_orders,
        sum(items) filter (where month = %(month)s) as month_items,
        count(last_core_date) filter (where month = %(month)s) > 0 as bought_now,
        count(last_core_date) filter (where month = %(previous_month)s) > 0 as bought_before
    from receipt
    group by customer_id
),
measure as (
    select
        customer_id,
        u.first_core_date,
        u.last_core_date,
        u.last_purchase_date,
        %(as_of_date)s - u.last_core_date as recency_days,
        coalesce(u.frequency, 0) as frequency,
        coalesce(u.monetary, 0) as monetary,
        coalesce(u.total_amount, 0) as total_amount,
        coalesce(u.month_amount, 0) as month_amount,
        coalesce(u.month_core_amount, 0) as month_core_amount,
        coalesce(u.month_orders, 0) as month_orders,
        coalesce(u.month_items, 0) as month_items,
        coalesce(u.bought_now, false) as bought_now,
        coalesce(u.bought_before, false) as bought_before,
        (
            12 * (extract(year from %(month)s) - extract(year from u.first_core_date))
            + extract(month from %(month)s) - extract(month from u.first_core_date)
        )::integer as tenure_months,
        case
            when u.first_core_date is null then 'prospect'
            when %(as_of_date)s - u.first_core_date <= 90 and %(as_of_date)s - u.last_core_date <= 90 then 'new'
            when %(as_of_date)s - u.last_core_date <= 90 then 'active'
            when %(as_of_date)s - u.last_core_date <= 180 then 'at_risk'
            when %(as_of_date)s - u.last_core_date <= 365 then 'lapsed'
            else 'lost'
        end as activity_status
    from known
    left join purchase u using (customer_id)
),
ranked as (
    -- mid-rank: twice those below plus the equals
    select
        customer_id,
        count(*) over () as scored,
        2 * (rank() over (order by recency_days desc) - 1) + count(*) over (partition by recency_days) as r_rank,
        2 * (rank() over (order by frequency) - 1) + count(*) over (partition by frequency) as f_rank,
        2 * (rank() over (order by monetary) - 1) + count(*) over (partition by monetary) as m_rank
    from measure
    where activity_status in ('new', 'active', 'at_risk')
),
valuable as (
    select
        customer_id,
        sum(monetary) over (order by monetary desc) - sum(monetary) over (partition by monetary) as above,
        sum(monetary) over () as total
    from measure
    where activity_status in ('new', 'active', 'at_risk') and monetary > 0
),
scored as (
    select
        customer_id,
        (1 + 5 * r_rank / (2 * scored))::integer as r_score,
        (1 + 5 * f_rank / (2 * scored))::integer as f_score,
        (1 + 5 * m_rank / (2 * scored))::integer as m_score,
        width_bucket(tenure_months, array[0, 6, 12, 24, 36]) as t_score
    from ranked
    join measure using (customer_id)
),
totalled as (
    select *, r_score + f_score + m_score + t_score as rfmt_total
    from scored
),
tiered as (
    select
        *,
        case when rfmt_total >= 17 then 4 when rfmt_total >= 14 then 3 when rfmt_total >= 10 then 2 else 1 end
        as tier_rank
    from totalled
)
select
    %(month)s::date as month,
    m.customer_id,
    %(as_of_date)s::date as as_of_date,
    v.customer_group,
    v.city,
    v.home_store_id,
    v.opt_in_email,
    v.opt_in_sms,
    v.opt_in_phone,
    v.is_in_master,
    m.first_core_date,
    m.last_core_date,
    m.last_purchase_date,
    m.recency_days,
    m.frequency,
    m.monetary,
    m.total_amount,
    m.month_amount,
    m.month_core_amount,
    m.month_orders,
    m.month_items,
    m.tenure_months,
    m.activity_status,
    t.r_score,
    t.f_score,
    t.m_score,
    t.t_score,
    t.r_score::text || t.f_score || t.m_score || t.t_score as rfmt_score,
    t.rfmt_total,
    n.value_tier,
    coalesce(t.tier_rank, 0) as tier_rank,
    case
        when m.activity_status = 'prospect' then 'Prospect'
        when m.activity_status = 'lapsed' then 'Lapsed'
        when m.activity_status = 'lost' then 'Lost'
        when m.activity_status = 'at_risk' and t.m_score >= 4 then 'At risk – high value'
        when m.activity_status = 'at_risk' then 'At risk'
        when m.activity_status = 'new' then 'New'
        when t.r_score >= 4 and t.f_score >= 4 and t.m_score >= 4 then 'Champions'
        when t.m_score = 5 then 'Big spenders'
        when t.f_score >= 4 then 'Loyal'
        when t.r_score >= 4 then 'Promising'
        else 'Needs attention'
    end as segment,
    coalesce(t.m_score = 5, false) as is_high_spender,
    case when t.r_score is not null then %(month)s::date else p.last_scored_month end as last_scored_month,
    case when t.r_score is not null then n.value_tier else p.last_scored_tier end as last_scored_tier,
    case
        when m.bought_now and m.first_core_date >= %(month)s then 'first_purchase'
        when m.bought_now and p.activity_status in ('lapsed', 'lost') then 'reactivated'
        when m.bought_now and p.activity_status = 'at_risk' then 'recovered'
        when m.activity_status in ('lost', 'lapsed', 'at_risk') and p.activity_status <> m.activity_status
            then m.activity_status
        when t.tier_rank > p.tier_rank and p.tier_rank > 0 then 'upgraded'
        when t.tier_rank < p.tier_rank then 'downgraded'
        when m.bought_now then 'retained'
        when p.customer_id is null then 'registered'
        else 'none'
    end as lifecycle_event,
    case
        when m.bought_now and m.first_core_date >= %(month)s then 'new'
        when m.bought_now and m.bought_before then 'returning'
        when m.bought_now then 'resurrected'
        when m.bought_before then 'dormant'
        else 'inactive'
    end as growth_state,
    case
        when a.above < 0.70 * a.total then 'A'
        when a.above < 0.90 * a.total then 'B'
        when a.total is not null then 'C'
    end as abc_class,
    p.activity_status as previous_status,
    p.value_tier as previous_tier,
    p.segment as previous_segment
from measure m
left join tiered t using (customer_id)
left join valuable a using (customer_id)
left join {previous} p using (customer_id)
cross join lateral (
    select (array['none', 'bronze', 'silver', 'gold', 'platinum'])[1 + coalesce(t.tier_rank, 0)] as value_tier
) as n
join customer_version v
    on v.customer_id = m.customer_id and v.version_from <= %(as_of_date)s and v.version_to > %(as_of_date)s;
alter table {table} add primary key (month, customer_id);
analyze {table};
