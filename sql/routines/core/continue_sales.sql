-- Where a year's file begins with all bytes of the one in force, its first rows meet with the same fates again, save those that
-- were rejected: a master may know them now. So only these are judged, and the rows that follow.

create or replace function core.judging_version() returns text
language sql stable
return (
    select md5(concat_ws(
        ' ',
        (select d.contract::text from ops.feed d where d.feed = 'sales'),
        (select string_agg(r.sha256, ' ' order by r.schema_name, r.routine_name)
            from ops.routine r
            where r.kind = 'routine' and r.schema_name in ('core', 'raw'))
    ))
);
comment on function core.judging_version() is 'The sales contract and the routines that judge by it: where either is another, equal rows may be judged otherwise.';

create or replace function core.continued_file(p_file_id bigint) returns bigint
language sql stable
return (
    select b.file_id
    from ops.file f
    join ops.file b on b.file_id = ops.sales_in_force(f.period_year, f.period_part)
    where
        f.file_id = p_file_id
        and not f.is_forced
        and core.can_match_sales(f.file_id)
        -- one whole year after another
        and f.period_part is null
        and b.period_year = f.period_year
        and b.period_part is null
        -- read alike
        and b.size_bytes < f.size_bytes
        and b.column_map = f.column_map
        and b.encoding = f.encoding
        and b.delimiter = f.delimiter
        and b.physical_lines is not null
        -- judged alike
        and b.judged_by = core.judging_version()
        and b.received_on <= f.received_on
);
comment on function core.continued_file(bigint) is 'The file in force for the year of a sales file, if this one may go on where that one ends: then only its bytes are left to compare; else null.';

create or replace function core.references_stand(p_since timestamptz) returns boolean
language sql stable
return (
    with known as (
        select
            'stores' as feed,
            not exists (
                select
                from core.store_version v
                group by v.store_id
                having not bool_or(v.version_to = 'infinity' and v.known_to = 'infinity')
            ) as are_all_current
        union all
        select
            'promotions',
            not exists (
                select
                from core.promotion_version v
                group by v.promotion_id
                having not bool_or(v.version_to = 'infinity' and v.known_to = 'infinity')
            )
    )
    select bool_and(
        not exists (select from ops.file f where f.feed = k.feed and f.status = 'loaded')
        -- before the first of its files every reference was accepted
        or k.are_all_current
            and exists (select from ops.file f where f.feed = k.feed and f.status = 'loaded' and f.loaded_at <= p_since)
    )
    from known k
);
comment on function core.references_stand(timestamptz) is 'Whether stores and promotions that were acceptable at a time still are. Customers and products once seen stay known.';

create or replace procedure core.stage_rejects_again(p_file_id bigint, p_continued_file_id bigint)
language plpgsql
as $$
declare
    v_columns text;
    v_values text;
