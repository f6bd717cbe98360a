-- The month before, as a run leaves it: what the run has built itself, else what is published.

create or replace function crm.has_previous(p_run_id bigint, p_month date) returns boolean
language plpgsql stable
as $$
begin
    return coalesce(
        (select m.rows_mode <> 'remove' from ops.run_month m where m.run_id = p_run_id and m.month = p_month),
        exists (
            select
            from crm.published_month p
            join ops.run r on r.run_id = p_run_id and r.kind = 'refresh'
            where p.month = p_month
        )
    );
end
$$;
comment on function crm.has_previous(bigint, date) is 'Whether a month will be there when the run is published.';

-- placeholders of the caller: $1 the run, $3 the month
create or replace function crm.month_rows(p_run_id bigint, p_month date, p_built_table text, p_columns text) returns text
language plpgsql stable
as $$
declare
    v_mode text := (select m.rows_mode from ops.run_month m where m.run_id = p_run_id and m.month = p_month);
    v_built text := format('select %s from %s where run_id = $1 and month = $3', p_columns, p_built_table);
    v_published text := format('select %s from crm.snapshot s where s.month = $3', p_columns);
begin
    if not crm.has_previous(p_run_id, p_month) then
        return v_built || ' and false';
    elsif v_mode = 'all' then
        return v_built;
    elsif v_mode = 'touched' then
        return v_built || ' union all ' || v_published || ' and not exists (
            select from crm.touched_customer x
            where x.run_id = $1 and x.customer_id = s.customer_id and x.from_month <= $3
        )';
    end if;
    return v_published;
end
$$;
comment on function crm.month_rows(bigint, date, text, text) is 'Query for the rows of a month as the run leaves it; table and columns are names of this code, never of a user.';

create or replace function crm.previous_rows(p_run_id bigint, p_month date, p_built_table text, p_columns text) returns text
language plpgsql stable
as $$
declare
    v_month date := (p_month + interval '1 month')::date;
    v_previous_mode text := (select m.rows_mode from ops.run_month m where m.run_id = p_run_id and m.month = p_month);
begin
    if v_previous_mode = 'all'
        or not crm.has_previous(p_run_id, p_month)
        or not exists (
            select from ops.run_month m where m.run_id = p_run_id and m.month = v_month and m.rows_mode = 'touched'
        )
    then
        return crm.month_rows(p_run_id, p_month, p_built_table, p_columns);
    end if;
    return format(
        'select %1$s from %2$s where run_id = $1 and month = $3
        union all
        select %3$s
        from crm.touched_customer x
        join crm.snapshot s on s.month = $3 and s.customer_id = x.customer_id
        where x.run_id = $1 and x.from_month <= %4$L %5$s',
        p_columns,
        p_built_table,
        's.' || replace(p_columns, ', ', ', s.'),
        v_month,
        case when v_previous_mode = 'touched' then 'and x.from_month > $3' else '' end
    );
end
$$;
comment on function crm.previous_rows(bigint, date, text, text) is 'Query for the rows that the month after the given one is carried on from: where only touched customers are built, theirs alone.';
