-- Publication: one short transaction that makes a run's months what readers see. What was published before and changes is
-- kept in crm.snapshot_history.

create or replace function crm.snapshot_columns(p_alias text) returns text
language sql stable
return (
    select string_agg(format('%I.%I', p_alias, a.attname), ', ' order by a.attnum)
    from pg_attribute a
    where a.attrelid = 'crm.snapshot'::regclass and a.attnum > 0 and not a.attisdropped and a.attname <> 'run_id'
);
comment on function crm.snapshot_columns(text) is 'Columns of the snapshot that are compared: all but run_id.';

create or replace function crm.snapshot_partition(p_parent regclass, p_run_id bigint, p_month date) returns regclass
language sql stable
return (
    select i.inhrelid::regclass
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where
        i.inhparent = p_parent
        and c.relname ~ (
            '^(snapshot|published)_' || coalesce(p_run_id::text, '\d+') || '_' || to_char(p_month, 'YYYY_MM') || '$'
        )
);
comment on function crm.snapshot_partition(regclass, bigint, date) is 'The table that holds a month: published, or of a run.';

create or replace procedure crm.find_differing_rows(p_run_id bigint, p_month date, p_mode text)
language plpgsql
as $$
begin
    execute format(
        case when p_mode = 'touched' then
            'insert into crm.differing_row (run_id, month, customer_id)
            select $1, $2, t.customer_id
            from crm.touched_customer t
            left join crm.snapshot s on s.month = $2 and s.customer_id = t.customer_id
            left join crm.snapshot_unpublished u on u.run_id = $1 and u.month = $2 and u.customer_id = t.customer_id
            where t.run_id = $1 and t.from_month <= $2 and (%1$s) is distinct from (%2$s)'
        else
            'insert into crm.differing_row (run_id, month, customer_id)
            select $1, $2, coalesce(s.customer_id, u.customer_id)
            from (select * from crm.snapshot where month = $2) as s
            full join (select * from crm.snapshot_unpublished where run_id = $1 and month = $2) as u
                on u.customer_id = s.customer_id
            where (%1$s) is distinct from (%2$s)'
        end,
        crm.snapshot_columns('s'),
        crm.snapshot_columns('u')
    ) using p_run_id, p_month;
    -- what follows must not take a whole month for a few rows
    analyze crm.differing_row;
end
$$;
comment on procedure crm.find_differing_rows(bigint, date, text) is 'Notes whose published row of a month a run adds, changes or removes (crm.differing_row).';

create or replace procedure crm.keep_history(p_run_id bigint, p_month date, inout p_rows bigint)
language plpgsql
as $$
declare
    v_columns text := (
        select string_agg(format('s.%I', a.attname), ', ' order by a.attnum)
        from pg_attribute a
        where a.attrelid = 'crm.snapshot'::regclass and a.attnum > 0 and not a.attisdropped
    );
begin
    execute format(
        'insert into crm.snapshot_history
        select %s, r.published_at, (select n.published_at from ops.run n where n.run_id = $1), $1
        from crm.differing_row d
        join crm.snapshot s on s.month = $2 and s.customer_id = d.customer_id
        join ops.run r on r.run_id = s.run_id
        where d.run_id = $1 and d.month = $2',
        v_columns
    ) using p_run_id, p_month;
    get diagnostics p_rows = row_count;
end
$$;
comment on procedure crm.keep_history(bigint, date, bigint) is 'Copies the published rows of a month that a run changes or removes to crm.snapshot_history; gives their number.';

create or replace procedure crm.publish_in_place(p_run_id bigint, p_month date, p_built regclass)
language plpgsql
as $$
declare
    v_assignments text := (
        select string_agg(format('%1$I = u.%1$I', a.attname), ', ' order by a.attnum)
        from pg_attribute a
        where a.attrelid = 'crm.snapshot'::regclass and a.attnum > 0 and not a.attisdropped
    );
