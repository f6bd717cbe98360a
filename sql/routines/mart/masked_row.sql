create or replace function mart.masked_row(p_raw_row jsonb, p_feed text, p_reasons text[], p_column_map jsonb) returns jsonb
language sql immutable parallel safe
return case
    when p_feed is not distinct from 'customers' or p_reasons && array['undecodable', 'wrong_column_count'] then null
    else p_raw_row - array(
        select pair.value ->> 0
        from jsonb_array_elements(p_column_map) as pair
        where pair.value ->> 1 like 'extra\_%'
    )
end;

comment on function mart.masked_row(jsonb, text, text[], jsonb) is
    'A row as received without what may be personal data: nothing of the customers feed or of an unreadable row, else the columns that the feed''s contract knows.';
