create or replace function access.asked_customer() returns text
language sql stable parallel safe
return nullif(current_setting('warehouse.customer', true), '');

comment on function access.asked_customer() is
    'The one customer whom a transaction asks for (setting warehouse.customer), or null: it narrows what a user sees, so that one customer is not looked up among all of theirs.';
