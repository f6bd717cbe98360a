-- materialized: inlined, every use of a value would read its text again.
-- One sales file: its lines split, read and judged; the last acceptable row of a key is accepted.
create temporary table judged as
with
cell as materialized (
    select line_number, line, split_cells(line) as cells
    from raw_line
),
trimmed as materialized (
    select
        line_number,
        line,
        line ~ '[\u0081\u008d\u008f\u0090\u009d]' as is_undecodable,
        cardinality(cells) <> 11 as is_wrong_count,
        nullif(trim(cells[1]), '') as transaction_id,
        nullif(trim(cells[2]), '') as line_no_text,
        nullif(trim(cells[3]), '') as day_text,
        nullif(trim(cells[4]), '') as customer_id,
        nullif(trim(cells[5]), '') as product_id,
        nullif(trim(cells[6]), '') as store_id,
        nullif(trim(cells[7]), '') as quantity_text,
        nullif(trim(cells[8]), '') as unit_price_text,
        nullif(trim(cells[9]), '') as discount_text,
        nullif(trim(cells[10]), '') as promotion_id,
        coalesce(lower(nullif(trim(cells[11]), '')), 'sale') as type
    from cell
),
read as materialized (
    select
        *,
        read_number(line_no_text) as line_no,
        read_date(day_text) as transaction_date,
        read_number(quantity_text) as quantity,
        read_number(unit_price_text) as unit_price,
        read_number(discount_text) as discount_amount
    from trimmed
),
priced as materialized (
    select
        *,
        case
            when discount_text is null or discount_amount is not null
                then round(abs(quantity) * unit_price - coalesce(discount_amount, 0), 2)
        end as net_amount
    from read
)
select
    r.line_number, r.line, r.transaction_id, r.line_no, r.transaction_date, r.customer_id, r.product_id, r.store_id,
    r.quantity, r.unit_price, r.discount_amount, r.promotion_id, r.type = 'return' as is_return,
    case when r.type = 'return' then -r.net_amount else r.net_amount end as net_amount,
    case
        when r.is_undecodable then array['undecodable']
        when r.is_wrong_count then array['wrong_column_count']
        else array_remove(array[
            case when r.transaction_id is null then 'missing_transaction_id' end,
            case when r.customer_id is null then 'missing_customer_id' end,
            case when r.product_id is null then 'missing_product_id' end,
            case when r.transaction_date is null then 'invalid_date' end,
            case when extract(year from r.transaction_date) <> %(year)s then 'date_outside_period' end,
            case when r.transaction_date > current_date then 'future_date' end,
            case when r.net_amount is null or r.line_no is null or r.line_no <> trunc(r.line_no) then 'invalid_number' end,
            case when r.quantity <= 0 and (r.type <> 'return' or r.quantity = 0) then 'non_positive_quantity' end,
            case when r.unit_price < 0 then 'negative_price' end,
            case when r.unit_price >= 0 and r.net_amount < 0 then 'negative_net_amount' end,
            case when r.type not in ('sale', 'return') then 'invalid_transaction_type' end,
            case when r.customer_id is not null and c.customer_id is null then 'unknown_customer' end,
            case when r.product_id is not null and p.product_id is null then 'unknown_product' end,
            case when r.store_id is not null and s.store_id is null then 'unknown_store' end,
            case when r.promotion_id is not null and o.promotion_id is null then 'unknown_promotion' end
        ], null)
    end as reasons
from priced r
left join customer c on c.customer_id = r.customer_id
left join product p on p.product_id = r.product_id
left join store s on s.store_id = r.store_id
left join promotion o on o.promotion_id = r.promotion_id;

insert into rejected_record
select %(file_name)s, line_number + 1, line, reasons
from judged
where reasons <> '{}';

create temporary table accepted as
select distinct on (transaction_id, line_no) *
from judged
where reasons = '{}'
order by transaction_id, line_no, line_number desc;

insert into sale_line
select
    transaction_id, line_no::bigint, transaction_date, customer_id, product_id, store_id, quantity, unit_price,
    discount_amount, promotion_id, is_return, net_amount
from accepted
order by transaction_date;

insert into source_file
select %(file_name)s, received, loaded, 0, rejected, received - rejected - loaded, 0
from
    (select count(*) as received, count(*) filter (where reasons <> '{}') as rejected from judged) as judged,
    (select count(*) as loaded from accepted) as accepted;

drop table judged, accepted;
truncate raw_line restart identity;
