-- It reads as the owner, so that policies of the tables below may ask it; readers cannot name it. As a view, and not as a
-- function, it becomes part of each statement: its index is read where the rows are needed, and not copied before.
create or replace view access.visible_customer as
select v.customer_id
from core.customer_version v
where
    access.asked_customer() is null
    and lower(v.responsible_email) = any (array(select access.visible_emails()))
    and octet_length(v.responsible_email) <= 254
    and v.version_to = 'infinity'
    and v.known_to = 'infinity'
union all
select v.customer_id
from core.customer_version v
where
    v.customer_id = access.asked_customer()
    and lower(v.responsible_email) = any (array(select access.visible_emails()))
    and octet_length(v.responsible_email) <= 254
    and v.version_to = 'infinity'
    and v.known_to = 'infinity';

comment on view access.visible_customer is 'Customers of the current user by the responsible_email of the current master.';
comment on column access.visible_customer.customer_id is 'Customer.';
