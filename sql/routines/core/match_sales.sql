-- A year's file comes again every month, and nearly all of its rows say what the current lines say. They are found by
-- their texts: where each text is the one that the line's value is written as, it would be read as that value. Such a row
-- is unchanged; it is neither judged nor written down.

create or replace function core.can_match_sales(p_file_id bigint) returns boolean
language sql stable
return exists (
    select
    from ops.file f
    join ops.feed d on d.feed = 'sales'
    where
        f.file_id = p_file_id
        and coalesce(jsonb_array_length(d.contract -> 'transaction_id_from'), 0) = 0
        and exists (select from jsonb_array_elements(f.column_map) as pair where pair.value ->> 1 = 'line_no')
        -- not the lines themselves: to look at them would keep the file before from adding its partition
        and exists (select from core.sale_key_range k where k.period_year = f.period_year)
);
comment on function core.can_match_sales(bigint) is 'Whether the rows of a sales file can be matched by their texts: it speaks for a year that has current lines, and its rows name their keys.';

create or replace procedure core.judge_differing_sales(p_file_id bigint)
language plpgsql
as $$
declare
    -- above this share one pass over all rows is quicker
    v_most_share numeric := 0.3;
    v_received bigint;
    v_places tid[];
    v_written_otherwise bigint;
    v_matched bigint;
    v_texts text[];
    v_days date[];
begin
    select d.p_texts, d.p_days into v_texts, v_days from core.sales_days(p_file_id) as d;
    if core.can_match_sales(p_file_id) then
        call core.find_differing_sales(p_file_id, v_texts, v_days, v_received);
        select coalesce(array_agg(d.place), '{}')
        into v_places
        from pg_temp.sale_line_differing d
        where d.place is not null;
        if cardinality(v_places) <= v_most_share * v_received then
            call core.judge_sales(p_file_id, v_places, v_texts, v_days);
            -- a line number such as 01 can be that of a row that was matched: then all are judged
            select count(*)
            into v_written_otherwise
            from pg_temp.sale_line_differing d
            join pg_temp.sale_line_judged j on j.place = d.place
            where j.line_no::text <> d.line_no_text;
            if v_written_otherwise = 0 then
                call core.count_matched_sales(p_file_id);
                select m.lines into v_matched from pg_temp.sale_line_matched m;
                if v_matched <> v_received - cardinality(v_places) then
                    raise exception 'file %: % rows match % current lines; nothing was accepted, please report this',
                        p_file_id, v_received - cardinality(v_places), v_matched;
                end if;
                call core.compare_with_differing_sales(p_file_id);
                return;
            end if;
            drop table pg_temp.sale_line_judged;
        end if;
        drop table pg_temp.sale_line_differing;
    end if;
    call core.judge_sales(p_file_id, null, v_texts, v_days);
    call core.compare_with_all_sales();
end
$$;
comment on procedure core.judge_differing_sales(bigint) is 'Judges the rows of a sales file that do not say what the current lines say; where most differ, all of them.';

create or replace function core.repeated_keys(
    p_file_id bigint,
    p_decimal_mark text,
    p_is_trimmed boolean,
    out p_received bigint,
    out p_repeated bigint[]
)
language plpgsql
-- to sort key hashes takes half the time of a hash table of them
set enable_hashagg = off
as $$
begin
    -- as a table, since "select into" gets no workers
    create temporary table sale_key_count on commit drop as
    select
        coalesce(sum(k.rows), 0)::bigint as received,
        coalesce(array_agg(k.key_hash) filter (where k.rows > 1 and k.key_hash is not null), '{}') as repeated
    from (
        -- of 64 bits: a row too many is only judged
        select hashtextextended(r.transaction_id, hashtext(r.line_no_text)) as key_hash, count(*) as rows
        from core.sales_texts(p_file_id, p_decimal_mark, p_is_trimmed, '{}', null, null, null, null) as r
        group by hashtextextended(r.transaction_id, hashtext(r.line_no_text))
    ) as k;
    select c.received, c.repeated into p_received, p_repeated from pg_temp.sale_key_count c;
    drop table pg_temp.sale_key_count;
end
$$;
comment on function core.repeated_keys(bigint, text, boolean) is 'How many rows a sales file has, and the hashes of the keys that more than one of them brings.';

create or replace procedure core.find_differing_sales(p_file_id bigint, p_texts text[], p_days date[], out p_received bigint)
language plpgsql
as $$
declare
    v_mark text := (select f.decimal_mark from ops.feed f where f.feed = 'sales');
    v_sale_words text[] := core.type_words('sale');
    v_return_words text[] := core.type_words('return');
    v_is_trimmed boolean;
    v_part smallint := core.source_part(p_file_id);
    v_from date;
    v_to date;
    v_last_day date;
    v_repeated bigint[];
    v_stores_known boolean := exists (select from ops.file where feed = 'stores' and status = 'loaded');
    v_promotions_known boolean := exists (select from ops.file where feed = 'promotions' and status = 'loaded');
