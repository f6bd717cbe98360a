-- Applies the acceptable rows of one sales file to the current lines: new, replaced, reowned, withdrawn. The unchanged
-- ones, nearly all of a file that comes again, are not written down.

create or replace procedure core.compare_sales(p_file_id bigint)
language plpgsql
as $$
declare
    v_year integer;
    v_part smallint := core.source_part(p_file_id);
    v_is_delta boolean;
    v_from date;
    v_to date;
begin
    select f.period_year, f.delta_date is not null
    into v_year, v_is_delta
    from ops.file f
    where f.file_id = p_file_id;

    create temporary table sale_line_change (
        row_number bigint,
        transaction_id text not null,
        line_no bigint not null,
        customer_id text not null,
        transaction_date date not null,
        kind text not null
    ) on commit drop;

    -- keys are global: other years count where their receipts overlap this file's
    select min(k.first_date), max(k.last_date)
    into v_from, v_to
    from core.sale_key_range k
    where
        k.period_year = v_year
        or exists (
            select
            from (
                select min(j.transaction_id) as lowest, max(j.transaction_id) as highest
                from pg_temp.sale_line_judged j
                where j.reason_bits = 0
            ) as file_range
            where file_range.lowest <= k.highest_transaction_id and file_range.highest >= k.lowest_transaction_id
        );
    if v_from is null then
        call core.expect_every_row();
        return;
    end if;
    if v_is_delta then
        call core.compare_with_lines_of_receipts(v_from, v_to);
    end if;

    insert into pg_temp.sale_line_change (row_number, transaction_id, line_no, customer_id, transaction_date, kind)
    select m.row_number, m.transaction_id, m.line_no, m.customer_id, m.transaction_date, m.kind
    from (
        select
            j.row_number,
            coalesce(c.transaction_id, j.transaction_id) as transaction_id,
            coalesce(c.line_no, j.line_no) as line_no,
            coalesce(c.customer_id, j.customer_id) as customer_id,
            coalesce(c.transaction_date, j.transaction_date) as transaction_date,
            case
                when c.transaction_id is null then 'new'
                -- not a line that this file speaks for
                when j.row_number is null
                    and (
                        v_is_delta
                        or c.transaction_date not between make_date(v_year, 1, 1) and make_date(v_year, 12, 31)
                        or v_part <> 0 and c.source_part <> v_part
                    )
                then null
                when j.row_number is null then 'withdrawn'
                when c.customer_id <> j.customer_id
                    or c.transaction_date <> j.transaction_date
                    or c.product_id <> j.product_id
                    or c.quantity <> j.quantity
                    or c.unit_price <> j.unit_price
                    or c.is_return <> j.is_return
                    or c.store_id is distinct from j.store_id
                    or c.promotion_id is distinct from j.promotion_id
                    or c.discount_amount is distinct from j.discount_amount
                then 'replaced'
                when not v_is_delta and c.source_part <> v_part then 'reowned'
            end as kind
        from (select * from pg_temp.sale_line_compared s where s.transaction_date between v_from and v_to) as c
        full join (
            select * from pg_temp.sale_line_judged a where a.reason_bits = 0 and not a.is_duplicate
        ) as j on j.transaction_id = c.transaction_id and j.line_no = c.line_no
    ) as m
    where m.kind is not null;
    analyze pg_temp.sale_line_change;
    create temporary view sale_line_arriving as
    select j.*
    from pg_temp.sale_line_judged j
    join pg_temp.sale_line_change x on x.row_number = j.row_number and x.kind in ('new', 'replaced');
end
$$;
comment on procedure core.compare_sales(bigint) is 'Compares the acceptable rows of a sales file with the current lines (temporary table sale_line_change); the view sale_line_arriving has those that become current.';

-- A delta has few receipts and speaks for no other line. As an array, since a join with them would read all lines in one
-- process: workers do not see temporary tables.
create or replace procedure core.compare_with_lines_of_receipts(p_from date, p_to date)
language plpgsql
as $$
declare
    v_receipts text[] := array(
        select distinct j.transaction_id from pg_temp.sale_line_judged j where j.reason_bits = 0
    );
