-- Acceptance of one judged sales file: compare, guard, reject, apply, count.

create or replace function core.accept_sales(p_file_id bigint, p_known_at timestamptz, p_is_approved boolean) returns text
language plpgsql
as $$
declare
    v_held text;
begin
    if to_regclass('pg_temp.sale_line_judged') is null then
        call core.judge_differing_sales(p_file_id);
    elsif (select f.continues_file_id from ops.file f where f.file_id = p_file_id) is not null then
        call core.compare_with_differing_sales(p_file_id);
    else
        call core.compare_with_all_sales();
    end if;
    call core.compare_sales(p_file_id);
    if not p_is_approved then
        v_held := core.sales_shrink_message(p_file_id);
        if v_held is not null then
            return v_held;
        end if;
    end if;
    call core.close_rejects(p_file_id);
    call core.reject_sales(p_file_id, p_known_at);
    call core.apply_sales(p_file_id, p_known_at);
    call core.count_sales(p_file_id);
    drop view pg_temp.sale_line_arriving, pg_temp.sale_line_compared;
    drop table pg_temp.sale_line_judged, pg_temp.sale_line_change, pg_temp.sale_line_matched;
    drop table if exists pg_temp.sale_line_differing, pg_temp.sale_line_of_receipts;
    return null;
end
$$;
comment on function core.accept_sales(bigint, timestamptz, boolean) is 'Accepts the rows of a sales file; gives why the shrink guard holds it (the caller then rolls back), or null.';

create or replace procedure core.count_sales(p_file_id bigint)
language plpgsql
as $$
begin
    update ops.file f
    set
        judged_by = core.judging_version(),
        rows_received = matched.lines + matched.duplicates + judged.received + unreadable.received,
        rows_rejected = judged.rejected + unreadable.received,
        rows_duplicate = matched.duplicates + judged.duplicate,
        rows_loaded = arriving.loaded,
        rows_unchanged = matched.lines + judged.received - judged.rejected - judged.duplicate - arriving.loaded,
        rows_superseded = change.superseded,
        amount_received = (matched.cents + matched.duplicate_cents + judged.amount_received) * 0.01,
        amount_rejected = judged.amount_rejected * 0.01,
        amount_duplicate = (matched.duplicate_cents + judged.amount_duplicate) * 0.01,
        amount_loaded = arriving.amount_loaded * 0.01,
        amount_unchanged = (
            matched.cents + judged.amount_received - judged.amount_rejected - judged.amount_duplicate - arriving.amount_loaded
        ) * 0.01,
        message = case when change.superseded > 0 then core.taken_keys_warning(p_file_id) end
    from
        (
            select
                count(*) as received,
                count(*) filter (where j.reason_bits <> 0) as rejected,
                count(*) filter (where j.is_duplicate) as duplicate,
                coalesce(sum(j.net_cents), 0) as amount_received,
                coalesce(sum(j.net_cents) filter (where j.reason_bits <> 0), 0) as amount_rejected,
                coalesce(sum(j.net_cents) filter (where j.is_duplicate), 0) as amount_duplicate
            from pg_temp.sale_line_judged j
        ) as judged,
        pg_temp.sale_line_matched as matched,
        (select count(*) as received from raw.unreadable_row u where u.file_id = p_file_id) as unreadable,
        (select count(*) as loaded, coalesce(sum(a.net_cents), 0) as amount_loaded from pg_temp.sale_line_arriving a) as arriving,
        (
            select count(*) as superseded
            from pg_temp.sale_line_change x
            where x.kind in ('withdrawn', 'replaced')
        ) as change
    where f.file_id = p_file_id;
end
$$;
comment on procedure core.count_sales(bigint) is 'Counts the rows and money of a sales file by fate.';

create or replace function core.taken_keys_warning(p_file_id bigint) returns text
language plpgsql
as $$
declare
    v_year integer := (select f.period_year from ops.file f where f.file_id = p_file_id);
    v_share numeric := (select value::numeric from ops.setting where setting = 'shrink_guard_share');
begin
    return (
        with taken as (
            select (extract(year from x.transaction_date))::integer as period_year, count(*) as lines
            from pg_temp.sale_line_change x
            -- what a delta brings may be of any year
            left join pg_temp.sale_line_judged j on v_year is null and j.row_number = x.row_number
            where
                x.kind = 'replaced'
                and extract(year from x.transaction_date) <> coalesce(v_year, extract(year from j.transaction_date))
            group by (extract(year from x.transaction_date))::integer
        )
        select string_agg(
            format(
                'it took the place of %s of the %s lines of %s, which had the same transaction_id and line_no (more than %s %%);'
                ' where receipts are numbered anew every year, say with transaction_id_from in the contract what tells them'
                ' apart, and load both years again (load --force)',
                t.lines, t.lines + standing.lines, t.period_year, trim_scale(v_share * 100)
            ),
            '; ' order by t.period_year
        )
        from taken t
        cross join lateral (
            select count(*) as lines
            from core.sale_line c
            where c.transaction_date between make_date(t.period_year, 1, 1) and make_date(t.period_year, 12, 31)
        ) as standing
        where t.lines > v_share * (t.lines + standing.lines)
    );
end
$$;
comment on function core.taken_keys_warning(bigint) is 'Of which other years an applied sales file has replaced many lines, or null: their receipts may have the same numbers.';
