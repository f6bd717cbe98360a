create or replace function mart.log_export(p_export jsonb) returns bigint
language sql security definer
set search_path = pg_catalog, pg_temp
begin atomic
    insert into ops.export_log (
        exported_by, month, run_id, audience_id, channel, filters, has_contact, file_name, format, rows, bytes, sha256,
        file_id
    )
    select
        coalesce(access.current_email(), session_user),
        e.month, e.run_id, e.audience_id, e.channel, e.filters, e.has_contact, e.file_name, e.format, e.rows, e.bytes,
        e.sha256, e.file_id
    from jsonb_to_record(p_export) as e (
        month date, run_id bigint, audience_id bigint, channel text, filters jsonb, has_contact boolean, file_name text,
        format text, rows bigint, bytes bigint, sha256 text, file_id bigint
    )
    returning export_id;
end;
comment on function mart.log_export(jsonb) is 'Notes that the current user has taken a customer list, a summary, or with file_id the rejects of a file, away; gives the key of the note.';

-- masking itself decides, so that no rule is written twice
create or replace function mart.rejects_have_contact(p_file_id bigint) returns boolean
language sql stable
begin atomic
    select mart.may_read_contact() and exists (
        select from ops.rejected_record r
        join ops.file f on f.file_id = r.file_id
        where r.file_id = p_file_id
            and r.resolution is null
            and mart.masked_row(r.raw_row, f.feed, r.reasons, f.column_map) is distinct from r.raw_row
    );
end;
comment on function mart.rejects_have_contact(bigint) is 'Whether the open rejects of a file, as the connected role reads them, hold what would be masked for others because it may be personal data.';

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
        'mart.save_audience(bigint, timestamptz, text, jsonb, numeric)',
        'mart.delete_audience(bigint)',
        'mart.log_export(jsonb)'
    ]::regprocedure[] loop
        execute format('revoke all on function %s from public', v_function);
        if exists (select from pg_roles r where r.rolname = 'dashboard') then
            execute format('grant execute on function %s to dashboard', v_function);
        end if;
    end loop;
end
$$;
comment on procedure mart.grant_writers() is 'Lets the login role dashboard, and nobody else, save audiences and note exports.';
