create or replace function ops.drop_expired_raw() returns setof text
language plpgsql
as $$
declare
    v_file record;
    v_days integer := (select s.value::integer from ops.setting s where s.setting = 'raw_retention_days');
begin
    -- no load may be copying into, or reading, what is dropped
    perform pg_advisory_xact_lock(ops.lock_key('load'));
    for v_file in
        select f.file_id, to_regclass(format('raw.%I', format('%s_%s', f.feed, f.file_id))) as raw_table
        from ops.file f
        where
            f.status not in ('received', 'held')
            and f.received_at < clock_timestamp() - make_interval(days => v_days)
        order by f.file_id
    loop
        delete from raw.line_shift where file_id = v_file.file_id;
        delete from raw.unreadable_row where file_id = v_file.file_id;
        if v_file.raw_table is not null then
            return next v_file.raw_table::text;
            execute format('drop table %s', v_file.raw_table);
        end if;
    end loop;
end
$$;
comment on function ops.drop_expired_raw() is 'Drops the rows as received of files older than raw_retention_days, unless they wait for a decision; gives the tables.';
