-- The project's tests; each gives true where it fails.
select 'one line per key' as test, exists (select from sale_line group by transaction_id, line_no having count(*) > 1)
union all
select 'received = loaded + unchanged + rejected + duplicate', exists (
    select from source_file where received <> loaded + unchanged + rejected + duplicate
)
union all
select 'lines and months add up to the same money',
    (select sum(net_amount) from sale_line) <> (select sum(month_amount) from snapshot)
union all
select 'buyers and customers add up', exists (
    select
    from (
        select
            month,
            count(*) as customers,
            lag(count(*)) over (order by month) as customers_before,
            count(*) filter (where previous_status is null) as first_appearances,
            count(*) filter (where growth_state in ('new', 'returning', 'resurrected')) as buyers,
            lag(count(*) filter (where growth_state in ('new', 'returning', 'resurrected'))) over (order by month)
            as buyers_before,
            count(*) filter (where growth_state in ('new', 'resurrected')) as arrived,
            count(*) filter (where growth_state = 'dormant') as dormant
        from snapshot
        group by month
    ) as m
    where buyers_before + arrived - dormant <> buyers or customers_before + first_appearances <> customers
)
union all
select 'scores where there should be', exists (
    select
    from snapshot
    where
        (value_tier = 'none') <> (rfmt_total is null)
        or (activity_status in ('new', 'active', 'at_risk')) <> (rfmt_total is not null)
);
