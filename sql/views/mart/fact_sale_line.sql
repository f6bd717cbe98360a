create or replace view mart.fact_sale_line as
with line as (
    select
        sale_line.customer_id,
        sale_line.transaction_id,
        sale_line.line_no,
        sale_line.transaction_date,
        sale_line.product_id,
        sale_line.store_id,
        sale_line.promotion_id,
        sale_line.quantity,
        sale_line.unit_price,
        sale_line.discount_amount,
        sale_line.is_return,
        sale_line.net_cents
    from core.sale_line
    where sale_line.known_from <= (select max(known_at) from ops.run where status = 'published')
    union all
    select
        sale_line_superseded.customer_id,
        sale_line_superseded.transaction_id,
        sale_line_superseded.line_no,
        sale_line_superseded.transaction_date,
        sale_line_superseded.product_id,
        sale_line_superseded.store_id,
        sale_line_superseded.promotion_id,
        sale_line_superseded.quantity,
        sale_line_superseded.unit_price,
        sale_line_superseded.discount_amount,
        sale_line_superseded.is_return,
        sale_line_superseded.net_cents
    from core.sale_line_superseded
    where sale_line_superseded.known_from <= (select max(known_at) from ops.run where status = 'published')
        and sale_line_superseded.superseded_at > (select max(known_at) from ops.run where status = 'published')
)
select
    published_month.month,
    line.transaction_date,
    line.customer_id,
    line.product_id,
    line.store_id,
    line.promotion_id,
    line.transaction_id,
    line.line_no,
    line.quantity,
    line.unit_price,
    line.discount_amount,
    line.net_cents * 0.01 as net_amount,
    line.is_return,
    coalesce(lower(product_version.product_type) = any(fact_set.core_product_types), false) as is_core,
    product_version.product_type
from line
join crm.published_month on published_month.month = date_trunc('month', line.transaction_date::timestamp)::date
join crm.fact_set on fact_set.fact_set_id = published_month.fact_set_id
left join core.product_version
    on product_version.product_id = line.product_id
    and product_version.version_from <= line.transaction_date
    and product_version.version_to > line.transaction_date
    and product_version.known_from <= (select max(known_at) from ops.run where status = 'published')
    and product_version.known_to > (select max(known_at) from ops.run where status = 'published');

comment on view mart.fact_sale_line is 'Star: every sale line that the published months count, also while newer files wait for a refresh. Restrict transaction_date to read less.';
comment on column mart.fact_sale_line.month is 'Month of the transaction; key of dim_month.';
comment on column mart.fact_sale_line.transaction_date is 'Day of the transaction.';
comment on column mart.fact_sale_line.customer_id is 'Customer; key of dim_customer.';
comment on column mart.fact_sale_line.product_id is 'Product; key of dim_product.';
comment on column mart.fact_sale_line.store_id is 'Store of the transaction; key of dim_store.';
comment on column mart.fact_sale_line.promotion_id is 'Promotion; key of promotion_details.';
comment on column mart.fact_sale_line.transaction_id is 'Transaction (receipt).';
comment on column mart.fact_sale_line.line_no is 'Line of the transaction.';
comment on column mart.fact_sale_line.quantity is 'Quantity as the file gives it.';
comment on column mart.fact_sale_line.unit_price is 'Price of a unit, in currency units.';
comment on column mart.fact_sale_line.discount_amount is 'Discount on the line, in currency units; negative is a surcharge.';
comment on column mart.fact_sale_line.net_amount is 'Net amount in currency units, negative for a return.';
comment on column mart.fact_sale_line.is_return is 'Whether the line is a return.';
comment on column mart.fact_sale_line.is_core is 'Whether the product was core on that day, by the rule set of the line''s month.';
comment on column mart.fact_sale_line.product_type is 'Type of the product on that day, by which the rule sets of other months may judge otherwise.';
