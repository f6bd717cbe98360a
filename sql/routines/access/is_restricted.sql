create or replace function access.is_restricted() returns boolean
language sql stable parallel safe
begin atomic
    select row_security_active('crm.snapshot'::regclass) and not exists (
        select
        from pg_roles r
        where r.rolname in ('mart_reader', 'contact_reader') and pg_has_role(current_user, r.oid, 'usage')
    );
end;

comment on function access.is_restricted() is
    'Whether the connected role sees some customers only: totals are then computed from these, and figures that speak of all are left out.';
