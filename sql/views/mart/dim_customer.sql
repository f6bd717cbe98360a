create or replace view mart.dim_customer as
select
    customer_id,
    customer_group,
    city,
    home_store_id,
    opt_in_email,
    opt_in_sms,
    opt_in_phone,
    is_in_master,
    first_core_date,
    date_trunc('month', first_core_date::timestamp)::date as first_core_month,
    last_core_date,
    last_purchase_date,
    activity_status as current_status,
    value_tier as current_tier,
    segment as current_segment,
    last_scored_tier
from crm.snapshot
where month = (select max(month) from crm.published_month);

comment on view mart.dim_customer is 'Star: every customer as of the report month.';
comment on column mart.dim_customer.customer_id is 'Customer: the key.';
comment on column mart.dim_customer.customer_group is 'Customer group.';
comment on column mart.dim_customer.city is 'City.';
comment on column mart.dim_customer.home_store_id is 'Home store.';
comment on column mart.dim_customer.opt_in_email is 'Agreed to e-mail; null = unknown.';
comment on column mart.dim_customer.opt_in_sms is 'Agreed to text messages; null = unknown.';
comment on column mart.dim_customer.opt_in_phone is 'Agreed to calls; null = unknown.';
comment on column mart.dim_customer.is_in_master is 'Whether the master lists the customer; false = closed.';
comment on column mart.dim_customer.first_core_date is 'First core purchase.';
comment on column mart.dim_customer.first_core_month is 'Month of the first core purchase: the cohort.';
comment on column mart.dim_customer.last_core_date is 'Last core purchase.';
comment on column mart.dim_customer.last_purchase_date is 'Last sale of any product.';
comment on column mart.dim_customer.current_status is 'Activity status in the report month.';
comment on column mart.dim_customer.current_tier is 'Value tier in the report month.';
comment on column mart.dim_customer.current_segment is 'Segment in the report month.';
comment on column mart.dim_customer.last_scored_tier is 'Value tier when last scored.';