begin
    execute format(
        'delete from crm.snapshot s
        using crm.differing_row d
        where
            d.run_id = $1 and d.month = $2 and s.month = $2 and s.customer_id = d.customer_id
            and not exists (select from %s u where u.month = $2 and u.customer_id = d.customer_id)',
        p_built
    ) using p_run_id, p_month;
    execute format(
        'update crm.snapshot s
        set %2$s
        from crm.differing_row d
        join %1$s u on u.month = $2 and u.customer_id = d.customer_id
        where d.run_id = $1 and d.month = $2 and s.month = $2 and s.customer_id = d.customer_id',
        p_built, v_assignments
    ) using p_run_id, p_month;
    execute format(
        'insert into crm.snapshot
        select u.*
        from crm.differing_row d
        join %s u on u.month = $2 and u.customer_id = d.customer_id
        where
            d.run_id = $1
            and d.month = $2
            and not exists (select from crm.snapshot s where s.month = $2 and s.customer_id = d.customer_id)',
        p_built
    ) using p_run_id, p_month;
end
$$;
comment on procedure crm.publish_in_place(bigint, date, regclass) is 'Removes, updates and adds the differing rows of a published month so that it is as built; needs no lock that a reader could hold.';

create or replace procedure crm.fill_month(p_month date, p_built regclass)
language plpgsql
as $$
begin
    delete from crm.snapshot s where s.month = p_month;
    execute format('insert into crm.snapshot select u.* from %s u where u.month = $1', p_built) using p_month;
end
$$;
comment on procedure crm.fill_month(date, regclass) is 'Puts built rows into the table of a month that was attached and never published, in the place of what another run left there; needs no lock that a reader could hold.';

create or replace procedure crm.keep_unchanged_runs(p_run_id bigint, p_month date, p_built regclass)
language plpgsql
as $$
begin
    execute format(
        'update %s u
        set run_id = s.run_id
        from crm.snapshot s
        where
            u.month = $2 and s.month = $2 and s.customer_id = u.customer_id
            and not exists (
                select
                from crm.differing_row d
                where d.run_id = $1 and d.month = $2 and d.customer_id = u.customer_id
            )',
        p_built
    ) using p_run_id, p_month;
end
$$;
comment on procedure crm.keep_unchanged_runs(bigint, date, regclass) is 'Leaves rows that a run has built unchanged with the run that published them, so that history can say since when.';

create or replace procedure crm.swap_month(p_run_id bigint, p_month date, p_built regclass, inout p_may_swap boolean)
language plpgsql
as $$
declare
    v_published regclass := crm.snapshot_partition('crm.snapshot', null, p_month);
begin
    if v_published is not null and p_may_swap then
        begin
            execute format('alter table crm.snapshot detach partition %s', v_published);
            execute format('drop table %s', v_published);
            v_published := null;
        exception when lock_not_available then
            -- somebody has read the snapshot in a transaction that is still open
            p_may_swap := false;
        end;
    end if;
    if v_published is not null then
        if p_built is null then
            delete from crm.snapshot s where s.month = p_month;
        elsif exists (select from crm.published_month p where p.month = p_month) then
            call crm.publish_in_place(p_run_id, p_month, p_built);
        else
            call crm.fill_month(p_month, p_built);
        end if;
        if p_built is not null then
            execute format('drop table %s', p_built);
        end if;
    elsif p_built is not null then
        execute format('alter table crm.snapshot attach partition %s for values in (%L)', p_built, p_month);
    end if;
end
$$;
comment on procedure crm.swap_month(bigint, date, regclass, boolean) is 'Puts a built table, or nothing, in the place of a published month; row by row where a reader''s transaction keeps the table.';

create or replace procedure crm.take_out(p_run_id bigint, p_month date, inout p_built regclass)
language plpgsql
as $$
declare
    v_suffix text := p_run_id || '_' || to_char(p_month, 'YYYY_MM');
