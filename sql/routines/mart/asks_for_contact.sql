create or replace function mart.asks_for_contact(p_asked jsonb) returns boolean
language sql immutable parallel safe
return p_asked @? '$.**.search' or p_asked @? '$.** ? (@ == "current_full_name" || @ == "current_email" || @ == "current_phone")';

comment on function mart.asks_for_contact(jsonb) is
    'Whether the conditions of an audience or an export ask for a name, an address or a number, and so hold a part of it: a search, or a column of the contact data.';
