-- Keeps what a sales file brought and could not be accepted, with all reasons and the row as received.

create or replace procedure core.reject_sales(p_file_id bigint, p_known_at timestamptz)
language plpgsql
as $$
declare
    v_names text[];
    v_values text;
    v_part smallint := core.source_part(p_file_id);
begin
    select
        array_agg(pair.value ->> 0 order by pair.position),
        string_agg(format('coalesce(r.%I, '''')', pair.value ->> 1), ', ' order by pair.position)
    into v_names, v_values
    from ops.file f
    cross join jsonb_array_elements(f.column_map) with ordinality as pair (value, position)
    where f.file_id = p_file_id;

    insert into ops.rejected_record (file_id, line_number, raw_row, reasons, rejected_at)
    select u.file_id, u.line_number, jsonb_build_object('row', u.raw_text), array[u.reason], p_known_at
    from raw.unreadable_row u
    where u.file_id = p_file_id
    order by u.line_number;

    create temporary table sale_line_rejected on commit drop as
    select nextval('ops.rejected_record_rejected_record_id_seq') as rejected_record_id, j.*
    from (select k.* from pg_temp.sale_line_judged k where k.reason_bits <> 0 order by k.row_number) as j;
    analyze pg_temp.sale_line_rejected (row_number, reason_bits);

    -- the planner takes the rows at their places for one
    perform set_config('enable_nestloop', 'off', true);
    execute format(
        'insert into ops.rejected_record (
            rejected_record_id, file_id, line_number, raw_row, reasons, amount, natural_key, customer_id, transaction_date,
            rejected_at
        )
        overriding system value
        select
            j.rejected_record_id,
            $1,
            numbered.line_number,
            jsonb_object($2, array[%s]),
            reason.names,
            j.net_cents * 0.01,
            case when j.transaction_id is not null and j.line_no is not null
                then array[j.transaction_id, j.line_no::text]
            end,
            j.customer_id,
            j.transaction_date,
            $3
        from pg_temp.sale_line_rejected j
        join (
            -- at their places: nearly all other rows were accepted
            select received.*, received.ctid as place
            from raw.sales received
            where received.file_id = $1 and received.ctid = any (array(select b.place from pg_temp.sale_line_rejected b))
        ) as r on r.place = j.place
        join (
            select few.reason_bits, core.reject_reasons(few.reason_bits) as names
            from (select distinct b.reason_bits from pg_temp.sale_line_rejected b) as few
        ) as reason on reason.reason_bits = j.reason_bits
        -- as raw.line_number, for all at once: shifts only grow
        join (
            select
                together.row_number,
                together.is_row,
                together.row_number + coalesce(max(together.shift) over (order by together.row_number, together.is_row), 1) as line_number
            from (
                select b.row_number, true as is_row, null::bigint as shift from pg_temp.sale_line_rejected b
                union all
                select s.from_row_number, false, s.shift from raw.line_shift s where s.file_id = $1
            ) as together
        ) as numbered on numbered.row_number = j.row_number and numbered.is_row',
        -- columns of the raw table, as the contract named them when the file was copied
        v_values
    ) using p_file_id, v_names, p_known_at;
    perform set_config('enable_nestloop', 'on', true);

    -- only reasons 4096 and above are unknown_*: these lines wait for their master
    insert into core.sale_line_waiting (
        rejected_record_id, row_number, customer_id, transaction_id, line_no, transaction_date, product_id, store_id,
        promotion_id, quantity, unit_price, discount_amount, is_return, net_cents, file_id, source_part
    )
    select
        j.rejected_record_id, j.row_number, j.customer_id, j.transaction_id, j.line_no, j.transaction_date, j.product_id,
        j.store_id, j.promotion_id, j.quantity, j.unit_price, j.discount_amount, j.is_return, j.net_cents, p_file_id, v_part
    from pg_temp.sale_line_rejected j
    where j.reason_bits >= 4096 and j.reason_bits & 4095 = 0;
    drop table pg_temp.sale_line_rejected;

    -- had its master been known, the line would be a duplicate of a later acceptable row
    update core.sale_line_waiting w
    set is_followed = true
    from pg_temp.sale_line_judged j
    where
        w.file_id = p_file_id
        and j.transaction_id = w.transaction_id
        and j.line_no = w.line_no
        and j.reason_bits = 0
        and j.row_number > w.row_number;
end
$$;
comment on procedure core.reject_sales(bigint, timestamptz) is 'Writes the rejects of one sales file and the lines that wait for a master.';

create or replace procedure core.close_rejects(p_file_id bigint)
language plpgsql
as $$
declare
    v_file ops.file;
begin
    select f.* into v_file from ops.file f where f.file_id = p_file_id;

    -- the file replaces an earlier one
    update ops.rejected_record x
    set resolved_by = p_file_id, resolution = 'superseded'
    from ops.file f
    where
        x.resolved_by is null
        and x.file_id = f.file_id
        and f.feed = v_file.feed
        and f.file_id <> p_file_id
        and case
            when v_file.feed <> 'sales' then f.effective_date <= v_file.effective_date
            when v_file.delta_date is not null then false
            when v_file.period_part is not null
                then f.period_year = v_file.period_year and f.period_part = v_file.period_part
            else
                f.period_year = v_file.period_year
                or f.delta_date is not null
                -- a row whose day cannot be read is of the delta's
                and coalesce(x.transaction_date, f.delta_date)
                    between make_date(v_file.period_year, 1, 1) and make_date(v_file.period_year, 12, 31)
        end;

    -- the file brings a rejected key again
    if v_file.feed = 'sales' then
        update ops.rejected_record x
        set resolved_by = p_file_id, resolution = 'brought_again'
        from pg_temp.sale_line_judged j
        where
            x.resolved_by is null
            and x.file_id <> p_file_id
            -- said for the index, which has no rows without a key
            and x.natural_key is not null
            and x.natural_key[1] = j.transaction_id
            and x.natural_key[2] = j.line_no::text;
    end if;
    if to_regclass('pg_temp.sale_line_differing') is not null then
        call core.close_matched_rejects(p_file_id);
    end if;

    delete from core.sale_line_waiting w
    using ops.rejected_record x
    where x.file_id = w.file_id and x.rejected_record_id = w.rejected_record_id and x.resolved_by is not null;
end
$$;
comment on procedure core.close_rejects(bigint) is 'Closes the open rejects that a newly applied file supersedes or whose key it brings again.';
