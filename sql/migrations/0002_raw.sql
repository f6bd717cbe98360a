-- Rows as received: all text, one partition per file, dropped after the retention time.

create schema if not exists raw;
comment on schema raw is 'Rows as received, all text, one partition per file; dropped after the retention time.';

create table raw.sales (
    file_id bigint not null,
    row_number bigint not null,
    transaction_id text,
    line_no text,
    transaction_date text,
    customer_id text,
    product_id text,
    store_id text,
    quantity text,
    unit_price text,
    discount_amount text,
    promotion_id text,
    transaction_type text
) partition by list (file_id);
comment on table raw.sales is 'Sale lines as received.';

create table raw.customers (
    file_id bigint not null,
    row_number bigint not null,
    customer_id text,
    full_name text,
    email text,
    phone text,
    city text,
    customer_group text,
    home_store_id text,
    registration_date text,
    opt_in_email text,
    opt_in_sms text,
    opt_in_phone text,
    responsible_email text
) partition by list (file_id);
comment on table raw.customers is 'Customers as received.';

create table raw.products (
    file_id bigint not null,
    row_number bigint not null,
    product_id text,
    product_name text,
    category text,
    family text,
    product_type text,
    unit_cost text
) partition by list (file_id);
comment on table raw.products is 'Products as received.';

create table raw.stores (
    file_id bigint not null,
    row_number bigint not null,
    store_id text,
    store_name text,
    city text,
    region text
) partition by list (file_id);
comment on table raw.stores is 'Stores as received.';

create table raw.promotions (
    file_id bigint not null,
    row_number bigint not null,
    promotion_id text,
    promotion_name text,
    promotion_type text,
    discount_percent text,
    valid_from text,
    valid_to text
) partition by list (file_id);
comment on table raw.promotions is 'Promotions as received.';

do $$
declare
    item record;
begin
    for item in
        select a.attrelid::regclass as relation, a.attname
        from pg_attribute a
        join pg_class c on c.oid = a.attrelid
        where c.relnamespace = 'raw'::regnamespace and c.relkind = 'p' and a.attnum > 0
    loop
        execute format(
            'comment on column %s.%I is %L',
            item.relation,
            item.attname,
            case item.attname
                when 'file_id' then 'File that brought the row.'
                when 'row_number' then 'Order of the record in the file, from 1.'
                else 'The field as received; see the feed''s contract.'
            end
        );
    end loop;
end
$$;

create table raw.line_shift (
    file_id bigint not null,
    from_row_number bigint not null,
    shift bigint not null
);
create index line_shift_file on raw.line_shift (file_id, from_row_number);
comment on table raw.line_shift is 'Physical line = row_number + shift, from this row number on: records over several lines, empty and unreadable lines.';
comment on column raw.line_shift.file_id is 'File.';
comment on column raw.line_shift.from_row_number is 'First row number for which the shift holds.';
comment on column raw.line_shift.shift is 'Lines to add.';

create table raw.unreadable_row (
    file_id bigint not null,
    line_number bigint not null,
    reason text not null check (reason in ('undecodable', 'wrong_column_count')),
    raw_text text not null
);
create index unreadable_row_file on raw.unreadable_row (file_id);
comment on table raw.unreadable_row is 'Records that cannot be read as a row: they are rejected and judged no further.';
comment on column raw.unreadable_row.file_id is 'File.';
comment on column raw.unreadable_row.line_number is 'First physical line, the header being 1.';
comment on column raw.unreadable_row.reason is 'undecodable or wrong_column_count.';
comment on column raw.unreadable_row.raw_text is 'The record as received, undecodable bytes written as \xNN.';
