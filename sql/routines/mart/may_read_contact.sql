create or replace function mart.may_read_contact() returns boolean
language sql stable parallel safe
return has_table_privilege(current_user, 'mart.customer_contact', 'select');

comment on function mart.may_read_contact() is
    'Whether the connected role may read mart.customer_contact: others see null for names, addresses and numbers elsewhere.';
