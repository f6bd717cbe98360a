-- Rejected lines whose master has arrived since are accepted by themselves, on the file that brought them.

create or replace function core.replay_sales(p_master_file_id bigint, p_known_at timestamptz) returns bigint
language plpgsql
as $$
declare
    v_stores_known boolean := exists (select from ops.file where feed = 'stores' and status = 'loaded');
    v_promotions_known boolean := exists (select from ops.file where feed = 'promotions' and status = 'loaded');
    v_year integer;
    v_replayed bigint;
begin
    if not exists (select from core.sale_line_waiting) then
        return 0;
    end if;

    create temporary table sale_line_replay on commit drop as
    select
        w.*,
        w.is_followed
            or lead(w.row_number) over (partition by w.file_id, w.transaction_id, w.line_no order by w.row_number) is not null
        as is_duplicate,
        false as is_unchanged
    from core.sale_line_waiting w
    join core.customer_version c
        on c.customer_id = w.customer_id and c.version_to = 'infinity' and c.known_to = 'infinity'
    join core.product_version p
        on p.product_id = w.product_id and p.version_to = 'infinity' and p.known_to = 'infinity'
    left join core.store_version s
        on s.store_id = w.store_id and s.version_to = 'infinity' and s.known_to = 'infinity'
    left join core.promotion_version o
        on o.promotion_id = w.promotion_id and o.version_to = 'infinity' and o.known_to = 'infinity'
    where
        (w.store_id is null or s.store_id is not null or not v_stores_known)
        and (w.promotion_id is null or o.promotion_id is not null or not v_promotions_known);
    analyze pg_temp.sale_line_replay;

    select count(*) into v_replayed from pg_temp.sale_line_replay;
    if v_replayed > 0 then
        -- the same procedures apply a file's rows: these tables are what they read
        create temporary table sale_line_change on commit drop as
        select
            r.row_number,
            c.transaction_id,
            c.line_no,
            c.customer_id,
            c.transaction_date,
            case
                when c.customer_id <> r.customer_id
                    or c.transaction_date <> r.transaction_date
                    or c.product_id <> r.product_id
                    or c.quantity <> r.quantity
                    or c.unit_price <> r.unit_price
                    or c.is_return <> r.is_return
                    or c.store_id is distinct from r.store_id
                    or c.promotion_id is distinct from r.promotion_id
                    or c.discount_amount is distinct from r.discount_amount
                then 'replaced'
                else 'reowned'
            end as kind,
            r.file_id,
            r.source_part
        from pg_temp.sale_line_replay r
        join core.sale_line c on c.transaction_id = r.transaction_id and c.line_no = r.line_no
        where not r.is_duplicate;
        update pg_temp.sale_line_replay r
        set is_unchanged = true
        from pg_temp.sale_line_change x
        where x.kind = 'reowned' and x.file_id = r.file_id and x.row_number = r.row_number;
        create temporary table sale_line_judged on commit drop as
        select
            r.row_number, r.customer_id, r.transaction_id, r.line_no, r.transaction_date, 0 as reason_bits,
            r.is_duplicate or r.is_unchanged as is_duplicate
        from pg_temp.sale_line_replay r;
        call core.expect_every_row();

        call core.note_changed_sales(p_master_file_id, p_known_at);
        call core.supersede_sales(p_master_file_id, p_known_at);

        -- a delta leaves a line to the yearly file that brought it
        update core.sale_line c
        set source_part = x.source_part
        from pg_temp.sale_line_change x
        where
            x.kind = 'reowned'
            and x.source_part <> -1
            and c.customer_id = x.customer_id
            and c.transaction_id = x.transaction_id
            and c.line_no = x.line_no
            and c.source_part <> x.source_part;

        for v_year in
            select distinct (extract(year from r.transaction_date))::integer from pg_temp.sale_line_replay r
        loop
            call core.ensure_year_partition(v_year);
            call core.ensure_year_index(v_year, v_replayed);
        end loop;

        insert into core.sale_line (
            customer_id, transaction_id, line_no, transaction_date, product_id, store_id, promotion_id, quantity,
            unit_price, discount_amount, is_return, net_cents, file_id, source_part, known_from
        )
        select
            r.customer_id, r.transaction_id, r.line_no, r.transaction_date, r.product_id, r.store_id, r.promotion_id,
            r.quantity, r.unit_price, r.discount_amount, r.is_return, r.net_cents, r.file_id, r.source_part, p_known_at
        from pg_temp.sale_line_replay r
        where not r.is_duplicate and not r.is_unchanged;

        insert into core.sale_key_range as k (
            period_year, lowest_transaction_id, highest_transaction_id, first_date, last_date
        )
        select
            y.period_year,
            min(y.transaction_id),
            max(y.transaction_id),
            make_date(y.period_year, 1, 1),
            make_date(y.period_year, 12, 31)
        from (
            select (extract(year from r.transaction_date))::integer as period_year, r.transaction_id
            from pg_temp.sale_line_replay r
        ) as y
        group by y.period_year
        on conflict (period_year) do update set
            lowest_transaction_id = least(k.lowest_transaction_id, excluded.lowest_transaction_id),
            highest_transaction_id = greatest(k.highest_transaction_id, excluded.highest_transaction_id);

        -- a delta touches the years of its replayed lines now
        insert into ops.file_year as y (file_id, period_year, touched_at)
        select touched.file_id, (extract(year from touched.transaction_date))::integer, p_known_at
        from (
            select r.file_id, r.transaction_date
            from pg_temp.sale_line_replay r
            where r.source_part = -1 and not r.is_duplicate
            union
            select x.file_id, x.transaction_date
            from pg_temp.sale_line_change x
            where x.file_id in (select r.file_id from pg_temp.sale_line_replay r where r.source_part = -1)
        ) as touched
        group by touched.file_id, (extract(year from touched.transaction_date))::integer
        on conflict (file_id, period_year) do update set touched_at = excluded.touched_at;

        update ops.file f
        set
            rows_rejected = f.rows_rejected - moved.lines,
            rows_loaded = f.rows_loaded + moved.lines - moved.duplicates - moved.unchanged,
            rows_duplicate = f.rows_duplicate + moved.duplicates,
            rows_unchanged = f.rows_unchanged + moved.unchanged,
            amount_rejected = f.amount_rejected - moved.amount * 0.01,
            amount_loaded = f.amount_loaded + (moved.amount - moved.amount_duplicate - moved.amount_unchanged) * 0.01,
            amount_unchanged = f.amount_unchanged + moved.amount_unchanged * 0.01,
            amount_duplicate = f.amount_duplicate + moved.amount_duplicate * 0.01
        from (
            select
                r.file_id,
                count(*) as lines,
                count(*) filter (where r.is_duplicate) as duplicates,
                sum(r.net_cents) as amount,
                count(*) filter (where r.is_unchanged) as unchanged,
                coalesce(sum(r.net_cents) filter (where r.is_duplicate), 0) as amount_duplicate,
                coalesce(sum(r.net_cents) filter (where r.is_unchanged), 0) as amount_unchanged
            from pg_temp.sale_line_replay r
            group by r.file_id
        ) as moved
        where f.file_id = moved.file_id;

        update ops.file f
        set rows_superseded = f.rows_superseded + moved.lines
        from (
            select x.file_id, count(*) as lines
            from pg_temp.sale_line_change x
            where x.kind = 'replaced'
            group by x.file_id
        ) as moved
        where f.file_id = moved.file_id;

        update ops.rejected_record x
        set
            resolved_by = p_master_file_id,
            resolution = case when r.is_duplicate then 'duplicate' else 'replayed' end
        from pg_temp.sale_line_replay r
        where x.file_id = r.file_id and x.rejected_record_id = r.rejected_record_id;

        delete from core.sale_line_waiting w
        using pg_temp.sale_line_replay r
        where w.rejected_record_id = r.rejected_record_id;

        -- what still waits further up would be a duplicate of these rows
        update core.sale_line_waiting w
        set is_followed = true
        from pg_temp.sale_line_replay r
        where
            w.file_id = r.file_id
            and w.transaction_id = r.transaction_id
            and w.line_no = r.line_no
            and w.row_number < r.row_number
            and not w.is_followed;

        drop view pg_temp.sale_line_arriving;
        drop table pg_temp.sale_line_change, pg_temp.sale_line_judged;
    end if;
    drop table pg_temp.sale_line_replay;
    return v_replayed;
end
$$;
comment on function core.replay_sales(bigint, timestamptz) is 'Accepts waiting lines whose masters are all known now, those that say what the current line says as unchanged; gives their number.';
