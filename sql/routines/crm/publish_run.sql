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
        and c.relname ~ ('^snapshot_' || coalesce(p_run_id::text, '\d+') || '_' || to_char(p_month, 'YYYY_MM') || '$')
);
comment on function crm.snapshot_partition(regclass, bigint, date) is 'The table that holds a month: published, or of a run.';

create or replace procedure crm.keep_history(p_run_id bigint, p_month date, p_mode text)
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
        select %1$s, r.published_at, transaction_timestamp(), $1
        from crm.snapshot s
        %2$s
        left join crm.snapshot_unpublished u on u.run_id = $1 and u.month = $2 and u.customer_id = s.customer_id
        join ops.run r on r.run_id = s.run_id
        where s.month = $2 and (u.customer_id is null or (%3$s) is distinct from (%4$s))',
        v_columns,
        case when p_mode = 'touched' then
            'join crm.touched_customer t on t.run_id = $1 and t.customer_id = s.customer_id and t.from_month <= $2'
        else '' end,
        crm.snapshot_columns('s'),
        crm.snapshot_columns('u')
    ) using p_run_id, p_month;
end
$$;
comment on procedure crm.keep_history(bigint, date, text) is 'Copies the published rows of a month that a run changes or removes to crm.snapshot_history.';

create or replace procedure crm.publish_touched(p_run_id bigint, p_month date)
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
        'update crm.snapshot s
        set %1$s
        from crm.snapshot_unpublished u
        where
            u.run_id = $1 and u.month = $2 and s.month = $2 and s.customer_id = u.customer_id
            and (%2$s) is distinct from (%3$s)',
        v_assignments, crm.snapshot_columns('s'), crm.snapshot_columns('u')
    ) using p_run_id, p_month;

    delete from crm.snapshot s
    using crm.touched_customer t
    where
        t.run_id = p_run_id
        and t.from_month <= p_month
        and s.month = p_month
        and s.customer_id = t.customer_id
        and not exists (
            select
            from crm.snapshot_unpublished u
            where u.run_id = p_run_id and u.month = p_month and u.customer_id = s.customer_id
        );

    insert into crm.snapshot
    select u.*
    from crm.snapshot_unpublished u
    where
        u.run_id = p_run_id
        and u.month = p_month
        and not exists (select from crm.snapshot s where s.month = p_month and s.customer_id = u.customer_id);
end
$$;
comment on procedure crm.publish_touched(bigint, date) is 'Updates, removes and adds the touched customers'' rows of a published month.';

create or replace procedure crm.publish_whole(p_run_id bigint, p_month date)
language plpgsql
as $$
declare
    v_new regclass := crm.snapshot_partition('crm.snapshot_unpublished', p_run_id, p_month);
    v_old regclass := crm.snapshot_partition('crm.snapshot', null, p_month);
begin
    execute format('alter table crm.snapshot_unpublished detach partition %s', v_new);
    if v_old is not null then
        execute format('alter table crm.snapshot detach partition %s', v_old);
        execute format('drop table %s', v_old);
    end if;
    execute format('alter table crm.snapshot attach partition %s for values in (%L)', v_new, p_month);
end
$$;
comment on procedure crm.publish_whole(bigint, date) is 'Puts a whole built month in the place of the published one.';

create or replace procedure crm.publish_run(p_run_id bigint)
language plpgsql
as $$
declare
    v_run ops.run;
    v_month ops.run_month;
    v_old regclass;
begin
    select r.* into v_run from ops.run r where r.run_id = p_run_id for update;
    if v_run.status = 'published' then
        return;
    elsif v_run.status <> 'building' then
        raise exception 'run % is %: %; start a new refresh', p_run_id, v_run.status, coalesce(v_run.message, '');
    elsif not exists (select from ops.check_result c where c.run_id = p_run_id)
        or exists (
            select
            from ops.check_result c
            where c.run_id = p_run_id and c.severity = 'fail' and c.outcome in ('failed', 'not_evaluated')
        )
    then
        raise exception 'run % has not passed the gate; run the gate step first', p_run_id;
    end if;

    for v_month in select m.* from ops.run_month m where m.run_id = p_run_id order by m.month loop
        if exists (select from crm.published_month p where p.month = v_month.month) then
            call crm.keep_history(p_run_id, v_month.month, v_month.rows_mode);
        end if;
    end loop;
    for v_month in select m.* from ops.run_month m where m.run_id = p_run_id order by m.month loop
        if v_month.rows_mode = 'all' then
            call crm.publish_whole(p_run_id, v_month.month);
        elsif v_month.rows_mode = 'touched' then
            call crm.publish_touched(p_run_id, v_month.month);
        else
            v_old := crm.snapshot_partition('crm.snapshot', null, v_month.month);
            execute format('alter table crm.snapshot detach partition %s', v_old);
            execute format('drop table %s', v_old);
        end if;
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
        m.short_history, m.thin_month, transaction_timestamp()
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
    delete from crm.month_summary s
    using ops.run_month m
    where m.run_id = p_run_id and m.rows_mode = 'remove' and s.month = m.month;
    delete from crm.pending_change c where c.changed_at <= v_run.known_at;

    update ops.run
    set status = 'published', published_at = transaction_timestamp(), message = 'published'
    where run_id = p_run_id;
end
$$;
comment on procedure crm.publish_run(bigint) is 'Publishes a run that has passed the gate.';
