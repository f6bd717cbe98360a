-- Row security lets whoever sees all customers read the prepared figures, and users who see many their own. For the others
-- they are computed, each month by itself: so the planner starts no parallel workers for a branch that is not executed.
create or replace view mart.month_summary as
select
    month_summary.month,
    month_summary.activity_status,
    month_summary.value_tier,
    month_summary.segment,
    month_summary.lifecycle_event,
    month_summary.growth_state,
    month_summary.customers,
    month_summary.first_appearances,
    month_summary.buyers,
    month_summary.scored,
    month_summary.reach_email,
    month_summary.reach_sms,
    month_summary.reach_phone,
    month_summary.month_cents * 0.01 as month_amount,
    month_summary.month_core_cents * 0.01 as month_core_amount,
    month_summary.month_orders,
    month_summary.month_items,
    month_summary.monetary_cents * 0.01 as monetary,
    month_summary.total_cents * 0.01 as total_amount
from crm.month_summary
join crm.published_month
    on published_month.month = month_summary.month
    and published_month.run_id = month_summary.run_id
union all
select
    user_month_summary.month,
    user_month_summary.activity_status,
    user_month_summary.value_tier,
    user_month_summary.segment,
    user_month_summary.lifecycle_event,
    user_month_summary.growth_state,
    user_month_summary.customers,
    user_month_summary.first_appearances,
    user_month_summary.buyers,
    user_month_summary.scored,
    user_month_summary.reach_email,
    user_month_summary.reach_sms,
    user_month_summary.reach_phone,
    user_month_summary.month_cents * 0.01 as month_amount,
    user_month_summary.month_core_cents * 0.01 as month_core_amount,
    user_month_summary.month_orders,
    user_month_summary.month_items,
    user_month_summary.monetary_cents * 0.01 as monetary,
    user_month_summary.total_cents * 0.01 as total_amount
from crm.user_month_summary
where access.is_restricted()
    and user_month_summary.user_email = access.current_email()
    and user_month_summary.month in (select access.prepared_months())
union all
select
    p.month,
    live.*
from crm.published_month p
cross join lateral (
    select
        s.activity_status,
        s.value_tier,
        s.segment,
        s.lifecycle_event,
        s.growth_state,
        count(*) as customers,
        count(*) filter (where s.previous_status is null) as first_appearances,
        count(*) filter (where s.growth_state in ('new', 'returning', 'resurrected')) as buyers,
        count(s.r_score) as scored,
        count(*) filter (where s.opt_in_email) as reach_email,
        count(*) filter (where s.opt_in_sms) as reach_sms,
        count(*) filter (where s.opt_in_phone) as reach_phone,
        sum(s.month_cents) * 0.01 as month_amount,
        sum(s.month_core_cents) * 0.01 as month_core_amount,
        sum(s.month_orders) as month_orders,
        sum(s.month_items) as month_items,
        sum(s.monetary_cents) * 0.01 as monetary,
        sum(s.total_cents) * 0.01 as total_amount
    from access.visible_customers() as visible (customer_id)
    join crm.snapshot s on s.month = p.month and s.customer_id = visible.customer_id
    group by s.activity_status, s.value_tier, s.segment, s.lifecycle_event, s.growth_state
) as live
where access.is_restricted() and p.month not in (select access.prepared_months());

comment on view mart.month_summary is 'Counts and sums of every published month by status, tier, segment, event and growth state: sum over what you do not need.';
comment on column mart.month_summary.month is 'Month, its first day.';
comment on column mart.month_summary.activity_status is 'prospect, new, active, at_risk, lapsed or lost.';
comment on column mart.month_summary.value_tier is 'Value tier; none when not scored.';
comment on column mart.month_summary.segment is 'Segment.';
comment on column mart.month_summary.lifecycle_event is 'What happened to the customers this month.';
comment on column mart.month_summary.growth_state is 'new, returning, resurrected, dormant or inactive.';
comment on column mart.month_summary.customers is 'Customers.';
comment on column mart.month_summary.first_appearances is 'Customers in their first month of the snapshot.';
comment on column mart.month_summary.buyers is 'Customers with a core purchase in the month.';
comment on column mart.month_summary.scored is 'Scored customers.';
comment on column mart.month_summary.reach_email is 'Customers opted in to e-mail.';
comment on column mart.month_summary.reach_sms is 'Customers opted in to text messages.';
comment on column mart.month_summary.reach_phone is 'Customers opted in to calls.';
comment on column mart.month_summary.month_amount is 'Net amount of all lines of the month, in currency units.';
comment on column mart.month_summary.month_core_amount is 'Net amount of the month''s core lines, in currency units.';
comment on column mart.month_summary.month_orders is 'Distinct transactions with a sale in the month.';
comment on column mart.month_summary.month_items is 'Quantity sold in the month.';
comment on column mart.month_summary.monetary is 'Net amount of core lines in the window, in currency units.';
comment on column mart.month_summary.total_amount is 'Net amount of all lines in the window, in currency units.';
