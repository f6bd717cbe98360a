-- Customers by where they were in one month and are in another.

-- It has no settings of its own, so that it becomes part of the statement that asks it: the planner then sees the months.
create or replace function mart.count_movement(p_earlier date, p_later date, p_dimension text, p_is_upper_half boolean)
returns table (origin text, destination text, customers bigint, monetary numeric)
language sql stable parallel safe
begin atomic
    select
        case p_dimension
            when 'value_tier' then earlier.value_tier
            when 'activity_status' then earlier.activity_status
            when 'segment' then earlier.segment
        end,
        case p_dimension
            when 'value_tier' then later.value_tier
            when 'activity_status' then later.activity_status
            when 'segment' then later.segment
        end,
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
