-- One customers file: the whole master from its effective date on. Only a missing key rejects a row.
create or replace temp table judged as
select
    rowid as row_number,
    nullif(trim(customer_id), '') as customer_id,
    nullif(trim(full_name), '') as full_name,
    nullif(trim(email), '') as email,
    nullif(trim(phone), '') as phone,
    nullif(trim(city), '') as city,
    nullif(trim(customer_group), '') as customer_group,
    nullif(trim(home_store_id), '') as home_store_id,
    read_date(trim(registration_date)) as registration_date,
    read_boolean(trim(opt_in_email)) as opt_in_email,
    read_boolean(trim(opt_in_sms)) as opt_in_sms,
    read_boolean(trim(opt_in_phone)) as opt_in_phone,
    nullif(trim(responsible_email), '') as responsible_email
from received;

insert into rejected_record
select $file_name, row_number, null, ['missing_key'] from judged where customer_id is null;

create or replace temp table chosen as
select *
from judged
where customer_id is not null
qualify row_number = max(row_number) over (partition by customer_id);

insert into customer (customer_id)
select customer_id from chosen where customer_id not in (select customer_id from customer) order by row_number;

insert into customer_state
select c.customer_no, $effective_date, h.* exclude (row_number, customer_id)
from chosen h
join customer c on c.customer_id = h.customer_id;
