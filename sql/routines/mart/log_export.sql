create or replace function mart.log_export(p_export jsonb) returns bigint
language sql security definer
set search_path = pg_catalog
begin atomic
    insert into ops.export_log (
        exported_by, month, run_id, audience_id, channel, filters, has_contact, file_name, format, rows, bytes, sha256
    )
    select
        coalesce(access.current_email(), session_user),
        e.month, e.run_id, e.audience_id, e.channel, e.filters, e.has_contact, e.file_name, e.format, e.rows, e.bytes,
        e.sha256
    from jsonb_to_record(p_export) as e (
        month date, run_id bigint, audience_id bigint, channel text, filters jsonb, has_contact boolean, file_name text,
        format text, rows bigint, bytes bigint, sha256 text
    )
    returning export_id;
end;
comment on function mart.log_export(jsonb) is 'Notes that the current user has taken a customer list away; gives the key of the note.';

create or replace procedure mart.grant_writers()
language plpgsql
as $$
declare
    v_function regprocedure;
begin
    if exists (select from pg_roles r where r.rolname = 'dashboard') then
        grant usage on schema mart to dashboard;
    end if;
    foreach v_function in array array[
        'mart.save_audience(bigint, text, jsonb, numeric)', 'mart.delete_audience(bigint)', 'mart.log_export(jsonb)'
    ]::regprocedure[] loop
        execute format('revoke all on function %s from public', v_function);
        if exists (select from pg_roles r where r.rolname = 'dashboard') then
            execute format('grant execute on function %s to dashboard', v_function);
        end if;
    end loop;
end
$$;
comment on procedure mart.grant_writers() is 'Lets the login role dashboard, and nobody else, save audiences and note exports.';
