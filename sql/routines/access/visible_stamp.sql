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
