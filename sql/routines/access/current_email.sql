create or replace function access.current_email() returns text
language sql stable parallel safe
begin atomic
    select lower(nullif(current_setting('warehouse.user', true), ''))
    where exists (
        select
        from pg_roles r
        where r.rolname = 'sales_reader' and pg_has_role(session_user, r.oid, 'member')
    );
end;

comment on function access.current_email() is
    'E-mail address of the user for whom the dashboard asks (setting warehouse.user). The setting counts only in sessions of a login that may take the role sales_reader: an analyst who sets it is still nobody.';
