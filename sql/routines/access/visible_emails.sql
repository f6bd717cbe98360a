create or replace function access.emails_seen_by(p_email text) returns setof text
language sql stable parallel safe rows 10
begin atomic
    select u.email
    from access.user_account me
    join access.user_account u
        on u.email = me.email
        or (me.role = 'supervisor' and u.supervisor_email = me.email)
    where me.email = p_email and me.is_active and me.role in ('sales', 'supervisor');
end;

comment on function access.emails_seen_by(text) is
    'E-mail addresses whose customers a user sees who does not see all: their own; for a supervisor also those of the users whom they supervise.';

create or replace function access.visible_emails() returns setof text
language sql stable parallel safe security definer rows 10
set search_path = pg_catalog, pg_temp
begin atomic
    select seen.email
    from access.emails_seen_by(access.current_email()) as seen (email);
end;

comment on function access.visible_emails() is 'E-mail addresses whose customers the current user sees.';