begin
    create temporary table sale_line_of_receipts on commit drop as
    select s.*
    from core.sale_line s
    where s.transaction_date between p_from and p_to and s.transaction_id = any (v_receipts);
    analyze pg_temp.sale_line_of_receipts (transaction_id, line_no);
    create or replace temporary view sale_line_compared as select * from pg_temp.sale_line_of_receipts;
end
$$;
comment on procedure core.compare_with_lines_of_receipts(date, date) is 'The rows of a delta are compared with the current lines of their receipts alone (view sale_line_compared).';

create or replace procedure core.expect_every_row()
language plpgsql
as $$
begin
    create temporary view sale_line_arriving as
    select j.*
    from pg_temp.sale_line_judged j
    where j.reason_bits = 0 and not j.is_duplicate;
end
$$;
comment on procedure core.expect_every_row() is 'Every acceptable row becomes current (view sale_line_arriving): there is no line to compare it with, or none that may stay.';

create or replace function core.sales_shrink_message(p_file_id bigint) returns text
language plpgsql
as $$
declare
    v_year integer := (select period_year from ops.file where file_id = p_file_id);
    v_share numeric := (select value::numeric from ops.setting where setting = 'shrink_guard_share');
    v_withdrawn bigint;
    v_current bigint;
begin
    if v_year is null then
        return null;
    end if;
    select count(*) into v_withdrawn from pg_temp.sale_line_change where kind = 'withdrawn';
    if v_withdrawn = 0 then
        return null;
    end if;
    select count(*)
    into v_current
    from core.sale_line c
    where c.transaction_date between make_date(v_year, 1, 1) and make_date(v_year, 12, 31);
    if v_withdrawn <= v_share * v_current then
        return null;
    end if;
    return format(
        'it would withdraw %s of the %s lines of %s (more than %s %%); approve or discard it',
        v_withdrawn, v_current, v_year, trim_scale(v_share * 100)
    );
end
$$;
comment on function core.sales_shrink_message(bigint) is 'Why the shrink guard holds a sales file, or null.';

create or replace procedure core.apply_sales(p_file_id bigint, p_known_at timestamptz)
language plpgsql
as $$
declare
    v_part smallint := core.source_part(p_file_id);
    v_years integer[];
    v_year integer;
    v_new_lines bigint;
begin
    create temporary table sale_year on commit drop as
    select
        (extract(year from d.transaction_date))::integer as period_year,
        min(d.lowest) as lowest_transaction_id,
        max(d.highest) as highest_transaction_id
    from (
        select j.transaction_date, min(j.transaction_id) as lowest, max(j.transaction_id) as highest
        from pg_temp.sale_line_judged j
        where j.reason_bits = 0 and not j.is_duplicate
        group by j.transaction_date
    ) as d
    group by (extract(year from d.transaction_date))::integer;
    v_years := array(select y.period_year from pg_temp.sale_year y);

    call core.note_changed_sales(p_file_id, p_known_at);
    call core.supersede_sales(p_file_id, p_known_at);

    update core.sale_line c
    set source_part = v_part
    from pg_temp.sale_line_change x
    where
        x.kind = 'reowned'
        and c.customer_id = x.customer_id
        and c.transaction_id = x.transaction_id
        and c.line_no = x.line_no;

    for v_year in select y from unnest(v_years) as y loop
        call core.ensure_year_partition(v_year);
    end loop;

    insert into core.sale_line (
        customer_id, transaction_id, line_no, transaction_date, product_id, store_id, promotion_id, quantity, unit_price,
        discount_amount, is_return, net_cents, file_id, source_part, known_from
    )
    select
        j.customer_id, j.transaction_id, j.line_no, j.transaction_date, j.product_id, j.store_id, j.promotion_id,
        j.quantity, j.unit_price, j.discount_amount, j.is_return, j.net_cents, p_file_id, v_part, p_known_at
    from pg_temp.sale_line_arriving j;
    get diagnostics v_new_lines = row_count;

    for v_year in select y from unnest(v_years) as y loop
        call core.ensure_year_index(v_year, v_new_lines);
    end loop;

    if v_part = -1 then
        -- rejected rows count as well: a yearly file that comes later speaks for them too
        insert into ops.file_year (file_id, period_year, touched_at)
        select
            p_file_id,
            (extract(year from spoken.transaction_date))::integer,
            max(p_known_at) filter (where spoken.is_touch)
        from (
            select j.transaction_date, j.reason_bits = 0 and not j.is_duplicate as is_touch
            from pg_temp.sale_line_judged j
            where j.transaction_date is not null
            union
            select x.transaction_date, true from pg_temp.sale_line_change x where x.kind = 'replaced'
        ) as spoken
        group by (extract(year from spoken.transaction_date))::integer;
    end if;

    insert into core.sale_key_range as k (
        period_year, lowest_transaction_id, highest_transaction_id, first_date, last_date
    )
    select
        y.period_year,
        y.lowest_transaction_id,
        y.highest_transaction_id,
        make_date(y.period_year, 1, 1),
        make_date(y.period_year, 12, 31)
    from pg_temp.sale_year y
    on conflict (period_year) do update set
        lowest_transaction_id = least(k.lowest_transaction_id, excluded.lowest_transaction_id),
        highest_transaction_id = greatest(k.highest_transaction_id, excluded.highest_transaction_id);
    drop table pg_temp.sale_year;
