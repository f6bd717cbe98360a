-- Building the months of a run: which are done is written down, so that a stopped run continues where it was.

create or replace procedure crm.settle_plan(p_run_id bigint)
language plpgsql
as $$
declare
    v_run ops.run;
    v_dates record;
begin
    select r.* into v_run from ops.run r where r.run_id = p_run_id;
    call crm.require_building(p_run_id);
    if v_run.kind = 'refresh'
        and (
            crm.superseded_rules(p_run_id) is not null
            or exists (select from ops.file f where f.status = 'loaded' and f.loaded_at > v_run.known_at)
        )
    then
        select * into v_dates from crm.accepted_dates();
        update ops.run
        set
            known_at = ops.log_time(),
            first_month = date_trunc('month', v_dates.first_date)::date,
            report_month = date_trunc('month', v_dates.last_date)::date,
            as_of_date = v_dates.last_date
        where run_id = p_run_id;
        call crm.plan_months(p_run_id);
    end if;
end
$$;
comment on procedure crm.settle_plan(bigint) is 'Plans a run again where files were loaded or rules activated since; the caller keeps loads waiting.';

create or replace procedure crm.require_building(p_run_id bigint)
language plpgsql
as $$
declare
    v_run ops.run;
begin
    call crm.await_building();
    select r.* into v_run from ops.run r where r.run_id = p_run_id;
    if v_run.run_id is null then
        raise exception 'there is no run %; start a new refresh', p_run_id;
    elsif v_run.status <> 'building' then
        raise exception 'run % is % (%); start a new refresh', p_run_id, v_run.status, coalesce(v_run.message, 'no message');
    end if;
    call crm.take_back_months(p_run_id);
end
$$;
comment on procedure crm.require_building(bigint) is 'Stops a step of a run that another run took over or that has ended; sessions that are left of a killed step are waited for.';

create or replace procedure crm.note_procedure(p_run_id bigint, p_month date, p_procedure text)
language plpgsql
as $$
begin
    update ops.run_month m
    set procedures = array(select distinct p from unnest(m.procedures || p_procedure) as p order by p)
    where m.run_id = p_run_id and m.month = p_month and not p_procedure = any (m.procedures);
end
$$;
comment on procedure crm.note_procedure(bigint, date, text) is 'Writes down by which version of a procedure a run computes a month; called last, so that nobody waits for the row. Where it is not known what built the rest of the month, the note stays away.';

create or replace procedure crm.resume_build(p_run_id bigint)
language plpgsql
as $$
declare
    v_table regclass;
begin
    call crm.require_building(p_run_id);
    if exists (select from crm.measure_marker k where k.run_id = p_run_id) then
        return;
    end if;
    call ops.forget_audit(p_run_id);
    for v_table in
        select i.inhrelid::regclass
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where
            i.inhparent in ('crm.measure'::regclass, 'crm.snapshot_unpublished'::regclass)
            and c.relname ~ ('^(measure|snapshot)_' || p_run_id || '_\d{4}_\d{2}$')
    loop
        execute format('truncate table %s', v_table);
        execute format('alter table %s drop constraint if exists %I', v_table, split_part(v_table::text, '.', 2) || '_pkey');
    end loop;
    update ops.run_month set measured_at = null, scored_at = null, parts_scored = '{}' where run_id = p_run_id;
    insert into crm.measure_marker (run_id) values (p_run_id);
end
$$;
comment on procedure crm.resume_build(bigint) is 'Begins the months of a run, or begins them again after a crash of the server.';

-- of constants and a key a few rows say everything
create or replace procedure crm.analyze_built(p_table regclass)
language plpgsql
set default_statistics_target = 1
as $$
begin
    execute format('analyze %s (run_id, month, customer_id)', p_table);
end
$$;
comment on procedure crm.analyze_built(regclass) is 'Tells the planner how many rows a built table has: what follows must not take a whole month for a few rows.';

create or replace function crm.build_measures(p_run_id bigint, p_month date) returns bigint
language plpgsql
as $$
declare
    v_plan ops.run_month;
    v_table regclass := to_regclass(format('crm.%I', 'measure_' || p_run_id || '_' || to_char(p_month, 'YYYY_MM')));
    v_rows bigint;
