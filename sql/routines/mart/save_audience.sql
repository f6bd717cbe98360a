create or replace function mart.save_audience(
    p_audience_id bigint, p_changed_at timestamptz, p_name text, p_definition jsonb, p_holdout_percent numeric
) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_owner text := coalesce(access.current_email(), session_user);
    v_audience_id bigint;
    v_found crm.audience;
begin
    if p_audience_id is null then
        insert into crm.audience as a (name, owner, definition, holdout_percent)
        values (p_name, v_owner, p_definition, p_holdout_percent)
        returning a.audience_id into v_audience_id;
        return v_audience_id;
    end if;
    -- of two windows the one that knows the newest state saves
    update crm.audience a
    set name = p_name, definition = p_definition, holdout_percent = p_holdout_percent, changed_at = clock_timestamp()
    where a.audience_id = p_audience_id and a.owner = v_owner and a.changed_at = p_changed_at
    returning a.audience_id into v_audience_id;
    if v_audience_id is null then
        select a.* into v_found from crm.audience a where a.audience_id = p_audience_id;
        raise exception '%', case
            when v_found.owner = v_owner then
                'it was saved in another window since; go back to what was saved, or save yours under another name'
            when v_found.owner is not null then
                'this audience is somebody else''s; save it as new'
            else 'this audience does not exist any more; save it as new'
        end;
    end if;
    return v_audience_id;
end
$$;
comment on function mart.save_audience(bigint, timestamptz, text, jsonb, numeric) is
    'Saves an audience for the current user and gives its key: without a key as a new one, under a name that no other of theirs has; with one in place of theirs, if that was changed last at p_changed_at. The caller has checked the definition.';

create or replace function mart.delete_audience(p_audience_id bigint) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from crm.audience a
    where a.audience_id = p_audience_id and a.owner = coalesce(access.current_email(), session_user);
    return found;
end
$$;
comment on function mart.delete_audience(bigint) is 'Deletes an audience of the current user; gives whether there was one.';
