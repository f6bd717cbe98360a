-- Rows as the file gave them, for people who correct them.

create or replace function raw.row_as_received(p_row jsonb, p_column_map jsonb) returns jsonb
language sql immutable parallel safe
return (
    select jsonb_object_agg(pair.value ->> 0, coalesce(p_row ->> (pair.value ->> 1), ''))
    from jsonb_array_elements(p_column_map) as pair
);
comment on function raw.row_as_received(jsonb, jsonb) is 'A raw row by the header names of its file.';

create or replace function raw.is_blank(p_row jsonb) returns boolean
language sql immutable parallel safe
return not exists (
    select 1
    from jsonb_each_text(p_row) as field
    where field.key not in ('file_id', 'row_number') and core.trimmed(field.value) is not null
);
comment on function raw.is_blank(jsonb) is 'Whether every field of a raw row is empty: such a row is not data.';

create or replace function raw.line_number(p_file_id bigint, p_row_number bigint) returns bigint
language sql stable parallel safe
return p_row_number + coalesce(
    (
        select s.shift
        from raw.line_shift s
        where s.file_id = p_file_id and s.from_row_number <= p_row_number
        order by s.from_row_number desc
        limit 1
    ),
    1
);
comment on function raw.line_number(bigint, bigint) is 'First physical line of a record in its file, the header being 1.';