begin
    call crm.join_building();
    select m.* into v_plan from ops.run_month m where m.run_id = p_run_id and m.month = p_month;
    if v_plan.measured_at is not null then
        return 0;
    end if;
    -- without statistics on fresh tables the planner would take other joins for small
    perform set_config('enable_mergejoin', 'off', true);
    perform set_config('enable_nestloop', case when v_plan.rows_mode = 'all' then 'off' else 'on' end, true);
    call crm.measure_month_v1(p_run_id, p_month);
    call crm.analyze_built(v_table);
    if v_plan.cuts_mode = 'compute' then
        call crm.cut_month_v3(p_run_id, p_month);
        if v_plan.rows_mode = 'touched' then
            call crm.touch_moved_customers(p_run_id, p_month);
            call crm.analyze_built(v_table);
        end if;
    end if;
    call crm.note_procedure(p_run_id, p_month, 'crm.measure_month_v1');
    if v_plan.cuts_mode = 'compute' then
        call crm.note_procedure(p_run_id, p_month, 'crm.cut_month_v3');
    end if;
    update ops.run_month set measured_at = clock_timestamp() where run_id = p_run_id and month = p_month;
    select count(*) into v_rows from crm.measure x where x.run_id = p_run_id and x.month = p_month;
    return v_rows;
end
$$;
comment on function crm.build_measures(bigint, date) is 'Measures and cut points of one month of a run; gives the rows.';

create or replace function crm.build_scores(p_run_id bigint, p_month date, p_part smallint) returns bigint
language plpgsql
as $$
declare
    v_plan ops.run_month;
    v_rows bigint;
begin
    call crm.join_building();
    select m.* into v_plan from ops.run_month m where m.run_id = p_run_id and m.month = p_month;
    if p_part = any (v_plan.parts_scored) then
        return 0;
    elsif exists (
        select
        from ops.run_month m
        where
            m.run_id = p_run_id
            and m.month = (p_month - interval '1 month')::date
            and m.rows_mode <> 'remove'
            and not p_part = any (m.parts_scored)
    ) then
        -- it has failed in the same session just now; what waited behind it must not be built without it
        raise exception '% cannot be scored before the month before it; build the months of run % again', p_month, p_run_id;
    end if;
    perform set_config('enable_mergejoin', 'off', true);
    -- the planner takes a part of the customers for a two-hundredth, and would look through all rows for each
    perform set_config(
        'enable_nestloop',
        case when v_plan.rows_mode = 'all' or r.parts > 1 then 'off' else 'on' end,
        true
    )
    from ops.run r
    where r.run_id = p_run_id;
    call crm.score_month_v5(p_run_id, p_month, p_part, v_rows);
    call crm.analyze_built(crm.snapshot_partition('crm.snapshot_unpublished', p_run_id, p_month));
    call crm.note_procedure(p_run_id, p_month, 'crm.score_month_v5');
    -- the session that comes last finds the other parts noted
    update ops.run_month m
    set
        parts_scored = m.parts_scored || p_part,
        scored_at = case when cardinality(m.parts_scored) + 1 = r.parts then clock_timestamp() end
    from ops.run r
    where m.run_id = p_run_id and m.month = p_month and r.run_id = p_run_id;
    return v_rows;
end
$$;
comment on function crm.build_scores(bigint, date, smallint) is 'Snapshot rows of one month of a run and one part of the customers; gives the rows. crm.build_key follows once the next month is scored: until then this one is read.';

create or replace function crm.build_key(p_run_id bigint, p_month date) returns bigint
language plpgsql
as $$
declare
    v_table regclass := crm.snapshot_partition('crm.snapshot_unpublished', p_run_id, p_month);
    v_rows bigint;
begin
    call crm.join_building();
    if v_table is null or exists (select from pg_constraint c where c.conrelid = v_table and c.contype = 'p') then
        return 0;
    end if;
    call crm.add_snapshot_key(v_table);
    select count(*) into v_rows from crm.snapshot_unpublished s where s.run_id = p_run_id and s.month = p_month;
    return v_rows;
end
$$;
comment on function crm.build_key(bigint, date) is 'Key of one month of a run that has been scored; gives the rows.';

create or replace function crm.plan_rebuild(p_month date, p_known_at timestamptz) returns bigint
language plpgsql
as $$
declare
    v_dates record;
    v_run_id bigint;
    v_month date;
