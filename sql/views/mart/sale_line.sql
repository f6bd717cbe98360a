create or replace view mart.sale_line as
select
    sale_line.transaction_id,
    sale_line.line_no,
    sale_line.transaction_date,
    sale_line.customer_id,
    sale_line.product_id,
    sale_line.store_id,
    sale_line.quantity,
    sale_line.unit_price,
    sale_line.discount_amount,
    sale_line.promotion_id,
    case when sale_line.is_return then 'return' else 'sale' end as transaction_type,
    sale_line.net_cents * 0.01 as net_amount,
    file.file_name
from core.sale_line
join ops.file on file.file_id = sale_line.file_id;

comment on view mart.sale_line is 'Current accepted sale lines, one row each, by their canonical names; the accepted state, so newer than the publication while a refresh is due.';
comment on column mart.sale_line.transaction_id is 'Transaction (receipt).';
comment on column mart.sale_line.line_no is 'Line of the transaction.';
comment on column mart.sale_line.transaction_date is 'Day of the transaction.';
comment on column mart.sale_line.customer_id is 'Customer.';
comment on column mart.sale_line.product_id is 'Product.';
comment on column mart.sale_line.store_id is 'Store.';
comment on column mart.sale_line.quantity is 'Quantity as the file gives it; may be fractional.';
comment on column mart.sale_line.unit_price is 'Price of a unit, in currency units.';
comment on column mart.sale_line.discount_amount is 'Discount on the line, in currency units; negative is a surcharge, null none given.';
comment on column mart.sale_line.promotion_id is 'Promotion; key of promotion_details.';
comment on column mart.sale_line.transaction_type is 'sale or return.';
comment on column mart.sale_line.net_amount is '|quantity| × unit_price − discount_amount, rounded to whole cents, in currency units; negative for a return.';
comment on column mart.sale_line.file_name is 'File that brought the line.';