begin
    execute format('alter table crm.snapshot_unpublished detach partition crm.%I', 'snapshot_' || v_suffix);
    -- the key's index gives the constraint its name too; a cluster renames no constraints
    execute format(
        'alter index crm.%I rename to %I', 'snapshot_' || v_suffix || '_pkey', 'published_' || v_suffix || '_pkey'
    );
    execute format('alter table crm.%I rename to %I', 'snapshot_' || v_suffix, 'published_' || v_suffix);
    execute format('alter table crm.%I reset (autovacuum_enabled)', 'published_' || v_suffix);
    p_built := format('crm.%I', 'published_' || v_suffix)::regclass;
end
$$;
comment on procedure crm.take_out(bigint, date, regclass) is 'Takes a built month out of the unpublished ones; gives its table.';

create or replace procedure crm.require_passed(p_run_id bigint)
language plpgsql
as $$
begin
    if not exists (select from ops.check_result c where c.run_id = p_run_id)
        or exists (
            select
            from ops.check_result c
            where c.run_id = p_run_id and c.severity = 'fail' and c.outcome in ('failed', 'not_evaluated')
        )
        -- a month that is to be built again was not audited
        or exists (
            select from ops.run_month m where m.run_id = p_run_id and m.rows_mode <> 'remove' and m.scored_at is null
        )
    then
        raise exception 'run % has not passed the gate; run the gate step first', p_run_id;
    end if;
end
$$;
comment on procedure crm.require_passed(bigint) is 'Stops the publication of a run that has not passed the gate.';

create or replace procedure crm.require_rules(p_run_id bigint)
language plpgsql
as $$
declare
    v_superseded text;
begin
    -- who activates rules waits, and then finds the months published
    perform pg_advisory_xact_lock_shared(ops.lock_key('rules'));
    v_superseded := crm.superseded_rules(p_run_id);
    if v_superseded is not null then
        raise exception 'run % was planned by other rules: %; start a new refresh', p_run_id, v_superseded;
    end if;
end
$$;
comment on procedure crm.require_rules(bigint) is 'Stops the publication of new months by rules that others have superseded; keeps activations waiting until the end of the transaction.';

-- A statement takes its list of partitions a moment before its view of the rows: of a month attached and shown in between,
-- it would find the summary without the customers.
create or replace function crm.attach_new_months(p_run_id bigint) returns integer
language plpgsql
as $$
declare
    v_month date;
    v_built regclass;
    v_attached integer := 0;
begin
    if (select r.status from ops.run r where r.run_id = p_run_id for update) <> 'building' then
        return 0;
    end if;
    call crm.require_passed(p_run_id);
    call crm.require_rules(p_run_id);
    for v_month in
        select m.month
        from ops.run_month m
        where
            m.run_id = p_run_id
            and m.rows_mode = 'all'
            and not exists (select from crm.published_month p where p.month = m.month)
            and crm.snapshot_partition('crm.snapshot', null, m.month) is null
        order by m.month
    loop
        call crm.take_out(p_run_id, v_month, v_built);
        execute format('alter table crm.snapshot attach partition %s for values in (%L)', v_built, v_month);
        v_attached := v_attached + 1;
    end loop;
    return v_attached;
end
$$;
comment on function crm.attach_new_months(bigint) is 'Attaches the months that were never published, before publication shows them by crm.published_month; in a transaction of its own. Gives their number.';

create or replace procedure crm.take_back_months(p_run_id bigint)
language plpgsql
as $$
declare
    v_month date;
    v_suffix text;
begin
    if (select r.status from ops.run r where r.run_id = p_run_id) = 'published' then
        return;
    end if;
    for v_month in
        select m.month
        from ops.run_month m
        where
            m.run_id = p_run_id
            and crm.snapshot_partition('crm.snapshot', p_run_id, m.month) is not null
            and crm.snapshot_partition('crm.snapshot_unpublished', p_run_id, m.month) is null
        order by m.month
    loop
        -- rows move, tables stay: to detach would wait for readers
        v_suffix := p_run_id || '_' || to_char(v_month, 'YYYY_MM');
        call crm.create_snapshot_partition(p_run_id, v_month);
        execute format('insert into crm.%I select * from crm.snapshot s where s.month = %L', 'snapshot_' || v_suffix, v_month);
        call crm.add_snapshot_key(format('crm.%I', 'snapshot_' || v_suffix)::regclass);
        delete from crm.snapshot s where s.month = v_month;
    end loop;