begin
    -- a load that has begun may know more at that time: it is waited for, and of times to come nothing is known
    perform pg_advisory_xact_lock(ops.lock_key('load'));
    if p_known_at > ops.log_time() then
        raise exception '% is still to come; name a time until now (%)', p_known_at, ops.log_time()::timestamptz(0);
    end if;
    select * into v_dates from crm.known_dates(p_known_at);
    if v_dates.last_date is null or p_month not between date_trunc('month', v_dates.first_date)::date and v_dates.last_date then
        raise exception '% was not known at %: known were %', to_char(p_month, 'YYYY-MM'), p_known_at,
            coalesce(to_char(v_dates.first_date, 'YYYY-MM') || ' to ' || to_char(v_dates.last_date, 'YYYY-MM'), 'no months');
    end if;
    insert into ops.run (kind, requested, known_at, first_month, report_month, as_of_date)
    values (
        'rebuild',
        jsonb_build_object('month', p_month, 'known_at', p_known_at),
        p_known_at,
        date_trunc('month', v_dates.first_date)::date,
        date_trunc('month', v_dates.last_date)::date,
        v_dates.last_date
    )
    returning run_id into v_run_id;
    for v_month in
        select d::date from generate_series(date_trunc('month', v_dates.first_date::timestamp), p_month, interval '1 month') as d
    loop
        call crm.add_run_month(v_run_id, v_month, 'all', 'compute', p_known_at);
    end loop;
    call crm.choose_parts(v_run_id);
    call crm.note_carried_months(v_run_id);
    call crm.create_run_partitions(v_run_id);
    return v_run_id;
end
$$;
comment on function crm.plan_rebuild(date, timestamptz) is 'Plans the build of a month as it would have been computed from what was known at a time, by the rules of then (crm.rule_set_known); nothing of it is published.';

create or replace function crm.finish_rebuild(p_run_id bigint) returns jsonb
language plpgsql
as $$
declare
    v_run ops.run;
    v_month date;
    v_rows bigint;
    v_differing bigint;
    v_by_status jsonb;
    v_by_tier jsonb;
    v_fact_set_id integer;
begin
    select r.* into v_run from ops.run r where r.run_id = p_run_id;
    v_month := (v_run.requested ->> 'month')::date;
    execute format(
        'select count(*) filter (where u.customer_id is not null), count(*) filter (where
            u.customer_id is null or s.customer_id is null or (%s) is distinct from (%s))
        from (select * from crm.snapshot_unpublished where run_id = $1 and month = $2) as u
        full join (select * from crm.snapshot where month = $2) as s on s.customer_id = u.customer_id',
        crm.snapshot_columns('s'), crm.snapshot_columns('u')
    ) into v_rows, v_differing using p_run_id, v_month;
    select jsonb_object_agg(g.activity_status, g.customers)
    into v_by_status
    from (
        select u.activity_status, count(*) as customers
        from crm.snapshot_unpublished u
        where u.run_id = p_run_id and u.month = v_month
        group by u.activity_status
    ) as g;
    select jsonb_object_agg(g.value_tier, g.customers)
    into v_by_tier
    from (
        select u.value_tier, count(*) as customers
        from crm.snapshot_unpublished u
        where u.run_id = p_run_id and u.month = v_month
        group by u.value_tier
    ) as g;
    update ops.run set status = 'rebuilt', message = v_differing || ' rows differ from the published month' where run_id = p_run_id;
    -- months before another rule set came into force may have facts of their own
    for v_fact_set_id in select distinct m.fact_set_id from ops.run_month m where m.run_id = p_run_id loop
        call crm.drop_fact_set(v_fact_set_id);
    end loop;
    return jsonb_build_object(
        'run_id', p_run_id,
        'month', v_month,
        'known_at', v_run.known_at,
        'as_of_date', (select m.as_of_date from ops.run_month m where m.run_id = p_run_id and m.month = v_month),
        'rule_set', (select m.rule_set_id from ops.run_month m where m.run_id = p_run_id and m.month = v_month),
        'rows', v_rows,
        'rows_differing', v_differing,
        'customers_by_status', v_by_status,
        'customers_by_tier', v_by_tier
    );
end
$$;
comment on function crm.finish_rebuild(bigint) is 'Compares a rebuilt month with the published one and drops its facts; the rows stay under the run.';

create or replace procedure crm.finish_dry_run(p_run_id bigint)
language plpgsql
as $$
begin
    if (select r.status from ops.run r where r.run_id = p_run_id) = 'rebuilt' then
        return;
    end if;
    call crm.require_building(p_run_id);
    update ops.run set status = 'rebuilt', message = 'a dry run: built and audited, not published' where run_id = p_run_id;
end
$$;
comment on procedure crm.finish_dry_run(bigint) is 'Ends a run that was asked for only to be looked at; its rows stay as those of a refused run do.';
