-- A published row has the attributes of the version that is valid at the month's as-of date and known to the publication. Where that
-- is the newest version too, the row itself says what the current master does.

create or replace function mart.customers_changed_after(p_as_of_date date, p_known_at timestamptz)
returns table (customer_id text, opt_in_email boolean, opt_in_sms boolean, opt_in_phone boolean)
language sql stable parallel safe
begin atomic
    select
        v.customer_id,
        v.opt_in_email,
        v.opt_in_sms,
        v.opt_in_phone
    from core.customer_version v
    where
        v.version_to = 'infinity'
        and v.known_to = 'infinity'
        and (v.version_from > p_as_of_date or v.known_from > p_known_at);
end;
comment on function mart.customers_changed_after(date, timestamptz) is
    'Customers whose newest version in the master begins after a day or was not known at a time. Of a closed customer the opt-ins are unknown.';

-- The planner takes such customers for few only where it sees the day and the time.
create or replace function mart.customers_changed_since(p_month date)
returns table (customer_id text, opt_in_email boolean, opt_in_sms boolean, opt_in_phone boolean)
language plpgsql stable parallel safe
set plan_cache_mode = force_custom_plan
as $$
declare
    v_as_of_date date := (select m.as_of_date from mart.month m where m.month = p_month);
    v_known_at timestamptz := (select max(p.known_at) from mart.publication p);
begin
    return query select a.* from mart.customers_changed_after(v_as_of_date, v_known_at) as a;
end
$$;
comment on function mart.customers_changed_since(date) is
    'Customers for whom the newest master may say something else than their row of a published month, with what it says.';
