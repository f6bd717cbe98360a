-- Reads and judges the rows of one sales file in one pass: text becomes typed values, then every reason that applies is a bit.

create or replace function core.sales_days(p_file_id bigint, out p_texts text[], out p_days date[])
language plpgsql
-- without statistics on the fresh partition the planner would sort all days
set enable_sort = off
as $$
declare
    v_formats text[] := (select f.date_formats from ops.feed f where f.feed = 'sales');
    -- longer than any day: what a file may hold instead must not fill the arrays
    v_longest_bytes integer := 100;
    v_first_day date := (select min(c.day) from core.calendar c);
    v_year_begins date := (select make_date(f.period_year, 1, 1) from ops.file f where f.file_id = p_file_id);
begin
    -- a year has few different day texts: each is read once and the rows join the readings.
    -- As a table, since "select into" gets no workers
    create temporary table sale_day_received on commit drop as
    select distinct r.transaction_date as text
    from raw.sales r
    where r.file_id = p_file_id;

    select array_agg(day.text), array_agg(day.day)
    into p_texts, p_days
    from (
        select few.text, core.read_date(few.text, v_formats) as day
        from (
            select distinct core.day_text(core.trimmed(received.text)) as text
            from pg_temp.sale_day_received received
        ) as few
        where octet_length(few.text) <= v_longest_bytes
    ) as day
    -- a day before the calendar is a slip of the pen: its month would be published, and every month since. A file of a
    -- year of the calendar does not bring it in: there it is a day outside the file's year
    where day.day >= v_first_day or v_year_begins >= v_first_day;
    drop table pg_temp.sale_day_received;
end
$$;
comment on function core.sales_days(bigint) is 'The different texts of one sales file that can be read as a day, and these days; where the file does not speak for a year of the calendar, days before the calendar count as unreadable.';

