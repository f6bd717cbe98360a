-- What models read: raw text, masters, accepted lines and rejects.
create table raw_customers (
    file_date date default current_setting('load.file_date')::date, row_number bigint generated always as identity,
    customer_id text, full_name text, email text, phone text, city text, customer_group text, home_store_id text,
    registration_date text, opt_in_email text, opt_in_sms text, opt_in_phone text, responsible_email text
);
create table raw_products (
    file_date date default current_setting('load.file_date')::date, row_number bigint generated always as identity,
    product_id text, product_name text, category text, family text, product_type text, unit_cost text
);
create table raw_stores (
    file_date date default current_setting('load.file_date')::date, row_number bigint generated always as identity,
    store_id text, store_name text, city text, region text
);
create table raw_promotions (
    file_date date default current_setting('load.file_date')::date, row_number bigint generated always as identity,
    promotion_id text, promotion_name text, promotion_type text, discount_percent text, valid_from text, valid_to text
);
create table sale_line (
    transaction_id text,
    line_no bigint,
    transaction_date date,
    customer_id text,
    product_id text,
    store_id text,
    quantity numeric,
    unit_price numeric,
    discount_amount numeric,
    promotion_id text,
    is_return boolean,
    net_amount numeric
);
create table rejected_record (file_name text, line_number bigint, raw_row text, reasons text[]);
create table source_file (
    file_name text,
    received bigint,
    loaded bigint,
    unchanged bigint,
    rejected bigint,
    duplicate bigint,
    superseded bigint
);

create function read_number(p_text text) returns numeric language sql immutable parallel safe
return case
    when p_text ~ '^[+-]?([0-9]{1,12}\.?[0-9]*|\.[0-9]+)$' then p_text::numeric
end;

create function read_date(p_text text) returns date language sql stable parallel safe
return case
    when p_text ~ '^\d{4}-\d{1,2}-\d{1,2}$' and pg_input_is_valid(p_text, 'date') then p_text::date
    when p_text ~ '^\d{1,2}[/.]\d{1,2}[/.]\d{4}$'
        and pg_input_is_valid(regexp_replace(p_text, '^(\d+)[/.](\d+)[/.](\d+)$', '\3-\2-\1'), 'date')
        then regexp_replace(p_text, '^(\d+)[/.](\d+)[/.](\d+)$', '\3-\2-\1')::date
end;

create function read_boolean(p_text text) returns boolean language sql immutable parallel safe
return case
    when lower(p_text) in ('1', 'true', 'yes', 'y', 't', 'si', 'sí') then true
    when lower(p_text) in ('0', 'false', 'no', 'n', 'f') then false
end;

-- a line of a CSV file in its cells; quotes are rare
create function split_cells(p_line text) returns text[] language sql immutable parallel safe
return case
    when strpos(p_line, '"') = 0 then string_to_array(p_line, ',')
    else array(
        select trim(both '"' from cell[1])
        from regexp_matches(p_line, '("[^"]*"|[^,]*)(?:,|$)', 'g') with ordinality as found (cell, position)
        where position <= length(regexp_replace(p_line, '"[^"]*"|[^,]', '', 'g')) + 1
    )
end;
