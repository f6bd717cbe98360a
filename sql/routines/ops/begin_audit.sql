-- What the gate needs to know of a run before it looks at any row.

create or replace function ops.months_after(p_run_id bigint)
returns table (
    month date,
    summary_run_id bigint,
    rule_set_id integer,
    fact_set_id integer,
    as_of_date date,
    rows_mode text,
    is_open boolean
)
language plpgsql stable parallel safe
rows 36
as $$
begin
    return query
    select m.month, m.run_id, m.rule_set_id, m.fact_set_id, m.as_of_date, m.rows_mode, m.is_open
    from ops.run_month m
    where m.run_id = p_run_id and m.rows_mode <> 'remove'
    union all
    select p.month, p.run_id, p.rule_set_id, p.fact_set_id, p.as_of_date, 'published', p.is_open
    from crm.published_month p
    where not exists (select from ops.run_month m where m.run_id = p_run_id and m.month = p.month);
end
$$;
comment on function ops.months_after(bigint) is 'The months that readers will see once a run is published, and whose summary says what is in them.';

create or replace procedure ops.forget_audit(p_run_id bigint)
language plpgsql
as $$
begin
    delete from ops.check_result c where c.run_id = p_run_id;
    delete from ops.failed_row f where f.run_id = p_run_id;
    delete from ops.conservation c where c.run_id = p_run_id;
end
$$;
comment on procedure ops.forget_audit(bigint) is 'Forgets what the gate found of a run, which is built anew or audited again.';

create or replace function ops.begin_audit(
    p_run_id bigint,
    out known_at timestamptz,
    out audited_until timestamptz,
    out built_rows bigint,
    out customer_checksum bigint
)
language plpgsql
as $$
declare
    v_run ops.run;
    v_month date;
begin
    select r.* into v_run from ops.run r where r.run_id = p_run_id for update;
    if v_run.run_id is null then
        raise exception 'there is no run %; start a new refresh', p_run_id;
    elsif v_run.status not in ('building', 'refused') or v_run.kind <> 'refresh' then
        raise exception 'run % is % (%); start a new refresh', p_run_id, v_run.status, coalesce(v_run.message, 'no message');
    elsif exists (
        select
        from ops.run r
        where r.run_id > p_run_id and r.kind = 'refresh' and r.status in ('building', 'refused', 'published', 'rebuilt')
    ) then
        raise exception 'run % is not the newest; start a new refresh', p_run_id;
    elsif exists (
        select from ops.run_month m where m.run_id = p_run_id and m.rows_mode <> 'remove' and m.scored_at is null
    ) then
        raise exception 'run % is not built; run the snapshot and summary steps first', p_run_id;
    end if;

    call crm.take_back_months(p_run_id);
    call ops.forget_audit(p_run_id);
    update ops.run set status = 'building', message = null where run_id = p_run_id;

    known_at := v_run.known_at;
    -- an accepted line or version never changes in place: what an earlier publication's gate has seen is sound still.
    -- A run that builds every month looks at everything again.
    select max(r.known_at)
    into audited_until
    from ops.run r
    where
        r.status = 'published'
        and exists (select from ops.months_after(p_run_id) a where a.rows_mode <> 'all');
    audited_until := coalesce(audited_until, '-infinity');

    -- a whole month holds every customer of its summary; of a touched one, the published rows of other customers stay
    select coalesce(sum(built.customers), 0)
    into built_rows
    from (
        select s.customers
        from crm.month_summary s
        join ops.run_month m on m.run_id = s.run_id and m.month = s.month
        where s.run_id = p_run_id and m.rows_mode <> 'remove'
        union all
        select -s.customers
        from ops.run_month m
        join crm.published_month p on p.month = m.month
        join crm.month_summary s on s.run_id = p.run_id and s.month = p.month
        where m.run_id = p_run_id and m.rows_mode = 'touched'
    ) as built;
    for v_month in
        select m.month from ops.run_month m where m.run_id = p_run_id and m.rows_mode = 'touched' order by m.month
    loop
        select built_rows + count(*)
        into built_rows
        from crm.touched_customer t
        join crm.snapshot s on s.month = v_month and s.customer_id = t.customer_id
        where t.run_id = p_run_id and t.from_month <= v_month;
    end loop;

    -- whom the rows must be about: everybody known by the as-of date, or the touched ones of them
    select coalesce(sum(expected.checksum), 0)
    into customer_checksum
    from (
        select k.checksum
        from ops.run_month m
        join (
            select c.fact_set_id, c.known_from, sum(hashtext(c.customer_id)) as checksum
            from crm.customer_known c
            group by c.fact_set_id, c.known_from
        ) as k on k.fact_set_id = m.fact_set_id and k.known_from <= m.as_of_date
        where m.run_id = p_run_id and m.rows_mode = 'all'
        union all
        select hashtext(k.customer_id)
        from ops.run_month m
        join crm.touched_customer t on t.run_id = m.run_id and t.from_month <= m.month
        join crm.customer_known k
            on k.fact_set_id = m.fact_set_id and k.customer_id = t.customer_id and k.known_from <= m.as_of_date
        where m.run_id = p_run_id and m.rows_mode = 'touched'
    ) as expected;
end
$$;
comment on function ops.begin_audit(bigint) is 'Forgets an earlier audit of the run; gives until when it knows, until when core was audited before, and how many rows about which customers it must have built. Raises for a run that cannot be published.';
