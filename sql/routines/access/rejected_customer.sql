create or replace function access.rejected_customer(p_raw_row jsonb, p_column_map jsonb) returns text
language sql immutable parallel safe
begin atomic
    select core.trimmed(p_raw_row ->> (pair.value ->> 0))
    from jsonb_array_elements(p_column_map) as pair
    where pair.value ->> 1 = 'customer_id';
end;

comment on function access.rejected_customer(jsonb, jsonb) is
    'The customer that a row as received speaks of, by the header names of its file; null where it cannot be told.';
