-- Versions of customers and products; who is absent from a file keeps the attributes, but not the consents.
create table customer_version as
with
file as (
    select file_date, coalesce(lead(file_date) over (order by file_date), 'infinity') as file_until
    from (select distinct file_date from raw_customers) as f
),
state as (
    select distinct on (customer_id, file_date)
        trim(customer_id) as customer_id,
        file_date,
        nullif(trim(customer_group), '') as customer_group,
        nullif(trim(city), '') as city,
        nullif(trim(home_store_id), '') as home_store_id,
        read_date(trim(registration_date)) as registration_date,
        read_boolean(trim(opt_in_email)) as opt_in_email,
        read_boolean(trim(opt_in_sms)) as opt_in_sms,
        read_boolean(trim(opt_in_phone)) as opt_in_phone
    from raw_customers
    where trim(customer_id) <> ''
    order by customer_id, file_date, row_number desc
),
dated as (
    select
        s.*,
        f.file_until,
        lag(s.file_date) over known is null as is_first,
        coalesce(lead(s.file_date) over known, 'infinity') as next_date
    from state s
    join file f using (file_date)
    window known as (partition by s.customer_id order by s.file_date)
)
select
    customer_id, customer_group, city, home_store_id, registration_date, opt_in_email, opt_in_sms, opt_in_phone,
    true as is_in_master, case when is_first then '-infinity' else file_date end as version_from, file_until as version_to
from dated
union all
select
    customer_id, customer_group, city, home_store_id, registration_date, null, null, null,
    false, file_until, next_date
from dated
where next_date > file_until;
create index on customer_version (customer_id);

create table product_version as
select
    product_id,
    coalesce(lower(product_type) = 'consumable', false) as is_core,
    case when lag(file_date) over known is null then '-infinity' else file_date end as version_from,
    coalesce(lead(file_date) over known, 'infinity') as version_to
from (
    select distinct on (product_id, file_date) trim(product_id) as product_id, trim(product_type) as product_type, file_date
    from raw_products
    where trim(product_id) <> ''
    order by product_id, file_date, row_number desc
) as p
window known as (partition by product_id order by file_date);

create table customer as select distinct customer_id from customer_version;
create table product as select distinct product_id from product_version;
create table store as select distinct trim(store_id) as store_id from raw_stores where trim(store_id) <> '';
create table promotion as
select distinct trim(promotion_id) as promotion_id from raw_promotions where trim(promotion_id) <> '';
analyze;
