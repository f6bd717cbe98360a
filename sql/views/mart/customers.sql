create or replace view mart.customers as
select
    customer_id,
    case when (select mart.may_read_contact()) then full_name end as full_name,
    case when (select mart.may_read_contact()) then email end as email,
    case when (select mart.may_read_contact()) then phone end as phone,
    city,
    customer_group,
    home_store_id,
    registration_date,
    opt_in_email,
    opt_in_sms,
    opt_in_phone,
    responsible_email,
    is_in_master,
    case
        when (select mart.may_read_contact()) then warnings
        else (
            select array_agg(split_part(warning.text, ': ', 1) order by warning.position)
            from unnest(warnings) with ordinality as warning (text, position)
        )
    end as warnings
from core.customer_version
where version_to = 'infinity' and known_to = 'infinity';

comment on view mart.customers is 'Customers as the newest accepted master has them. Names and contact data are shown only to those who may read mart.customer_contact.';
comment on column mart.customers.customer_id is 'Customer, as the files give it.';
comment on column mart.customers.full_name is 'Full name (personal data). Null for whoever may not read mart.customer_contact.';
comment on column mart.customers.email is 'E-mail address (personal data). Null for whoever may not read mart.customer_contact.';
comment on column mart.customers.phone is 'Telephone number (personal data). Null for whoever may not read mart.customer_contact.';
comment on column mart.customers.city is 'City.';
comment on column mart.customers.customer_group is 'Group of customers.';
comment on column mart.customers.home_store_id is 'Home store.';
comment on column mart.customers.registration_date is 'Day of registration.';
comment on column mart.customers.opt_in_email is 'Agrees to e-mail; null = unknown.';
comment on column mart.customers.opt_in_sms is 'Agrees to text messages; null = unknown.';
comment on column mart.customers.opt_in_phone is 'Agrees to calls; null = unknown.';
comment on column mart.customers.responsible_email is 'E-mail of the responsible seller.';
comment on column mart.customers.is_in_master is 'Whether the newest master lists the customer; false = closed.';
comment on column mart.customers.warnings is 'Values of its row in the newest file that could not be read and became unknown; null = none. Whoever may not read mart.customer_contact sees which, not their texts.';
