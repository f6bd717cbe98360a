create or replace function mart.save_audience(
    p_audience_id bigint, p_name text, p_definition jsonb, p_holdout_percent numeric
) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_owner text := coalesce(access.current_email(), session_user);
    v_audience_id bigint;
begin
    if p_audience_id is null then
        insert into crm.audience as a (name, owner, definition, holdout_percent)
        values (p_name, v_owner, p_definition, p_holdout_percent)
        on conflict (owner, name) do update set
            definition = excluded.definition,
            holdout_percent = excluded.holdout_percent,
            changed_at = clock_timestamp()
        returning a.audience_id into v_audience_id;
    else
        update crm.audience a
        set name = p_name, definition = p_definition, holdout_percent = p_holdout_percent, changed_at = clock_timestamp()
        where a.audience_id = p_audience_id and a.owner = v_owner
        returning a.audience_id into v_audience_id;
        if v_audience_id is null then
            raise exception 'audience % is not one of %; save it under another name', p_audience_id, v_owner;
        end if;
    end if;
    return v_audience_id;
end
$$;
comment on function mart.save_audience(bigint, text, jsonb, numeric) is
    'Saves an audience for the current user, without a key as a new one or in place of theirs of the same name; gives its key. The caller has checked the definition.';

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
