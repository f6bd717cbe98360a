-- What was known of each customer from when until when. The first version counts from the beginning of time; who is
-- absent from a file keeps the last attributes, but not the consents.
create or replace table customer_version as
with
file as (
    select effective_date, coalesce(lead(effective_date) over (order by effective_date), date 'infinity') as until
    from (select distinct effective_date from customer_state)
),
state as (
    select
        s.*,
        f.until,
        lag(s.effective_date) over known is null as is_first,
        coalesce(lead(s.effective_date) over known, date 'infinity') as next_date
    from customer_state s
    join file f using (effective_date)
    window known as (partition by s.customer_no order by s.effective_date)
)
select
    customer_no, customer_group, city, home_store_id, registration_date, opt_in_email, opt_in_sms, opt_in_phone,
    true as is_in_master,
    case when is_first then date '-infinity' else effective_date end as version_from,
    until as version_to
from state
union all
select
    customer_no, customer_group, city, home_store_id, registration_date, null, null, null,
    false,
    until,
    next_date
from state
where next_date > until;

create or replace table product_version as
select
    product_id,
    lower(product_type) = 'consumable' as is_core,
    case
        when lag(effective_date) over known is null then date '-infinity'
        else effective_date
    end as version_from,
    coalesce(lead(effective_date) over known, date 'infinity') as version_to
from product_state
window known as (partition by product_id order by effective_date);