end
$$;
comment on procedure crm.take_back_months(bigint) is 'Makes attached months unpublished again where a run was stopped before publication and an earlier step is repeated.';

create or replace procedure crm.publish_run(p_run_id bigint)
language plpgsql
as $$
declare
    v_run ops.run;
    v_month ops.run_month;
    v_built regclass;
    v_is_published boolean;
    v_published_rows bigint;
    v_built_rows bigint;
    v_replaced bigint;
    v_swapped date[] := '{}';
    v_may_swap boolean := true;
begin
    select r.* into v_run from ops.run r where r.run_id = p_run_id for update;
    if v_run.status = 'published' then
        return;
    elsif v_run.status <> 'building' then
        raise exception 'run % is %: %; start a new refresh', p_run_id, v_run.status, coalesce(v_run.message, '');
    end if;
    call crm.require_passed(p_run_id);
    call crm.require_rules(p_run_id);
    update ops.run set published_at = ops.log_time() where run_id = p_run_id returning published_at into v_run.published_at;

    -- rows first, with readers undisturbed: history, and the months of which less than half is new
    for v_month in
        select m.*
        from ops.run_month m
        where
            m.run_id = p_run_id
            -- what is attached already needs only to be shown
            and not (m.rows_mode = 'all' and crm.snapshot_partition('crm.snapshot_unpublished', p_run_id, m.month) is null)
        order by m.month
    loop
        v_built := crm.snapshot_partition('crm.snapshot_unpublished', p_run_id, v_month.month);
        v_is_published := exists (select from crm.published_month p where p.month = v_month.month);
        v_published_rows := 0;
        -- what a run that was stopped has attached was never published: nothing of it is compared or kept
        if v_is_published then
            call crm.find_differing_rows(p_run_id, v_month.month, v_month.rows_mode);
            call crm.keep_history(p_run_id, v_month.month, v_replaced);
            select coalesce(sum(s.customers), 0)
            into v_published_rows
            from crm.month_summary s
            join crm.published_month p on p.month = s.month and p.run_id = s.run_id
            where s.month = v_month.month;
        end if;
        select coalesce(sum(s.customers), 0)
        into v_built_rows
        from crm.month_summary s
        where s.run_id = p_run_id and s.month = v_month.month;

        if v_month.rows_mode = 'touched' then
            call crm.publish_in_place(p_run_id, v_month.month, v_built);
        elsif v_month.rows_mode = 'all'
            and v_published_rows > 0
            and 2 * (v_published_rows - v_replaced) > v_built_rows
        then
            call crm.publish_in_place(p_run_id, v_month.month, v_built);
        elsif not v_is_published and crm.snapshot_partition('crm.snapshot', p_run_id, v_month.month) is not null then
            call crm.fill_month(v_month.month, v_built);
        else
            if v_month.rows_mode = 'all' then
                call crm.take_out(p_run_id, v_month.month, v_built);
                if v_published_rows > v_replaced then
                    call crm.keep_unchanged_runs(p_run_id, v_month.month, v_built);
                end if;
            end if;
            v_swapped := v_swapped || v_month.month;
        end if;
    end loop;
    -- then tables change places, which takes a moment
    for v_month in
        select m.* from ops.run_month m where m.run_id = p_run_id and m.month = any (v_swapped) order by m.month
    loop
        v_built := case when v_month.rows_mode = 'all' then
            format('crm.published_%s_%s', p_run_id, to_char(v_month.month, 'YYYY_MM'))::regclass
        end;
        call crm.swap_month(p_run_id, v_month.month, v_built, v_may_swap);
    end loop;

    delete from crm.published_month p
    using ops.run_month m
    where m.run_id = p_run_id and m.rows_mode = 'remove' and m.month = p.month;

    insert into crm.published_month as p (
        month, as_of_date, run_id, cut_run_id, rule_set_id, fact_set_id, is_frozen, is_open, short_history, thin_month,
        published_at
    )
    select
        m.month, m.as_of_date, m.run_id, m.cut_run_id, m.rule_set_id, m.fact_set_id, m.month < v_run.report_month, m.is_open,
        m.short_history, m.thin_month, v_run.published_at
    from ops.run_month m
    where m.run_id = p_run_id and m.rows_mode <> 'remove'
    on conflict (month) do update set
        as_of_date = excluded.as_of_date,
        run_id = excluded.run_id,
        cut_run_id = excluded.cut_run_id,
        rule_set_id = excluded.rule_set_id,
        fact_set_id = excluded.fact_set_id,
        is_frozen = excluded.is_frozen,
        is_open = excluded.is_open,
        short_history = excluded.short_history,
        thin_month = excluded.thin_month,
        published_at = excluded.published_at;

    delete from crm.month_summary s
    using crm.published_month p
    where p.month = s.month and p.run_id = p_run_id and s.run_id <> p_run_id;
    for v_month in select m.* from ops.run_month m where m.run_id = p_run_id and m.rows_mode = 'remove' loop
        call crm.drop_figures(null, v_month.month);
    end loop;
    delete from crm.pending_change c where c.changed_at <= v_run.known_at;
    delete from crm.differing_row d where d.run_id = p_run_id;

    update ops.run
    set status = 'published', message = 'published'
    where run_id = p_run_id;
