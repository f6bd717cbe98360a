-- Customers by where they were in one month and are in another.

create or replace function mart.value_of(p_dimension text, p_value_tier text, p_activity_status text, p_segment text)
returns text
language sql immutable parallel safe
return case p_dimension
    when 'value_tier' then p_value_tier
    when 'activity_status' then p_activity_status
    when 'segment' then p_segment
end;
comment on function mart.value_of(text, text, text, text) is 'The value of the dimension value_tier, activity_status or segment.';

-- It has no settings of its own, so that it becomes part of the statement that asks it: the planner then sees the months.
create or replace function mart.count_movement(p_earlier date, p_later date, p_dimension text, p_is_upper_half boolean)
returns table (origin text, destination text, customers bigint, monetary numeric)
language sql stable parallel safe
begin atomic
    select
        mart.value_of(p_dimension, earlier.value_tier, earlier.activity_status, earlier.segment),
        mart.value_of(p_dimension, later.value_tier, later.activity_status, later.segment),
        count(*),
        sum(later.monetary_cents) * 0.01
    from crm.snapshot later
    left join crm.snapshot earlier
        on earlier.customer_id = later.customer_id
        and case
            when p_is_upper_half then earlier.customer_id >= (select crm.middle_customer())
            else earlier.customer_id < (select crm.middle_customer())
        end
        and earlier.month = p_earlier
        and earlier.month = any (array(select p.month from crm.published_month p))
    where
        later.month = p_later
        and later.month = any (array(select p.month from crm.published_month p))
        and case
            when p_is_upper_half then later.customer_id >= (select crm.middle_customer())
            else later.customer_id < (select crm.middle_customer())
        end
    group by 1, 2;
end;
comment on function mart.count_movement(date, date, text, boolean) is
    'What mart.movement returns, of half of the customers and with a plan that the planner finds by itself.';

create or replace function mart.count_own_movement(p_earlier date, p_later date, p_dimension text)
returns table (origin text, destination text, customers bigint, monetary numeric)
language sql stable parallel safe
begin atomic
    select
        mart.value_of(p_dimension, earlier.value_tier, earlier.activity_status, earlier.segment),
        mart.value_of(p_dimension, later.value_tier, later.activity_status, later.segment),
        count(*),
        sum(later.monetary_cents) * 0.01
    from crm.snapshot later
    left join crm.snapshot earlier
        on earlier.customer_id = later.customer_id
        and earlier.month = p_earlier
    where
        later.month = p_later
        and later.customer_id = any (array(select mart.my_customers()))
        and exists (select from crm.published_month p where p.month = p_earlier)
        and exists (select from crm.published_month p where p.month = p_later)
    group by 1, 2;
end;
comment on function mart.count_own_movement(date, date, text) is
    'What mart.movement returns, of the customers of a user who sees few: each is looked up in both months.';

-- Both months lie in the order of customer_id in the indexes of their keys, status, tier and segment with them. The planner
-- would still hash one month: it does not know that a table of a million customers finds every one of them out of the cache.
-- In halves, because each worker would read all of the earlier month.
create or replace function mart.movement(p_earlier date, p_later date, p_dimension text)
returns table (origin text, destination text, customers bigint, monetary numeric)
language plpgsql stable
set plan_cache_mode = force_custom_plan
set enable_hashjoin = off
as $$
begin
    if p_dimension not in ('value_tier', 'activity_status', 'segment') then
        raise exception '% is not value_tier, activity_status or segment', p_dimension;
    end if;
    if mart.sees_few_customers() then
        return query select o.* from mart.count_own_movement(p_earlier, p_later, p_dimension) as o;
        return;
    end if;
    return query
    select
        half.origin,
        half.destination,
        sum(half.customers)::bigint,
        sum(half.monetary)
    from (
        select l.* from mart.count_movement(p_earlier, p_later, p_dimension, false) as l
        union all
        select u.* from mart.count_movement(p_earlier, p_later, p_dimension, true) as u
    ) as half
    group by half.origin, half.destination;
end
$$;
comment on function mart.movement(date, date, text) is
    'Customers of the later month by their value_tier, activity_status or segment (p_dimension) in the earlier month and in the later: origin is null for who was not in the snapshot then; monetary is that of the later month.';
