-- Signing in, for the dashboard's login: it reads no table of users, only these answers. The password is compared by the
-- caller; an attempt is counted before, so that many at once are not more than the limit allows.

-- pg_temp comes last: else a type of the caller's own, named text, would run its check with the rights of the owner.
create or replace function access.begin_sign_in(p_email text) returns table (state text, password_hash text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user access.user_account;
    v_attempts integer := (select s.value::integer from ops.setting s where s.setting = 'sign_in_attempts');
    v_minutes integer := (select s.value::integer from ops.setting s where s.setting = 'sign_in_lock_minutes');
begin
    select u.* into v_user from access.user_account u where u.email = lower(p_email) for update;
    if v_user.email is null then
        return query select 'unknown_user', null::text;
    elsif not v_user.is_active then
        return query select 'inactive', null::text;
    elsif v_user.locked_until > clock_timestamp() then
        return query select 'locked', null::text;
    else
        update access.user_account u
        set
            failed_attempts = case when u.locked_until is null then u.failed_attempts + 1 else 1 end,
            locked_until = case
                when (case when u.locked_until is null then u.failed_attempts + 1 else 1 end) >= v_attempts
                    then clock_timestamp() + make_interval(mins => v_minutes)
            end
        where u.email = v_user.email;
        return query select 'open', v_user.password_hash;
    end if;
end
$$;
comment on function access.begin_sign_in(text) is
    'Counts an attempt to sign in with a password: state open with the hash to compare, else unknown_user, inactive or locked. The attempt that reaches the limit locks the user unless it succeeds.';

create or replace function access.end_sign_in(p_email text, p_method text, p_outcome text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into access.sign_in_event (email, method, outcome)
    values (case when p_email like '%_@_%' then left(p_email, 254) end, p_method, p_outcome);
    if p_outcome = 'signed_in' then
        update access.user_account u
        set failed_attempts = 0, locked_until = null, last_sign_in_at = clock_timestamp()
        where u.email = lower(p_email);
    end if;
end
$$;
comment on function access.end_sign_in(text, text, text) is
    'Notes how an attempt to sign in, or a session, ended; a sign-in clears the count of attempts. What is no e-mail address is not kept: it may be a password in the wrong field.';

create or replace function access.find_user(p_email text)
returns table (email text, full_name text, role text, visible text, stamp text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
begin atomic
    select
        u.email,
        coalesce(u.full_name, u.email),
        u.role,
        access.visible_stamp(u.email),
        md5(concat_ws(
            ' ',
            u.created_at,
            u.password_hash,
            (select max(e.happened_at) from access.sign_in_event e where e.email = u.email and e.outcome = 'signed_out')
        ))
    from access.user_account u
    where u.email = lower(p_email) and u.is_active;
end;
comment on function access.find_user(text) is
    'An active user; visible changes whenever the customers may change that a restricted user sees, stamp with every new password and sign-out.';

create or replace function access.has_signed_out_since(p_email text, p_moment timestamptz) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
begin atomic
    select exists (
        select
        from access.sign_in_event e
        where e.email = lower(p_email) and e.outcome = 'signed_out' and e.happened_at >= p_moment
    );
end;
comment on function access.has_signed_out_since(text, timestamptz) is
    'Whether a user has signed out since a moment: what the company''s login had said before then lets nobody in any more.';

create or replace procedure access.grant_dashboard()
language plpgsql
as $$
begin
    revoke all on function access.begin_sign_in(text) from public;
    revoke all on function access.end_sign_in(text, text, text) from public;
    revoke all on function access.find_user(text) from public;
    revoke all on function access.has_signed_out_since(text, timestamptz) from public;
    if exists (select from pg_roles r where r.rolname = 'dashboard') then
        grant usage on schema access to dashboard;
        grant execute on function access.begin_sign_in(text) to dashboard;
        grant execute on function access.end_sign_in(text, text, text) to dashboard;
        grant execute on function access.find_user(text) to dashboard;
        grant execute on function access.has_signed_out_since(text, timestamptz) to dashboard;
    end if;
end
$$;
comment on procedure access.grant_dashboard() is 'Lets the login role dashboard, and nobody else, sign users in.';
