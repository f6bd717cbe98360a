create or replace function access.visible_emails() returns setof text
language sql stable parallel safe security definer rows 10
begin atomic
    select u.email
    from access.user_account me
    join access.user_account u
        on u.email = me.email
        or (me.role = 'supervisor' and u.supervisor_email = me.email)
    where me.email = access.current_email() and me.is_active and me.role in ('sales', 'supervisor');
end;

comment on function access.visible_emails() is
    'E-mail addresses whose customers the current user sees: their own; for a supervisor also those of the users whom they supervise.';

create or replace function access.visible_customers() returns setof text
language sql stable parallel safe security definer rows 2000
begin atomic
    select v.customer_id
    from core.customer_version v
    where
        lower(v.responsible_email) in (select access.visible_emails())
        and v.version_to = 'infinity'
        and v.known_to = 'infinity';
end;

comment on function access.visible_customers() is
    'Customers of the current user by the responsible_email of the current master. It reads as the owner, so that policies may ask it.';
