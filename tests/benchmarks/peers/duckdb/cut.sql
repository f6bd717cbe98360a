-- Limits of one month: bands by mid-rank among the scored customers; ABC by the share of those strictly above.
with
scored as (
    select recency_days, frequency, monetary_cents from measure where is_scored
),
counted as (
    select 'recency' as metric, -recency_days::bigint as value, count(*) as equal from scored group by recency_days
    union all
    select 'frequency', frequency::bigint, count(*) from scored group by frequency
    union all
    select 'monetary', monetary_cents, count(*) from scored group by monetary_cents
),
ranked as (
    select
        metric,
        value,
        equal,
        sum(equal) over (partition by metric order by value) - equal as below,
        sum(equal) over (partition by metric) as total
    from counted
),
above as (
    select
        value,
        sum(value * equal) over (order by value desc) - value * equal as amount_above,
        sum(value * equal) over () as total
    from counted
    where metric = 'monetary' and value > 0
)
select metric, cast(1 + 5 * (2 * below + equal) // (2 * total) as integer) as band, min(value) as limit_value
from ranked
group by all
union all
select 'abc', class.band, min(above.value)
from above
join (values (2, 70), (1, 90)) as class (band, percent) on 100 * above.amount_above < class.percent * above.total
group by class.band
