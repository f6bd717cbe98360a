create or replace function ops.verify_conservation()
returns table (identity text, scope text, left_value numeric, right_value numeric)
language plpgsql stable
as $$
declare
    v_known_at timestamptz := (select r.known_at from ops.run r where r.status = 'published' order by r.run_id desc limit 1);
begin
    return query
    select
        'rows received = loaded + unchanged + rejected + duplicate',
        f.file_name,
        f.rows_received::numeric,
        (f.rows_loaded + f.rows_unchanged + f.rows_rejected + f.rows_duplicate)::numeric
    from ops.file f
    where f.status = 'loaded'
    union all
    select
        'amount received = loaded + unchanged + rejected + duplicate',
        f.file_name,
        f.amount_received,
        f.amount_loaded + f.amount_unchanged + f.amount_rejected + f.amount_duplicate
    from ops.file f
    where f.status = 'loaded' and f.feed = 'sales';

    return query
    with current_lines as (
        select count(*)::numeric as lines, coalesce(sum(l.net_cents), 0) as cents from core.sale_line l
    ),
    superseded_lines as (
        select count(*)::numeric as lines, coalesce(sum(l.net_cents), 0) as cents from core.sale_line_superseded l
    ),
    files as (
        select
            coalesce(sum(f.rows_loaded), 0) as loaded,
            coalesce(sum(f.rows_superseded), 0) as superseded,
            coalesce(sum(f.amount_loaded), 0) as amount_loaded
        from ops.file f
        where f.status = 'loaded' and f.feed = 'sales'
    )
    select 'current lines = loaded - superseded', 'all sales', c.lines, f.loaded - f.superseded
    from current_lines c, files f
    union all
    select 'superseded lines = superseded', 'all sales', s.lines, f.superseded
    from superseded_lines s, files f
    union all
    select 'current amount = loaded - superseded', 'all sales', c.cents * 0.01, f.amount_loaded - s.cents * 0.01
    from current_lines c, superseded_lines s, files f;

    return query
    with known_lines as (
        select l.net_cents from core.sale_line l where l.known_from <= v_known_at
        union all
        select l.net_cents
        from core.sale_line_superseded l
        where l.known_from <= v_known_at and l.superseded_at > v_known_at
    )
    select
        'amount known at publication = published month_amount',
        'all months',
        (select coalesce(sum(k.net_cents), 0) * 0.01 from known_lines k),
        (select coalesce(sum(s.month_cents), 0) * 0.01 from crm.snapshot s)
    where v_known_at is not null;
end
$$;
comment on function ops.verify_conservation() is 'Rows and money from file to published months as they stand now: every identity with its two sides.';
