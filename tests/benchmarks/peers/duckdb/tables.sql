-- Everything that lasts. Customers carry a number beside their id: joins and groups on integers are quicker.
create macro read_number(x) as case
    when contains(x, 'e') or contains(x, 'E') or contains(x, '_') then null
    else try_cast(x as decimal(18, 6))
end;
create macro read_date(x) as
    coalesce(try_cast(x as date), cast(try_strptime(x, ['%d/%m/%Y', '%d.%m.%Y']) as date));
create macro read_boolean(x) as case
    when lower(x) in ('1', 'true', 'yes', 'y', 't', 'si', 'sí') then true
    when lower(x) in ('0', 'false', 'no', 'n', 'f') then false
end;
create macro reject_reasons(bits) as list_filter([
    case when bits & 1 > 0 then 'missing_transaction_id' end,
    case when bits & 2 > 0 then 'missing_customer_id' end,
    case when bits & 4 > 0 then 'missing_product_id' end,
    case when bits & 16 > 0 then 'invalid_date' end,
    case when bits & 32 > 0 then 'date_outside_period' end,
    case when bits & 64 > 0 then 'future_date' end,
    case when bits & 128 > 0 then 'invalid_number' end,
    case when bits & 256 > 0 then 'non_positive_quantity' end,
    case when bits & 512 > 0 then 'negative_price' end,
    case when bits & 1024 > 0 then 'negative_net_amount' end,
    case when bits & 2048 > 0 then 'invalid_transaction_type' end,
    case when bits & 4096 > 0 then 'unknown_customer' end,
    case when bits & 8192 > 0 then 'unknown_product' end,
    case when bits & 16384 > 0 then 'unknown_store' end,
    case when bits & 32768 > 0 then 'unknown_promotion' end
], lambda reason: reason is not null);

create macro safe_within(x) as regexp_replace(x, '([,;|\t\r\n]["\s]*)([=+@＝＋－＠-])', '\1''\2', 'g');
create macro safe_text(x) as case
    when left(x, 1) in ('=', '+', '-', '@', chr(9), chr(13), chr(10), '＝', '＋', '－', '＠') then concat('''', safe_within(x))
    when contains(x, ';') or contains(x, chr(9)) or contains(x, chr(10)) then safe_within(x)
    else x
end;

create sequence customer_numbers;
create table customer (
    customer_no integer default nextval('customer_numbers'),
    customer_id varchar
);
create table customer_state (
    customer_no integer,
    effective_date date,
    full_name varchar,
    email varchar,
    phone varchar,
    city varchar,
    customer_group varchar,
    home_store_id varchar,
    registration_date date,
    opt_in_email boolean,
    opt_in_sms boolean,
    opt_in_phone boolean,
    responsible_email varchar
);
create table product_state (product_id varchar, effective_date date, product_type varchar);
create table store (store_id varchar);
create table promotion (promotion_id varchar);
create table sale_line (
    transaction_id varchar,
    line_no bigint,
    transaction_date date,
    customer_no integer,
    product_id varchar,
    store_id varchar,
    quantity decimal(18, 6),
    unit_price decimal(18, 6),
    discount_amount decimal(18, 6),
    promotion_id varchar,
    is_return boolean,
    net_cents bigint,
    period_year integer
);
create table sale_line_superseded as select *, null::varchar as superseded_by from sale_line;
create table rejected_record (file_name varchar, line_number bigint, raw_row varchar, reasons varchar[]);
create table source_file (
    file_name varchar,
    received bigint,
    loaded bigint,
    unchanged bigint,
    rejected bigint,
    duplicate bigint,
    superseded bigint
);
create table pending_change (customer_no integer, month date);
create table customer_month (
    month date,
    customer_no integer,
    amount_cents bigint,
    core_cents bigint,
    orders integer,
    core_orders integer,
    items decimal(18, 6),
    first_date date,
    first_core_date date,
    last_core_date date,
    last_purchase_date date
);
create table customer_first_seen (customer_no integer, first_seen date);
create table cut_point (month date, metric varchar, band integer, limit_value bigint);
create table snapshot (
    month date,
    customer_no integer,
    customer_id varchar,
    as_of_date date,
    customer_group varchar,
    city varchar,
    home_store_id varchar,
    opt_in_email boolean,
    opt_in_sms boolean,
    opt_in_phone boolean,
    is_in_master boolean,
    first_core_date date,
    last_core_date date,
    last_purchase_date date,
    recency_days integer,
    frequency integer,
    monetary_cents bigint,
    total_cents bigint,
    month_cents bigint,
    month_core_cents bigint,
    month_orders integer,
    month_items decimal(18, 6),
    tenure_months integer,
    activity_status varchar,
    r_score tinyint,
    f_score tinyint,
    m_score tinyint,
    t_score tinyint,
    rfmt_score varchar,
    rfmt_total integer,
    value_tier varchar,
    tier_rank tinyint,
    segment varchar,
    is_high_spender boolean,
    last_scored_month date,
    last_scored_tier varchar,
    lifecycle_event varchar,
    growth_state varchar,
    abc_class varchar,
    previous_status varchar,
    previous_tier varchar,
    previous_segment varchar
);