end
$$;
comment on procedure crm.publish_run(bigint) is 'Publishes a run that has passed the gate.';

create or replace procedure crm.analyze_published(p_run_id bigint)
language plpgsql
set default_statistics_target = 10
as $$
declare
    v_table regclass;
begin
    for v_table in
        select crm.snapshot_partition('crm.snapshot', null, m.month)
        from ops.run_month m
        join crm.published_month p on p.month = m.month and p.run_id = m.run_id
        where m.run_id = p_run_id and m.rows_mode = 'all'
    loop
        execute format('analyze %s', v_table);
    end loop;
end
$$;
comment on procedure crm.analyze_published(bigint) is 'Gives the planner statistics of the months that a run has published whole, from few rows; maintain_warehouse takes more.';

create or replace procedure crm.analyze_snapshot()
language plpgsql
set default_statistics_target = 10
as $$
begin
    if exists (
        select
        from pg_stats s
        where s.schemaname = 'crm' and s.tablename = 'snapshot' and s.inherited and s.attname = 'customer_id'
    ) then
        return;
    end if;
    -- autovacuum leaves the whole of a partitioned table out: without it the planner takes every grouping for a large one,
    -- and two hundred ids for all
    analyze crm.snapshot (
        customer_id,
        customer_group,
        city,
        home_store_id,
        activity_status,
        value_tier,
        segment,
        lifecycle_event,
        growth_state,
        abc_class,
        previous_status,
        previous_tier,
        previous_segment,
        last_scored_tier
    );
end
$$;
comment on procedure crm.analyze_snapshot() is 'Gives the planner statistics of the whole snapshot after the first publication; from then on maintain_warehouse does.';

create or replace function crm.tables_to_vacuum(p_run_id bigint) returns setof regclass
language plpgsql stable
as $$
begin
    return query
    select crm.snapshot_partition('crm.snapshot', null, m.month)
    from ops.run_month m
    join crm.published_month p on p.month = m.month and p.run_id = m.run_id
    where m.run_id = p_run_id
    union all
    select 'core.customer_version'::regclass;
end
$$;
comment on function crm.tables_to_vacuum(bigint) is 'Tables whose indexes pages are answered from and that changed with a run: its months, and the customers.';