create or replace function core.compose(p_row jsonb, p_columns text[], p_days jsonb) returns text
language sql immutable parallel safe
return (
    select case when bool_and(part.text is not null)
        -- escaped, so that what stands between the parts is in none of them
        then string_agg(replace(replace(part.text, '\', '\\'), '|', '\|'), '|' order by part.position)
    end
    from (
        select
            named.position,
            case
                -- a day is the same however it is written, and its time of day is ignored
                when named.name = 'transaction_date'
                    then coalesce(p_days ->> core.day_text(core.trimmed(p_row ->> named.name)), core.trimmed(p_row ->> named.name))
                else core.trimmed(p_row ->> named.name)
            end as text
        from unnest(p_columns) with ordinality as named (name, position)
    ) as part
);
comment on function core.compose(jsonb, text[], jsonb) is 'A receipt id composed of several columns, the day as YYYY-MM-DD by the readings given; null where one of them is missing.';

create or replace function core.type_words(p_meaning text) returns text[]
language sql stable
return array(
    select lower(each.word)
    from ops.feed_column c
    cross join jsonb_array_elements_text(c.words -> p_meaning) with ordinality as each (word, position)
    where c.feed = 'sales' and c.column_name = 'transaction_type'
    order by each.position
);
comment on function core.type_words(text) is 'The words of the sales contract that mean sale or return, in lower case.';

create or replace function core.sales_texts(
    p_file_id bigint,
    p_decimal_mark text,
    p_is_trimmed boolean,
    p_compose text[],
    p_days jsonb,
    p_sale_words text[],
    p_return_words text[],
    p_places tid[]
)
returns table (
    place tid,
    row_number bigint,
    transaction_id text,
    line_no_text text,
    day_text text,
    customer_id text,
    product_id text,
    store_id text,
    promotion_id text,
    quantity_text text,
    unit_price_text text,
    discount_text text,
    is_return boolean
)
language sql stable parallel safe
-- an offset keeps the planner from computing an expression again wherever its result is used; a plain 0 would also keep
-- it from parallel plans, since it is converted too late to be seen as no limit
as $$
    select
        r.ctid,
        r.row_number,
        case
            when p_compose = '{}' then core.trimmed(r.transaction_id, p_is_trimmed)
            else core.compose(to_jsonb(r), p_compose, p_days)
        end,
        core.number_text(core.trimmed(r.line_no, p_is_trimmed), p_decimal_mark),
        core.day_text(core.trimmed(r.transaction_date, p_is_trimmed)),
        core.trimmed(r.customer_id, p_is_trimmed),
        core.trimmed(r.product_id, p_is_trimmed),
        core.trimmed(r.store_id, p_is_trimmed),
        core.trimmed(r.promotion_id, p_is_trimmed),
        core.number_text(core.trimmed(r.quantity, p_is_trimmed), p_decimal_mark),
        core.number_text(core.trimmed(r.unit_price, p_is_trimmed), p_decimal_mark),
        core.number_text(core.trimmed(r.discount_amount, p_is_trimmed), p_decimal_mark),
        case
            -- most have none, or the contract's first word in lower case, and lower() is slow
            when r.transaction_type is null or r.transaction_type = p_sale_words[1] then false
            when r.transaction_type = p_return_words[1] then true
            -- by its place in the one list of both, so that the text is read once
            else array_position(
                p_sale_words || p_return_words,
                coalesce(lower(core.trimmed(r.transaction_type, p_is_trimmed)), p_sale_words[1])
            ) > cardinality(p_sale_words)
        end
    from raw.sales r
    where
        r.file_id = p_file_id
        -- as a query: of an array the planner knows the length, and would rather read all rows
        and (p_places is null or r.ctid = any (array(select place from unnest(p_places) as place)))
        and (
            core.trimmed(r.transaction_id, p_is_trimmed) <> ''
            or core.trimmed(r.customer_id, p_is_trimmed) <> ''
            or core.trimmed(r.product_id, p_is_trimmed) <> ''
            or not raw.is_blank(to_jsonb(r))
        )
    offset bigint '0'
$$;
comment on function core.sales_texts(bigint, text, boolean, text[], jsonb, text[], text[], tid[]) is 'The rows of one sales file that are data, all or those at the places given: each value''s text, trimmed, numbers with a decimal point; a composed receipt id with its day as the readings say; the type by the words given, null where it is none of them.';

create or replace procedure core.judge_sales(p_file_id bigint, p_places tid[], p_texts text[], p_days date[])
language plpgsql
as $$
declare
    v_mark text;
    v_compose text[];
    v_sale_words text[] := core.type_words('sale');
    v_return_words text[] := core.type_words('return');
    v_day_of_text jsonb;
    v_has_line_no boolean;
    v_is_trimmed boolean;
    v_from date;
    v_to date;
    v_received_on date;
    v_small_bytes bigint := 1024 * 1024;
    v_stores_known boolean := exists (select from ops.file where feed = 'stores' and status = 'loaded');
    v_promotions_known boolean := exists (select from ops.file where feed = 'promotions' and status = 'loaded');
begin
    select f.decimal_mark, array(select jsonb_array_elements_text(f.contract -> 'transaction_id_from'))
    into v_mark, v_compose
    from ops.feed f
    where f.feed = 'sales';
    if 'transaction_date' = any (v_compose) then
        select jsonb_object_agg(d.text, d.day) into v_day_of_text from unnest(p_texts, p_days) as d (text, day);
    end if;

    select
        exists (select from jsonb_array_elements(f.column_map) as pair where pair.value ->> 1 = 'line_no'),
        f.is_trimmed,
        coalesce(make_date(f.period_year, 1, 1), '-infinity'),
        coalesce(make_date(f.period_year, 12, 31), 'infinity'),
        f.received_on
    into v_has_line_no, v_is_trimmed, v_from, v_to, v_received_on
    from ops.file f
    where f.file_id = p_file_id;

    -- without statistics on the fresh partition the planner would look up the masters line by line
    perform set_config(
        'enable_nestloop',
        case when pg_relation_size(format('raw.sales_%s', p_file_id)) > v_small_bytes then 'off' else 'on' end,
        true
    );
    -- offsets: see core.sales_texts
    create temporary table sale_line_judged on commit drop as
    with received as not materialized (
        select t.*
        from core.sales_texts(
            p_file_id, v_mark, v_is_trimmed, v_compose, v_day_of_text, v_sale_words, v_return_words, p_places
        ) as t
    ),
    typed as (
        select
            t.place,
            t.row_number,
            t.transaction_id,
            case
                when not v_has_line_no then numbered.line_no::numeric
                when core.is_number(t.line_no_text) then t.line_no_text::numeric
            end as line_no,
            t.day_text,
            t.customer_id,
            t.product_id,
            t.store_id,
            t.promotion_id,
            case when core.is_number(t.quantity_text) then t.quantity_text::numeric end as quantity,
            case when core.is_number(t.unit_price_text) then t.unit_price_text::numeric end as unit_price,
            case when core.is_number(t.discount_text) then t.discount_text::numeric end as discount_amount,
            t.discount_text is not null as has_discount,
            t.is_return
        from received t
        -- not a window over all: that would keep a file with line numbers from being judged in parallel
        left join (
            select k.row_number, row_number() over (partition by k.transaction_id order by k.row_number) as line_no
            from received k
        ) as numbered on not v_has_line_no and numbered.row_number = t.row_number
        offset bigint '0'
    ),
    priced as (
        select
            t.place,
            t.row_number,
            t.transaction_id,
            case when t.line_no = trunc(t.line_no) and abs(t.line_no) < 1e12 then t.line_no::bigint end as line_no,
            t.day_text,
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
        from typed t
        offset bigint '0'
    )
    select
        n.place,
        n.row_number,
        n.transaction_id,
        n.line_no,
        d.day as transaction_date,
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
        + case when d.day is null then 16 else 0 end
        + case when d.day not between v_from and v_to then 32 else 0 end
        + case when d.day > v_received_on then 64 else 0 end
        + case when n.net_amount is null or abs(n.net_amount) >= 1e15 or n.line_no is null then 128 else 0 end
        + case when n.quantity <= 0 and (n.is_return is not true or n.quantity = 0) then 256 else 0 end
        + case when n.unit_price < 0 then 512 else 0 end
        + case when n.unit_price >= 0 and n.net_amount < 0 then 1024 else 0 end
        + case when n.is_return is null then 2048 else 0 end
        + case when n.customer_id is not null and c.customer_id is null then 4096 else 0 end
        + case when n.product_id is not null and p.product_id is null then 8192 else 0 end
        + case when v_stores_known and n.store_id is not null and s.store_id is null then 16384 else 0 end
        + case when v_promotions_known and n.promotion_id is not null and o.promotion_id is null then 32768 else 0 end
        as reason_bits,
        false as is_duplicate
    from priced n
    left join unnest(p_texts, p_days) as d (text, day) on d.text = n.day_text
    left join core.customer_version c
        on c.customer_id = n.customer_id and c.version_to = 'infinity' and c.known_to = 'infinity'
    left join core.product_version p
        on p.product_id = n.product_id and p.version_to = 'infinity' and p.known_to = 'infinity'
    left join core.store_version s
        on s.store_id = n.store_id and s.version_to = 'infinity' and s.known_to = 'infinity'
    left join core.promotion_version o
        on o.promotion_id = n.promotion_id and o.version_to = 'infinity' and o.known_to = 'infinity';
    perform set_config('enable_nestloop', 'on', true);
    analyze pg_temp.sale_line_judged (row_number, transaction_id, line_no, reason_bits, is_duplicate);

    call core.mark_duplicates();
end
$$;
comment on procedure core.judge_sales(bigint, tid[], text[], date[]) is 'Reads and judges the rows of one sales file, all or those at the places given (temporary table sale_line_judged): typed values, null where they cannot be read, reasons as bits, net amount in cents, duplicates within the file.';

create or replace procedure core.mark_duplicates()
language plpgsql
-- sorting key hashes takes two thirds of the time of a hash table of them
set enable_hashagg = off
as $$
begin
    -- candidates by a 64-bit hash, then exactly among these few
    create temporary table key_hash_repeated on commit drop as
    select hashtextextended(j.transaction_id, j.line_no) as key_hash
    from pg_temp.sale_line_judged j
    where j.reason_bits = 0
    group by hashtextextended(j.transaction_id, j.line_no)
    having count(*) > 1;
    analyze pg_temp.key_hash_repeated;

    update pg_temp.sale_line_judged j
    set is_duplicate = true
    where j.ctid = any (array(
        select d.place
        from (
            select
                k.ctid as place,
                lead(k.row_number) over (partition by k.transaction_id, k.line_no order by k.row_number) as later_row
            from pg_temp.sale_line_judged k
            join pg_temp.key_hash_repeated h on h.key_hash = hashtextextended(k.transaction_id, k.line_no)
            where k.reason_bits = 0
        ) as d
        where d.later_row is not null
    ));
    drop table pg_temp.key_hash_repeated;
end
$$;
comment on procedure core.mark_duplicates() is 'Marks the acceptable rows of a judged sales file whose key comes again further down.';
