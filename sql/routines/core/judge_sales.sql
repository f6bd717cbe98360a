-- Reads and judges the rows of one sales file: text becomes typed values, then every reason that applies is a bit.

create or replace procedure core.type_sales(p_file_id bigint)
language plpgsql
as $$
declare
    v_mark text;
    v_formats text[];
    v_compose text[];
    v_has_line_no boolean;
begin
    select f.decimal_mark, f.date_formats, array(select jsonb_array_elements_text(f.contract -> 'transaction_id_from'))
    into v_mark, v_formats, v_compose
    from ops.feed f
    where f.feed = 'sales';

    select exists (select from jsonb_array_elements(f.column_map) as pair where pair.value ->> 1 = 'line_no')
    into v_has_line_no
    from ops.file f
    where f.file_id = p_file_id;

    -- a year has few different day texts: each is read once and the rows join the readings
    create unlogged table raw.date_reading as
    select day.text, core.read_date(day.text, v_formats) as day
    from (
        select distinct core.day_text(core.trimmed(r.transaction_date)) as text
        from raw.sales r
        where r.file_id = p_file_id
    ) as day
    where day.text is not null;
    analyze raw.date_reading;

    create unlogged table raw.sale_line_typed as
    select
        t.row_number,
        t.transaction_id,
        case when core.is_number(t.line_no_text) then t.line_no_text::numeric end as line_no,
        d.day as transaction_date,
        t.customer_id,
        t.product_id,
        t.store_id,
        t.promotion_id,
        case when core.is_number(t.quantity_text) then t.quantity_text::numeric end as quantity,
        case when core.is_number(t.unit_price_text) then t.unit_price_text::numeric end as unit_price,
        case when core.is_number(t.discount_text) then t.discount_text::numeric end as discount_amount,
        t.discount_text is not null as has_discount,
        case t.type_text when 'return' then true when 'sale' then false end as is_return
    from (
        select
            r.row_number,
            case
                when v_compose = '{}' then core.trimmed(r.transaction_id)
                else core.compose(to_jsonb(r), v_compose)
            end as transaction_id,
            core.number_text(core.trimmed(r.line_no), v_mark) as line_no_text,
            core.day_text(core.trimmed(r.transaction_date)) as day_text,
            core.trimmed(r.customer_id) as customer_id,
            core.trimmed(r.product_id) as product_id,
            core.trimmed(r.store_id) as store_id,
            core.trimmed(r.promotion_id) as promotion_id,
            core.number_text(core.trimmed(r.quantity), v_mark) as quantity_text,
            core.number_text(core.trimmed(r.unit_price), v_mark) as unit_price_text,
            core.number_text(core.trimmed(r.discount_amount), v_mark) as discount_text,
            coalesce(lower(core.trimmed(r.transaction_type)), 'sale') as type_text
        from raw.sales r
        where
            r.file_id = p_file_id
            and (
                r.transaction_id <> ''
                or r.customer_id <> ''
                or r.product_id <> ''
                or not raw.is_blank(to_jsonb(r))
            )
    ) as t
    left join raw.date_reading d on d.text = t.day_text;

    if not v_has_line_no then
        create unlogged table raw.sale_line_numbered as
        select
            t.row_number,
            t.transaction_id,
            row_number() over (partition by t.transaction_id order by t.row_number)::numeric as line_no,
            t.transaction_date,
            t.customer_id,
            t.product_id,
            t.store_id,
            t.promotion_id,
            t.quantity,
            t.unit_price,
            t.discount_amount,
            t.has_discount,
            t.is_return
        from raw.sale_line_typed t;
        drop table raw.sale_line_typed;
        alter table raw.sale_line_numbered rename to sale_line_typed;
    end if;
end
$$;
comment on procedure core.type_sales(bigint) is 'Reads the text of one sales file into typed values (raw.sale_line_typed); what cannot be read is null.';

create or replace function core.compose(p_row jsonb, p_columns text[]) returns text
language sql immutable parallel safe
return (
    select case when bool_and(core.trimmed(p_row ->> part.name) is not null)
        then string_agg(core.trimmed(p_row ->> part.name), '|' order by part.position)
    end
    from unnest(p_columns) with ordinality as part (name, position)
);
comment on function core.compose(jsonb, text[]) is 'A receipt id composed of several columns; null where one of them is missing.';

create or replace procedure core.judge_sales(p_file_id bigint)
language plpgsql
as $$
declare
    v_from date;
    v_to date;
    v_received_on date;
    v_stores_known boolean := exists (select from ops.file where feed = 'stores' and status = 'loaded');
    v_promotions_known boolean := exists (select from ops.file where feed = 'promotions' and status = 'loaded');