end
$$;
comment on procedure core.apply_sales(bigint, timestamptz) is 'Supersedes and inserts lines as core.compare_sales found.';

create or replace procedure core.supersede_sales(p_file_id bigint, p_known_at timestamptz)
language plpgsql
as $$
begin
    insert into core.sale_line_superseded (
        customer_id, transaction_id, line_no, transaction_date, product_id, store_id, promotion_id, quantity, unit_price,
        discount_amount, is_return, net_cents, file_id, source_part, known_from, superseded_at, superseded_by
    )
    select
        c.customer_id, c.transaction_id, c.line_no, c.transaction_date, c.product_id, c.store_id, c.promotion_id,
        c.quantity, c.unit_price, c.discount_amount, c.is_return, c.net_cents, c.file_id, c.source_part, c.known_from,
        p_known_at, p_file_id
    from core.sale_line c
    join pg_temp.sale_line_change x
        on x.customer_id = c.customer_id
        and x.transaction_id = c.transaction_id
        and x.line_no = c.line_no
        and x.transaction_date = c.transaction_date
    where x.kind in ('withdrawn', 'replaced');

    delete from core.sale_line c
    using pg_temp.sale_line_change x
    where
        x.kind in ('withdrawn', 'replaced')
        and c.customer_id = x.customer_id
        and c.transaction_id = x.transaction_id
        and c.line_no = x.line_no
        and c.transaction_date = x.transaction_date;
end
$$;
comment on procedure core.supersede_sales(bigint, timestamptz) is 'Moves withdrawn and replaced lines to core.sale_line_superseded.';

create or replace procedure core.note_changed_sales(p_file_id bigint, p_known_at timestamptz)
language plpgsql
as $$
declare
    v_before date := crm.whole_from();
begin
    if v_before is null then
        return;
    end if;
    insert into crm.pending_change (customer_id, month, is_fact_change, changed_at, file_id)
    select
        changed.customer_id,
        date_trunc('month', changed.transaction_date)::date,
        true,
        p_known_at,
        p_file_id
    from (
        select x.customer_id, x.transaction_date
        from pg_temp.sale_line_change x
        where x.kind in ('withdrawn', 'replaced')
        union
        select a.customer_id, a.transaction_date
        from pg_temp.sale_line_arriving a
    ) as changed
    where changed.transaction_date < v_before
    group by changed.customer_id, date_trunc('month', changed.transaction_date);
end
$$;
comment on procedure core.note_changed_sales(bigint, timestamptz) is 'Notes which customers'' published months a sales file changes.';
