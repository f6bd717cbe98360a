-- The tables that a run builds into: made before the first step so that parallel sessions need no lock on the parents.

create or replace procedure crm.create_run_partitions(p_run_id bigint)
language plpgsql
as $$
declare
    v_month date;
    v_suffix text;
    v_bounds text;
begin
    call crm.drop_run_tables(p_run_id);
    for v_month in
        select m.month from ops.run_month m where m.run_id = p_run_id and m.rows_mode <> 'remove' order by m.month
    loop
        v_suffix := p_run_id || '_' || to_char(v_month, 'YYYY_MM');
        v_bounds := format(
            'for values from (%s, %L) to (%s, %L)', p_run_id, v_month, p_run_id, (v_month + interval '1 month')::date
        );
        -- measures are work in progress: a crashed server begins the run's months again
        execute format('create unlogged table crm.%I (like crm.measure) with (autovacuum_enabled = false)', 'measure_' || v_suffix);
        execute format('alter table crm.measure attach partition crm.%I %s', 'measure_' || v_suffix, v_bounds);
        execute format(
            'comment on table crm.%I is %L', 'measure_' || v_suffix, 'Measures of ' || v_month || ', run ' || p_run_id || '.'
        );
        call crm.create_snapshot_partition(p_run_id, v_month);
    end loop;
end
$$;
comment on procedure crm.create_run_partitions(bigint) is 'Creates the unpublished tables of a run, one a month.';

create or replace procedure crm.create_snapshot_partition(p_run_id bigint, p_month date)
language plpgsql
as $$
declare
    v_suffix text := p_run_id || '_' || to_char(p_month, 'YYYY_MM');
begin
    -- autovacuum would hold locks that publication needs; crm.take_out turns it on
    execute format('create table crm.%I (like crm.snapshot_unpublished) with (autovacuum_enabled = false)', 'snapshot_' || v_suffix);
    execute format(
        'alter table crm.%I add constraint %I check (month is not null and month = %L)',
        'snapshot_' || v_suffix, 'month_' || v_suffix, p_month
    );
    execute format(
        'alter table crm.snapshot_unpublished attach partition crm.%I for values from (%s, %L) to (%s, %L)',
        'snapshot_' || v_suffix, p_run_id, p_month, p_run_id, (p_month + interval '1 month')::date
    );
    execute format(
        'comment on table crm.%I is %L', 'snapshot_' || v_suffix, 'Snapshot of ' || p_month || ', run ' || p_run_id || '.'
    );
end
$$;
comment on procedure crm.create_snapshot_partition(bigint, date) is 'Creates the unpublished table of a month of a run.';

create or replace procedure crm.drop_run_tables(p_run_id bigint)
language plpgsql
as $$
declare
    v_table regclass;
begin
    for v_table in
        select i.inhrelid::regclass
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where
            i.inhparent in ('crm.measure'::regclass, 'crm.snapshot_unpublished'::regclass)
            and c.relname ~ ('^(measure|snapshot)_' || p_run_id || '_\d{4}_\d{2}$')
    loop
        execute format('drop table %s', v_table);
    end loop;
    delete from crm.touched_customer where run_id = p_run_id and not exists (
        select from ops.run_month m where m.run_id = p_run_id
    );
end
$$;
comment on procedure crm.drop_run_tables(bigint) is 'Drops the unpublished tables of a run.';

create or replace procedure crm.ensure_fact_partitions(p_fact_set_id integer, p_from_month date, p_to_month date)
language plpgsql
as $$
declare
    v_month date;
    v_name text;
begin
    for v_month in select d::date from generate_series(p_from_month::timestamp, p_to_month, interval '1 month') as d loop
        v_name := format('customer_month_%s_%s', p_fact_set_id, to_char(v_month, 'YYYY_MM'));
        if to_regclass('crm.' || v_name) is null then
            execute format('create table crm.%I (like crm.customer_month)', v_name);
            execute format(
                'alter table crm.customer_month attach partition crm.%I for values from (%s, %L) to (%s, %L)',
                v_name, p_fact_set_id, v_month, p_fact_set_id, (v_month + interval '1 month')::date
            );
            execute format('comment on table crm.%I is %L', v_name, 'Facts of ' || v_month || '.');
        end if;
    end loop;
end
$$;
comment on procedure crm.ensure_fact_partitions(integer, date, date) is 'Creates the missing month partitions of crm.customer_month.';

create or replace procedure crm.drop_fact_set(p_fact_set_id integer)
language plpgsql
as $$
declare
    v_table regclass;
begin
    for v_table in
        select i.inhrelid::regclass
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'crm.customer_month'::regclass and c.relname ~ ('^customer_month_' || p_fact_set_id || '_\d{4}_\d{2}$')
    loop
        execute format('drop table %s', v_table);
    end loop;
    delete from crm.customer_known where fact_set_id = p_fact_set_id;
    delete from crm.fact_set f
    where
        f.fact_set_id = p_fact_set_id
        and f.known_at is not null
        -- a rebuild of the same known time that is not finished has planned with it
        and not exists (
            select
            from ops.run_month m
            join ops.run r on r.run_id = m.run_id
            where m.fact_set_id = f.fact_set_id and r.status = 'building'
        );
end
$$;
comment on procedure crm.drop_fact_set(integer) is 'Drops the facts of a rebuild, and the fact set once no build refers to it.';
