"""The SQL that counts the first days of a month over what the reader sees, for pages and Excel."""

# `month` is the month's first day and `through` the last day that counts, each an expression that is a date.
# Gives one row; its `months` is 0 where the month is not published. Before the first month nobody had bought.
FIRST_DAYS = """
with span as (
    select
        month.month,
        {through} as as_of_date,
        rule_set.new_days,
        rule_set.active_days,
        rule_set.at_risk_days,
        rule_set.lapsed_days,
        rule_set.scored_statuses,
        core_type.names as core_types,
        -- then the dates of the month before are not those of this month's core purchases
        core_type.names <> core_type.names_before as is_core_changed
    from mart.month
    join mart.rule_set on rule_set.rule_set = month.rule_set
    left join mart.month as month_before on month_before.month = {month} - interval '1 month'
    left join mart.rule_set as rule_set_before on rule_set_before.rule_set = month_before.rule_set
    cross join lateral (
        select
            array(select distinct lower(name) from unnest(rule_set.core_product_types) as name order by 1) as names,
            array(
                select distinct lower(name)
                from unnest(coalesce(rule_set_before.core_product_types, rule_set.core_product_types)) as name
                order by 1
            ) as names_before
    ) as core_type
    where month.month = {month}
),

bought as (
    select
        customer_id,
        min(transaction_date) filter (where is_core and not is_return) as first_core_date,
        max(transaction_date) filter (where is_core and not is_return) as last_core_date,
        sum(net_amount) as amount
    from mart.fact_sale_line
    where transaction_date between {month} and {through}
    group by customer_id
),

before as (
    select customer_id, first_core_date, last_core_date, activity_status
    from mart.customer_snapshot
    where month = {month} - interval '1 month' and (select not is_core_changed from span)
    union all
    select snapshot.customer_id, core.first_core_date, core.last_core_date, snapshot.activity_status
    from mart.customer_snapshot as snapshot
    left join (
        select
            customer_id,
            min(transaction_date) as first_core_date,
            max(transaction_date) as last_core_date
        from mart.fact_sale_line
        where transaction_date < {month}
            and not is_return
            and lower(product_type) = any((select core_types from span)::text[])
        group by customer_id
    ) as core on core.customer_id = snapshot.customer_id
    where snapshot.month = {month} - interval '1 month' and (select is_core_changed from span)
),

customer as (
    select
        coalesce(before.first_core_date, bought.first_core_date) as first_core_date,
        coalesce(bought.last_core_date, before.last_core_date) as last_core_date,
        bought.first_core_date is not null as has_core_purchase,
        coalesce(before.activity_status, 'prospect') as previous_status,
        bought.amount
    from before
    full join bought using (customer_id)
),

judged as (
    select
        customer.has_core_purchase,
        customer.previous_status,
        customer.first_core_date >= {month} as is_first,
        customer.amount,
        case
            when customer.last_core_date is null then 'prospect'
            when span.as_of_date - customer.first_core_date <= span.new_days
                and span.as_of_date - customer.last_core_date <= span.active_days then 'new'
            when span.as_of_date - customer.last_core_date <= span.active_days then 'active'
            when span.as_of_date - customer.last_core_date <= span.at_risk_days then 'at_risk'
            when span.as_of_date - customer.last_core_date <= span.lapsed_days then 'lapsed'
            else 'lost'
        end as status,
        span.scored_statuses
    from customer
    cross join span
)
select
    count(*) filter (where status = any(scored_statuses)) as engaged,
    count(*) filter (where is_first) as new,
    count(*) filter (
        where has_core_purchase and not is_first and previous_status in ('at_risk', 'lapsed', 'lost')
    ) as won_back,
    count(*) filter (where status = 'lost' and previous_status <> 'lost') as lost,
    coalesce(sum(amount), 0) as revenue,
    (select count(*) from span) as months
from judged
"""
