create or replace function ops.verify_conservation()
returns table (identity text, scope text, left_value numeric, right_value numeric)
language plpgsql
as $$
declare
    v_run_id bigint;
    v_known_at timestamptz;
    v_newest bigint;
    v_has_later_facts boolean;
begin
    -- the facts and the published months stand still meanwhile: steps of a build wait
    perform pg_advisory_xact_lock(ops.lock_key('refresh'));
    select coalesce(max(c.conservation_id), 0) into v_newest from ops.conservation c;
    select r.run_id, r.known_at
    into v_run_id, v_known_at
    from ops.run r
    where r.status = 'published'
    order by r.run_id desc
    limit 1;
    if v_run_id is null then
        return;
    end if;

    -- a run that is not published, under way, refused or dry, has changed customer-months in place: they are its own by now
    v_has_later_facts := exists (
        select
        from ops.run r
        where r.run_id > v_run_id and r.kind = 'refresh' and r.status in ('building', 'refused', 'abandoned', 'rebuilt')
    );

    -- the gate's own identities of files, as they stand now; its record of the run stays as it was
    call ops.sum_customer_months();
    call ops.conserve_files(v_run_id);
    drop table pg_temp.customer_month_sum;
    return query
    with
    found as (
        delete from ops.conservation c
        where c.run_id = v_run_id and c.conservation_id > v_newest
        returning c.identity, c.scope, c.left_value, c.right_value
    )
    select f.identity, f.scope, f.left_value, f.right_value
    from found f
    where not (v_has_later_facts and f.identity = 'net amount of current lines = customer-months');

    return query
    select
        'amount known at publication = published month_amount',
        'total',
        (
            select coalesce(sum(l.net_cents), 0) * 0.01
            from (
                select s.net_cents from core.sale_line s where s.known_from <= v_known_at
                union all
                select s.net_cents
                from core.sale_line_superseded s
                where s.known_from <= v_known_at and s.superseded_at > v_known_at
            ) as l
        ),
        (
            select coalesce(sum(s.month_cents), 0) * 0.01
            from crm.snapshot s
            join crm.published_month p on p.month = s.month
        );
end
$$;
comment on function ops.verify_conservation() is 'Rows and money from file to published months as they stand now: every identity with its two sides; none before the first publication, and customer-months only where no later run has begun to change them.';
