-- Facts per customer and month, receipt by receipt first so that no distinct count is needed.
-- $from is the first month to aggregate whole; before it only the customers and months of touched_fact.
create or replace temp table fact_built as
select
    month,
    customer_no,
    sum(amount_cents)::bigint as amount_cents,
    sum(core_cents)::bigint as core_cents,
    count(last_purchase_date)::integer as orders,
    count(last_core_date)::integer as core_orders,
    coalesce(sum(items), 0) as items,
    min(first_date) as first_date,
    min(first_core_date) as first_core_date,
    max(last_core_date) as last_core_date,
    max(last_purchase_date) as last_purchase_date
from (
    select
        date_trunc('month', l.transaction_date)::date as month,
        l.customer_no,
        l.transaction_id,
        sum(l.net_cents) as amount_cents,
        coalesce(sum(l.net_cents) filter (where p.is_core), 0) as core_cents,
        sum(l.quantity) filter (where not l.is_return) as items,
        min(l.transaction_date) as first_date,
        min(l.transaction_date) filter (where not l.is_return and p.is_core) as first_core_date,
        max(l.transaction_date) filter (where not l.is_return and p.is_core) as last_core_date,
        max(l.transaction_date) filter (where not l.is_return) as last_purchase_date
    from sale_line l
    join product_version p
        on p.product_id = l.product_id
        and l.transaction_date >= p.version_from
        and l.transaction_date < p.version_to
    where
        l.transaction_date >= $from
        or (l.customer_no, date_trunc('month', l.transaction_date)::date) in (select customer_no, month from touched_fact)
    group by all
)
group by month, customer_no;

delete from customer_month
where month >= $from or (customer_no, month) in (select customer_no, month from touched_fact);

insert into customer_month from fact_built order by month, customer_no;

-- from which day each customer appears
create or replace temp table known as
select
    c.customer_no,
    c.customer_id,
    coalesce(least(v.registration_date, f.first_date), s.first_seen, $as_of_date) as known_from
from customer c
join customer_version v on v.customer_no = c.customer_no and v.version_to = date 'infinity'
left join (select customer_no, min(first_date) as first_date from customer_month group by customer_no) f
    on f.customer_no = c.customer_no
left join customer_first_seen s on s.customer_no = c.customer_no;

-- who is neither registered nor has bought keeps the day of the first publication
insert into customer_first_seen
select k.customer_no, k.known_from
from known k
anti join customer_first_seen s on s.customer_no = k.customer_no
where
    k.known_from = $as_of_date
    and k.customer_no not in (select customer_no from customer_month)
    and k.customer_no in (
        select customer_no from customer_version where version_to = date 'infinity' and registration_date is null
    );
