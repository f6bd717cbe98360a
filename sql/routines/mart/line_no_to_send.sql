create or replace function mart.line_no_to_send(
    p_natural_key text[],
    p_line_number bigint,
    p_reasons text[],
    p_column_map jsonb,
    p_composed_of jsonb
) returns bigint
language sql immutable parallel safe
return case
    when exists (select 1 from jsonb_array_elements(p_column_map) as pair where pair.value ->> 1 = 'line_no') then null
    -- more than a receipt has lines: whatever receipt the corrected row belongs to, it replaces none of these
    when p_natural_key is null
        or exists (
            select 1
            from (
                values
                    ('invalid_date', 'transaction_date'),
                    ('date_outside_period', 'transaction_date'),
                    ('future_date', 'transaction_date'),
                    ('unknown_customer', 'customer_id'),
                    ('unknown_store', 'store_id')
            ) as doubt (reason, column_name)
            where doubt.reason = any (p_reasons) and p_composed_of ? doubt.column_name
        )
    then 1000000000 + p_line_number
    else p_natural_key[2]::bigint
end;

comment on function mart.line_no_to_send(text[], bigint, text[], jsonb, jsonb) is
    'The line number with which a rejected sale line is sent again where its file has no column for it: its order within its receipt there; where the receipt is not known, or composed of what is in doubt, a number that no other line has. Null where the file has the column.';