begin
    select
        f.is_trimmed,
        make_date(f.period_year, 1, 1),
        make_date(f.period_year, 12, 31),
        f.received_on
    into v_is_trimmed, v_from, v_to, v_last_day
    from ops.file f
    where f.file_id = p_file_id;
    perform set_config('enable_nestloop', 'off', true);
    perform set_config('enable_mergejoin', 'off', true);

    select k.p_received, k.p_repeated into p_received, v_repeated
    from core.repeated_keys(p_file_id, v_mark, v_is_trimmed) as k;

    create temporary table sale_line_differing on commit drop as
    select
        r.place,
        r.line_no_text,
        c.customer_id,
        c.transaction_id,
        c.line_no,
        c.transaction_date,
        c.product_id,
        c.store_id,
        c.promotion_id,
        c.quantity,
        c.unit_price,
        c.discount_amount,
        c.is_return,
        c.net_cents,
        c.source_part
    from (select * from core.sale_line s where s.transaction_date between v_from and v_to) as c
    full join (
        select t.*, d.day
        from core.sales_texts(p_file_id, v_mark, v_is_trimmed, '{}', null, v_sale_words, v_return_words, null) as t
        left join unnest(p_texts, p_days) as d (text, day) on d.text = t.day_text
    ) as r on r.transaction_id = c.transaction_id and r.line_no_text = c.line_no::text
    left join core.store_version s
        on v_stores_known and s.store_id = c.store_id and s.version_to = 'infinity' and s.known_to = 'infinity'
    left join core.promotion_version o
        on v_promotions_known and o.promotion_id = c.promotion_id and o.version_to = 'infinity' and o.known_to = 'infinity'
    where (
        r.customer_id = c.customer_id
        and r.product_id = c.product_id
        and r.day = c.transaction_date
        and r.quantity_text = c.quantity::text
        and r.unit_price_text = c.unit_price::text
        and r.discount_text is not distinct from c.discount_amount::text
        and r.store_id is not distinct from c.store_id
        and r.promotion_id is not distinct from c.promotion_id
        -- by what the word means today
        and r.is_return = c.is_return
        and c.source_part = v_part
        -- what else could be a reason to reject the row today
        and c.transaction_date <= v_last_day
        and (not v_stores_known or c.store_id is null or s.store_id is not null)
        and (not v_promotions_known or c.promotion_id is null or o.promotion_id is not null)
        and hashtextextended(r.transaction_id, hashtext(r.line_no_text)) <> all (v_repeated)
    ) is not true;
    perform set_config('enable_nestloop', 'on', true);
    perform set_config('enable_mergejoin', 'on', true);
    analyze pg_temp.sale_line_differing (place, transaction_id, line_no);
end
$$;
comment on procedure core.find_differing_sales(bigint, text[], date[]) is 'Which rows of a yearly sales file do not say what a current line says, and which current lines no row says (temporary table sale_line_differing); gives how many rows it has.';

create or replace procedure core.count_matched_sales(p_file_id bigint)
language plpgsql
as $$
declare
    v_year integer := (select f.period_year from ops.file f where f.file_id = p_file_id);
begin
    create temporary table sale_line_matched on commit drop as
    select
        standing.lines - differing.lines as lines,
        standing.cents - differing.cents as cents,
        0::bigint as duplicates,
        0::bigint as duplicate_cents
    from
        (
            select count(*) as lines, coalesce(sum(s.net_cents), 0)::bigint as cents
            from core.sale_line s
            where s.transaction_date between make_date(v_year, 1, 1) and make_date(v_year, 12, 31)
        ) as standing,
        (
            select count(*) as lines, coalesce(sum(u.net_cents), 0)::bigint as cents
            from (
                select distinct d.transaction_id, d.line_no, d.net_cents
                from pg_temp.sale_line_differing d
                where d.transaction_id is not null
            ) as u
        ) as differing;
end
$$;
comment on procedure core.count_matched_sales(bigint) is 'Counts the current lines of the year that do not differ from the file''s rows, and sums their money (temporary table sale_line_matched).';

create or replace procedure core.compare_with_differing_sales(p_file_id bigint)
language plpgsql
as $$
declare
    v_year integer := (select f.period_year from ops.file f where f.file_id = p_file_id);
    v_columns text := 'customer_id, transaction_id, line_no, transaction_date, product_id, store_id, promotion_id, quantity,
        unit_price, discount_amount, is_return, net_cents, source_part';
begin
    execute format(
        'create temporary view sale_line_compared as
        select distinct %1$s from pg_temp.sale_line_differing where transaction_id is not null
        union all
        select %1$s from core.sale_line where transaction_date not between %2$L and %3$L',
        v_columns, make_date(v_year, 1, 1), make_date(v_year, 12, 31)
    );
end
$$;
comment on procedure core.compare_with_differing_sales(bigint) is 'What the judged rows are compared with: the current lines that no row says, and those of other years (view sale_line_compared).';

create or replace procedure core.close_matched_rejects(p_file_id bigint)
language plpgsql
as $$
declare
    v_year integer := (select f.period_year from ops.file f where f.file_id = p_file_id);
begin
    update ops.rejected_record x
    set resolved_by = p_file_id, resolution = 'brought_again'
    from core.sale_line c, core.sale_key_range k
    where
        x.resolved_by is null
        and x.file_id <> p_file_id
        and k.period_year = v_year
        and x.natural_key[1] between k.lowest_transaction_id and k.highest_transaction_id
        and x.natural_key[1] = c.transaction_id
        and x.natural_key[2] = c.line_no::text
        and c.transaction_date between make_date(v_year, 1, 1) and make_date(v_year, 12, 31)
        and not exists (
            select
            from pg_temp.sale_line_differing d
            where d.transaction_id = c.transaction_id and d.line_no = c.line_no
        );
end
$$;
comment on procedure core.close_matched_rejects(bigint) is 'Closes the open rejects of other files whose key a matched row brings again.';

create or replace procedure core.compare_with_all_sales()
language plpgsql
as $$
begin
    create temporary view sale_line_compared as select * from core.sale_line;
    create temporary table sale_line_matched on commit drop as
    select 0::bigint as lines, 0::bigint as cents, 0::bigint as duplicates, 0::bigint as duplicate_cents;
end
$$;
comment on procedure core.compare_with_all_sales() is 'All rows are judged and compared with the current lines (view sale_line_compared); none is matched by its texts (temporary table sale_line_matched).';
