-- One sales file: text becomes values, every reason that applies is a bit, the last acceptable row of a key counts.
create or replace temp table judged as
with
typed as (
    select
        rowid as row_number,
        nullif(trim(transaction_id), '') as transaction_id,
        read_number(trim(line_no)) as line_no,
        read_date(trim(transaction_date)) as transaction_date,
        nullif(trim(customer_id), '') as customer_id,
        nullif(trim(product_id), '') as product_id,
        nullif(trim(store_id), '') as store_id,
        nullif(trim(promotion_id), '') as promotion_id,
        read_number(trim(quantity)) as quantity,
        read_number(trim(unit_price)) as unit_price,
        read_number(trim(discount_amount)) as discount_amount,
        nullif(trim(discount_amount), '') is not null as has_discount,
        case coalesce(nullif(lower(trim(transaction_type)), ''), 'sale')
            when 'sale' then false
            when 'return' then true
        end as is_return
    from received
),
priced as (
    select
        *,
        case when has_discount and discount_amount is null then null else
            cast(round(abs(quantity) * unit_price - coalesce(discount_amount, 0), 2) as decimal(18, 2))
        end as net_amount
    from typed
)
select
    n.* exclude (customer_id, has_discount, net_amount, line_no),
    cast(case when line_no = trunc(line_no) then line_no end as bigint) as line_no,
    c.customer_no,
    cast((case when is_return then -100 else 100 end) * net_amount as bigint) as net_cents,
    case when n.transaction_id is null then 1 else 0 end
    + case when n.customer_id is null then 2 else 0 end
    + case when n.product_id is null then 4 else 0 end
    + case when n.transaction_date is null then 16 else 0 end
    + case when year(n.transaction_date) <> $year then 32 else 0 end
    + case when n.transaction_date > current_date then 64 else 0 end
    + case when n.net_amount is null or n.line_no is null or n.line_no <> trunc(n.line_no) then 128 else 0 end
    + case when n.quantity <= 0 and (n.is_return is not true or n.quantity = 0) then 256 else 0 end
    + case when n.unit_price < 0 then 512 else 0 end
    + case when n.unit_price >= 0 and n.net_amount < 0 then 1024 else 0 end
    + case when n.is_return is null then 2048 else 0 end
    + case when n.customer_id is not null and c.customer_no is null then 4096 else 0 end
    + case when n.product_id is not null and p.product_id is null then 8192 else 0 end
    + case when n.store_id is not null and s.store_id is null then 16384 else 0 end
    + case when n.promotion_id is not null and o.promotion_id is null then 32768 else 0 end
    as reason_bits
from priced n
left join customer c on c.customer_id = n.customer_id
left join (select distinct product_id from product_state) p on p.product_id = n.product_id
left join store s on s.store_id = n.store_id
left join promotion o on o.promotion_id = n.promotion_id;

create or replace temp table repeated_key as
select transaction_id, line_no, max(row_number) as last_row
from judged
where reason_bits = 0
group by transaction_id, line_no
having count(*) > 1;

create or replace temp table duplicate_row as
select j.row_number
from judged j
join repeated_key k on k.transaction_id = j.transaction_id and k.line_no = j.line_no
where j.reason_bits = 0 and j.row_number < k.last_row;
