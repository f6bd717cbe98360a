create or replace view mart.customer_contact as
select
    customer_id,
    full_name,
    email,
    phone
from core.customer_version
where version_to = 'infinity' and known_to = 'infinity';

comment on view mart.customer_contact is 'Names, e-mail addresses and telephone numbers of customers: personal data, for the role contact_reader alone. Use it only for those whose opt-in is true.';
comment on column mart.customer_contact.customer_id is 'Customer, as the files give it.';
comment on column mart.customer_contact.full_name is 'Full name (personal data).';
comment on column mart.customer_contact.email is 'E-mail address (personal data).';
comment on column mart.customer_contact.phone is 'Telephone number (personal data).';
