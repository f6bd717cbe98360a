-- Limits of the months built: bands by mid-rank among the scored customers; ABC by the share of those strictly above.
delete from cut_point where month >= $from;

insert into cut_point
with
counted as (
    select month, 'recency' as metric, -recency_days::bigint as value, count(*) as equal
    from measure
    where is_scored
    group by all
    union all
    select month, 'frequency', frequency::bigint, count(*) from measure where is_scored group by all
    union all
    select month, 'monetary', monetary_cents, count(*) from measure where is_scored group by all
),
ranked as (
    select
        *,
        sum(equal) over (partition by month, metric order by value) - equal as below,
        sum(equal) over (partition by month, metric) as total
    from counted
),
above as (
    select
        month,
        value,
        sum(value * equal) over (partition by month order by value desc) - value * equal as amount_above,
        sum(value * equal) over (partition by month) as total
    from counted
    where metric = 'monetary' and value > 0
)
select month, metric, cast(1 + 5 * (2 * below + equal) // (2 * total) as integer) as band, min(value)
from ranked
group by all
union all
select month, 'abc', class.band, min(above.value)
from above
join (values (2, 70), (1, 90)) as class (band, percent) on 100 * above.amount_above < class.percent * above.total
group by all;