begin
    select
        coalesce(make_date(f.period_year, 1, 1), '-infinity'),
        coalesce(make_date(f.period_year, 12, 31), 'infinity'),
        f.received_on
    into v_from, v_to, v_received_on
    from ops.file f
    where f.file_id = p_file_id;

    create unlogged table raw.sale_line_judged as
    select
        n.row_number,
        n.transaction_id,
        case when n.line_no = trunc(n.line_no) and abs(n.line_no) < 1e12 then n.line_no::bigint end as line_no,
        n.transaction_date,
        n.customer_id,
        n.product_id,
        n.store_id,
        n.promotion_id,
        n.quantity,
        n.unit_price,
        n.discount_amount,
        n.is_return,
        -- whole cents of many lines must add up in 64 bits
        case when abs(n.net_amount) < 1e15 then
            (case when n.is_return then -100 else 100 end * n.net_amount)::bigint
        end as net_cents,
        case when n.transaction_id is null then 1 else 0 end
        + case when n.customer_id is null then 2 else 0 end
        + case when n.product_id is null then 4 else 0 end
        + case when n.transaction_date is null then 16 else 0 end
        + case when n.transaction_date not between v_from and v_to then 32 else 0 end
        + case when n.transaction_date > v_received_on then 64 else 0 end
        + case
            when n.net_amount is null
                or abs(n.net_amount) >= 1e15
                or n.line_no is null
                or n.line_no <> trunc(n.line_no)
                or abs(n.line_no) >= 1e12 then 128
            else 0
        end
        + case when n.quantity <= 0 and (n.is_return is not true or n.quantity = 0) then 256 else 0 end
        + case when n.unit_price < 0 then 512 else 0 end
        + case when n.unit_price >= 0 and n.net_amount < 0 then 1024 else 0 end
        + case when n.is_return is null then 2048 else 0 end
        + case when n.customer_id is not null and c.customer_id is null then 4096 else 0 end
        + case when n.product_id is not null and p.product_id is null then 8192 else 0 end
        + case when v_stores_known and n.store_id is not null and s.store_id is null then 16384 else 0 end
        + case when v_promotions_known and n.promotion_id is not null and o.promotion_id is null then 32768 else 0 end
        as reason_bits,
        hashtextextended(n.transaction_id, n.line_no::bigint) as key_hash,
        false as is_duplicate
    from (
        select
            t.row_number,
            t.transaction_id,
            case when abs(t.line_no) < 1e12 then t.line_no end as line_no,
            t.transaction_date,
            t.customer_id,
            t.product_id,
            t.store_id,
            t.promotion_id,
            case when abs(t.quantity) < 1e12 then t.quantity end as quantity,
            case when abs(t.unit_price) < 1e12 then t.unit_price end as unit_price,
            t.discount_amount,
            t.is_return,
            case
                when abs(t.quantity) < 1e12
                    and abs(t.unit_price) < 1e12
                    and (not t.has_discount or abs(t.discount_amount) < 1e12)
                then round(abs(t.quantity) * t.unit_price - coalesce(t.discount_amount, 0), 2)
            end as net_amount
        from raw.sale_line_typed t
    ) as n
    left join core.customer_version c
        on c.customer_id = n.customer_id and c.version_to = 'infinity' and c.known_to = 'infinity'
    left join core.product_version p
        on p.product_id = n.product_id and p.version_to = 'infinity' and p.known_to = 'infinity'
    left join core.store_version s
        on s.store_id = n.store_id and s.version_to = 'infinity' and s.known_to = 'infinity'
    left join core.promotion_version o
        on o.promotion_id = n.promotion_id and o.version_to = 'infinity' and o.known_to = 'infinity';
    analyze raw.sale_line_judged (row_number, transaction_id, line_no, reason_bits, is_duplicate);

    -- candidates by a 64-bit hash, then exactly among these few
    update raw.sale_line_judged j
    set is_duplicate = true
    from (
        select
            k.row_number,
            lead(k.row_number) over (partition by k.transaction_id, k.line_no order by k.row_number) as later_row
        from raw.sale_line_judged k
        where
            k.reason_bits = 0
            and k.key_hash in (
                select h.key_hash from raw.sale_line_judged h where h.reason_bits = 0 group by h.key_hash having count(*) > 1
            )
    ) as d
    where j.row_number = d.row_number and d.later_row is not null;
end
$$;
comment on procedure core.judge_sales(bigint) is 'Judges the typed rows of one sales file (raw.sale_line_judged): reasons as bits, net amount in cents, duplicates within the file.';
