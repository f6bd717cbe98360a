create or replace function ops.drop_expired_runs() returns setof text
language plpgsql
as $$
declare
    v_run ops.run;
    v_fact_set_id integer;
    v_days integer := (select s.value::integer from ops.setting s where s.setting = 'unpublished_retention_days');
    v_before timestamptz := clock_timestamp() - make_interval(days => v_days);
begin
    -- no build may be using what is dropped
    perform pg_advisory_xact_lock(ops.lock_key('refresh'));

    update ops.run
    set status = 'abandoned', message = 'it was interrupted'
    where status = 'building' and started_at < v_before;

    for v_run in
        select r.*
        from ops.run r
        where r.status <> 'building' and r.started_at < v_before
        order by r.run_id
    loop
        return query
        select i.inhrelid::regclass::text
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where
            i.inhparent in ('crm.measure'::regclass, 'crm.snapshot_unpublished'::regclass)
            and c.relname ~ ('^(measure|snapshot)_' || v_run.run_id || '_\d{4}_\d{2}$');
        call crm.drop_run_tables(v_run.run_id);
        delete from crm.touched_customer where run_id = v_run.run_id;
        delete from crm.touched_fact where run_id = v_run.run_id;
        delete from crm.measure_marker where run_id = v_run.run_id;
        delete from crm.fact_chunk where run_id = v_run.run_id;
        if v_run.kind = 'rebuild' then
            for v_fact_set_id in
                select distinct m.fact_set_id from ops.run_month m where m.run_id = v_run.run_id
            loop
                call crm.drop_fact_set(v_fact_set_id);
            end loop;
        end if;
        call crm.drop_figures(v_run.run_id, null);
        if v_run.status <> 'published' then
            delete from crm.cut_point where run_id = v_run.run_id;
        end if;
    end loop;

    delete from ops.run where status = 'nothing_to_do' and started_at < v_before;
end
$$;
comment on function ops.drop_expired_runs() is 'Drops what runs older than unpublished_retention_days left unpublished, and forgets those with nothing to do; gives the tables.';
