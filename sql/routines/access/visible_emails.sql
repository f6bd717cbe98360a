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

create or replace function access.visible_stamp(p_email text) returns text
language sql stable parallel safe
begin atomic
    select md5(concat_ws(
        ' ',
        array(select seen.email from access.emails_seen_by(p_email) as seen (email) order by seen.email)::text,
        (select extract(epoch from max(f.loaded_at)) from ops.file f where f.feed = 'customers' and f.status = 'loaded')
    ));
end;

comment on function access.visible_stamp(text) is
    'A text that changes whenever the customers may change that a user sees who does not see all: with each customers file, and with the users.';

create or replace function access.visible_emails() returns setof text
language sql stable parallel safe security definer rows 10
begin atomic
    select seen.email
    from access.emails_seen_by(access.current_email()) as seen (email);
end;

comment on function access.visible_emails() is 'E-mail addresses whose customers the current user sees.';

create or replace function access.asked_customer() returns text
language sql stable parallel safe
return nullif(current_setting('warehouse.customer', true), '');

comment on function access.asked_customer() is
    'The one customer whom a transaction asks for (setting warehouse.customer), or null: it narrows what a user sees, so that one customer is not looked up among all of theirs.';
