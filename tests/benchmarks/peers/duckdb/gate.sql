-- The checks before publication; each gives the rows that break it.
select 'one row per customer and month' as check_name, count(*) as failures
from (select month, customer_no from snapshot where month >= $from group by all having count(*) > 1)
union all
select 'one line per key', count(*)
from (select transaction_id, line_no from sale_line group by all having count(*) > 1)
union all
select 'received = loaded + unchanged + rejected + duplicate', count(*)
from source_file
where received <> loaded + unchanged + rejected + duplicate
union all
select 'lines, customer-months and months add up to the same money', count(*)
from (
    select
        (select sum(net_cents) from sale_line) as lines,
        (select sum(amount_cents) from customer_month) as facts,
        (select sum(month_cents) from snapshot) as months
)
where lines <> facts or lines <> months
union all
select 'buyers add up from month to month', count(*)
from (
    select
        month,
        count(*) filter (where growth_state in ('new', 'returning', 'resurrected')) as buyers,
        count(*) filter (where growth_state in ('new', 'resurrected')) as arrived,
        count(*) filter (where growth_state = 'dormant') as dormant,
        lag(buyers) over (order by month) as buyers_before
    from snapshot
    group by month
)
where buyers_before + arrived - dormant <> buyers
union all
select 'customers of a month = those of the month before + first appearances', count(*)
from (
    select
        month,
        count(*) as customers,
        count(*) filter (where previous_status is null) as first_appearances,
        lag(customers) over (order by month) as customers_before
    from snapshot
    group by month
)
where customers_before + first_appearances <> customers
union all
select 'only known values, and scores where there should be', count(*)
from snapshot
where
    month >= $from
    and (
        activity_status not in ('prospect', 'new', 'active', 'at_risk', 'lapsed', 'lost')
        or value_tier not in ('none', 'bronze', 'silver', 'gold', 'platinum')
        or (activity_status in ('new', 'active', 'at_risk')) <> (coalesce(r_score, 0) between 1 and 5)
        or (value_tier = 'none') <> (rfmt_total is null)
    );
