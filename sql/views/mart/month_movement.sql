-- Row security lets whoever sees all customers read the prepared figures, and users who see many their own. For the others
-- they are computed, each month by itself: so the planner starts no parallel workers for a branch that is not executed.
create or replace view mart.month_movement as
select
    month_movement.month,
    nullif(month_movement.previous_status, '') as previous_status,
    nullif(month_movement.previous_tier, '') as previous_tier,
    nullif(month_movement.previous_segment, '') as previous_segment,
    month_movement.activity_status,
    month_movement.value_tier,
    month_movement.segment,
    month_movement.customers,
    month_movement.shoppers,
    month_movement.monetary_cents * 0.01 as monetary,
    month_movement.month_cents * 0.01 as month_amount
from crm.month_movement
join crm.published_month
    on published_month.month = month_movement.month
    and published_month.run_id = month_movement.run_id
union all
select
    user_month_movement.month,
    nullif(user_month_movement.previous_status, '') as previous_status,
    nullif(user_month_movement.previous_tier, '') as previous_tier,
    nullif(user_month_movement.previous_segment, '') as previous_segment,
    user_month_movement.activity_status,
    user_month_movement.value_tier,
    user_month_movement.segment,
    user_month_movement.customers,
    user_month_movement.shoppers,
    user_month_movement.monetary_cents * 0.01 as monetary,
    user_month_movement.month_cents * 0.01 as month_amount
from crm.user_month_movement
where access.is_restricted()
    and user_month_movement.user_email = access.current_email()
    and user_month_movement.month in (select access.prepared_months())
union all
select
    p.month,
    live.*
from crm.published_month p
cross join lateral (
    select
        s.previous_status,
        s.previous_tier,
        s.previous_segment,
        s.activity_status,
        s.value_tier,
        s.segment,
        count(*) as customers,
        count(*) filter (where s.month_orders > 0) as shoppers,
        sum(s.monetary_cents) * 0.01 as monetary,
        sum(s.month_cents) * 0.01 as month_amount
    from access.visible_customers() as visible (customer_id)
    join crm.snapshot s on s.month = p.month and s.customer_id = visible.customer_id
    group by
        s.previous_status, s.previous_tier, s.previous_segment, s.activity_status, s.value_tier, s.segment
) as live
where access.is_restricted() and p.month not in (select access.prepared_months());

comment on view mart.month_movement is 'Customers and money of every published month by where they were the month before and where they are: sum over what you do not need.';
comment on column mart.month_movement.month is 'Month, its first day.';
comment on column mart.month_movement.previous_status is 'Activity status of the month before; null in a customer''s first month.';
comment on column mart.month_movement.previous_tier is 'Value tier of the month before; null in a customer''s first month.';
comment on column mart.month_movement.previous_segment is 'Segment of the month before; null in a customer''s first month.';
comment on column mart.month_movement.activity_status is 'Activity status.';
comment on column mart.month_movement.value_tier is 'Value tier; none when not scored.';
comment on column mart.month_movement.segment is 'Segment.';
comment on column mart.month_movement.customers is 'Customers.';
comment on column mart.month_movement.shoppers is 'Those with an order in the month, of any product.';
comment on column mart.month_movement.monetary is 'Net amount of core lines in the window, in currency units.';
comment on column mart.month_movement.month_amount is 'Net amount of all lines of the month, in currency units.';
