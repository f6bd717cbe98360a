-- A file whose bytes are already in force is not loaded again.

create or replace function ops.sales_in_force(p_year integer, p_part integer) returns bigint
language sql stable
return (
    select f.file_id
    from ops.file f
    left join ops.file_year d on d.file_id = f.file_id and d.period_year = p_year
    where
        f.feed = 'sales'
        and f.status = 'loaded'
        and (
            f.period_year = p_year and (f.period_part is null or p_part is null or f.period_part = p_part)
            -- a delta also when its waiting lines were accepted
            or d.touched_at is not null
        )
    order by coalesce(d.touched_at, f.loaded_at) desc
    limit 1
);
comment on function ops.sales_in_force(integer, integer) is 'The last sales file that spoke for lines of a year, or of one part of it (null: of any).';

create or replace function ops.find_in_force(p_file_id bigint) returns text
language plpgsql stable
as $$
declare
    v_file ops.file;
    v_in_force ops.file;
    v_loaded ops.file;
begin
    select f.* into v_file from ops.file f where f.file_id = p_file_id;

    if v_file.feed <> 'sales' then
        -- the master that holds at the effective date; a skipped file says it for its day, as for core.accept_master
        select f.* into v_in_force
        from ops.file f
        where
            f.feed = v_file.feed
            and f.status in ('loaded', 'skipped')
            and f.effective_date <= v_file.effective_date
        order by f.effective_date desc, f.file_id desc
        limit 1;
    elsif v_file.delta_date is not null then
        -- the last one of its day, unless a yearly file has spoken for its lines since
        select f.* into v_in_force
        from ops.file f
        where
            f.feed = 'sales'
            and f.status = 'loaded'
            and f.delta_date = v_file.delta_date
            and not exists (
                select
                from ops.file_year d
                join ops.file y on y.feed = 'sales' and y.status = 'loaded' and y.period_year = d.period_year
                where d.file_id = f.file_id and y.loaded_at > f.loaded_at
            )
        order by f.loaded_at desc
        limit 1;
    else
        select f.* into v_in_force
        from ops.file f
        where f.file_id = ops.sales_in_force(v_file.period_year, v_file.period_part);
        if v_in_force.period_year is distinct from v_file.period_year
            or v_in_force.period_part is distinct from v_file.period_part
        then
            return null;
        end if;
    end if;
    if (v_in_force.sha256 = v_file.sha256) is not true then
        return null;
    end if;
    v_loaded := v_in_force;
    -- a skipped file brought nothing: back to the one that it was skipped for, which may have been skipped too
    while v_loaded.status = 'skipped' loop
        select f.* into v_loaded
        from ops.file f
        where
            f.sha256 = v_file.sha256
            and f.feed = v_file.feed
            and f.status in ('loaded', 'skipped')
            and f.effective_date <= v_loaded.effective_date
            and f.file_id < v_loaded.file_id
        order by f.effective_date desc, f.file_id desc
        limit 1;
    end loop;
    return format('its bytes equal %s, in force since %s', v_loaded.file_name, v_loaded.loaded_at::timestamptz(0));
end
$$;
comment on function ops.find_in_force(bigint) is 'Why a file need not be loaded (its bytes are in force for its feed and period), or null.';