begin
    select
        string_agg(format('%I', pair.value ->> 1), ', ' order by pair.position),
        -- as core.reject_sales wrote them
        string_agg(format('nullif(n.raw_row ->> %L, '''')', pair.value ->> 0), ', ' order by pair.position)
    into v_columns, v_values
    from ops.file f
    cross join jsonb_array_elements(f.column_map) with ordinality as pair (value, position)
    where f.file_id = p_file_id;

    create temporary table reject_again on commit drop as
    select
        x.line_number,
        x.raw_row,
        x.reasons,
        x.is_row,
        -- all are counted, as the numbers of the rows that follow do: shifts only grow
        row_number() over (order by x.line_number) as row_number
    from (
        select r.*, not r.reasons && array['undecodable', 'wrong_column_count'] as is_row
        from ops.rejected_record r
        where r.file_id = p_continued_file_id and r.resolved_by is null
    ) as x;

    execute format(
        'insert into raw.%I (row_number, %s) select n.row_number, %s from pg_temp.reject_again n where n.is_row',
        'sales_' || p_file_id, v_columns, v_values
    );
    insert into raw.line_shift (file_id, from_row_number, shift)
    select p_file_id, n.row_number, n.shift
    from (
        select
            r.row_number,
            r.line_number - r.row_number as shift,
            lag(r.line_number - r.row_number) over (order by r.row_number) as shift_before
        from pg_temp.reject_again r
        where r.is_row
    ) as n
    where n.shift is distinct from n.shift_before;
    insert into raw.unreadable_row (file_id, line_number, reason, raw_text)
    select p_file_id, n.line_number, n.reasons[1], n.raw_row ->> 'row'
    from pg_temp.reject_again n
    where not n.is_row;
    drop table pg_temp.reject_again;
end
$$;
comment on procedure core.stage_rejects_again(bigint, bigint) is 'Puts the open rejects of a continued file before the rows that follow them, as received.';

create or replace function core.judge_continuing_sales(p_file_id bigint) returns boolean
language plpgsql
as $$
declare
    v_continued ops.file;
    v_texts text[];
    v_days date[];
begin
    select b.*
    into v_continued
    from ops.file f
    join ops.file b on b.file_id = f.continues_file_id
    -- another file may have come into force since this one was read
    where f.file_id = p_file_id and b.file_id = core.continued_file(f.file_id);
    if not found
        or not core.references_stand(v_continued.loaded_at)
        -- a waiting row that an accepted one follows: only beside that one it can be seen
        or exists (select from core.sale_line_waiting w where w.file_id = v_continued.file_id and w.is_followed)
        or v_continued.rows_rejected <> (
            select count(*)
            from ops.rejected_record x
            where x.file_id = v_continued.file_id and x.resolved_by is null
        )
        -- the rows that follow have the numbers after these
        or v_continued.rows_rejected + 1 <> (select min(r.row_number) from raw.sales r where r.file_id = p_file_id)
    then
        return false;
    end if;
    call core.expect_lines_of(v_continued.file_id);
    if not exists (select from pg_temp.sale_line_matched) then
        return false;
    end if;

    call core.stage_rejects_again(p_file_id, v_continued.file_id);
    select d.p_texts, d.p_days into v_texts, v_days from core.sales_days(p_file_id) as d;
    call core.judge_sales(p_file_id, null, v_texts, v_days);
    -- a row whose key a line has already: which of them counts, all rows of the file together say
    return not exists (
        select
        from core.sale_line c
        join pg_temp.sale_line_judged j on j.transaction_id = c.transaction_id and j.line_no = c.line_no
        where
            j.reason_bits = 0
            and c.transaction_date between make_date(v_continued.period_year, 1, 1) and make_date(v_continued.period_year, 12, 31)
            and c.transaction_id >= (select min(a.transaction_id) from pg_temp.sale_line_judged a where a.reason_bits = 0)
    );
end
$$;
comment on function core.judge_continuing_sales(bigint) is 'Judges the rows of a sales file that follow those of the file it continues, and what is rejected there; false where that does not give every row its fate: core.begin_again comes next, and all rows are copied.';

create or replace procedure core.expect_lines_of(p_file_id bigint)
language plpgsql
as $$
declare
    v_file ops.file;
begin
    select f.* into v_file from ops.file f where f.file_id = p_file_id;
    create temporary table sale_line_differing on commit drop as
    select null::tid as place, c.*
    from core.sale_line c
    where false;
    -- by itself, so that workers count
    create temporary table sale_line_matched on commit drop as
    select
        count(*) as lines,
        coalesce(sum(c.net_cents), 0)::bigint as cents,
        v_file.rows_duplicate as duplicates,
        (v_file.amount_duplicate * 100)::bigint as duplicate_cents
    from core.sale_line c
    where c.transaction_date between make_date(v_file.period_year, 1, 1) and make_date(v_file.period_year, 12, 31)
    having
        count(*) = v_file.rows_loaded + v_file.rows_unchanged
        and coalesce(sum(c.net_cents), 0) = (v_file.amount_loaded + v_file.amount_unchanged) * 100;
end
$$;
comment on procedure core.expect_lines_of(bigint) is 'Takes all current lines of the year for matched, and the duplicates of the file that brought them (temporary table sale_line_matched, without a row where the lines are not those of that file).';

create or replace procedure core.begin_again(p_file_id bigint)
language plpgsql
as $$
begin
    update ops.file f set continues_file_id = null where f.file_id = p_file_id;
    -- not by truncate, which would wait for whoever reads another file's rows
    delete from raw.sales r where r.file_id = p_file_id;
    delete from raw.line_shift s where s.file_id = p_file_id;
    delete from raw.unreadable_row u where u.file_id = p_file_id;
    call raw.number_rows_from('sales', p_file_id, 1);
    drop table if exists pg_temp.sale_line_differing, pg_temp.sale_line_matched, pg_temp.sale_line_judged;
end
$$;
comment on procedure core.begin_again(bigint) is 'Takes back that a sales file was copied from where another one ends.';
