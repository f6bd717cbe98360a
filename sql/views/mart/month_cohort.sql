-- Row security lets whoever sees all customers read the prepared figures, and users who see many their own. For the others
-- they are computed, each month by itself: so the planner starts no parallel workers for a branch that is not executed.
create or replace view mart.month_cohort as
select
    month_cohort.month,
    month_cohort.cohort,
    month_cohort.customers,
    month_cohort.buyers,
    month_cohort.repeated,
    month_cohort.core_cents * 0.01 as month_core_amount
from crm.month_cohort
join crm.published_month
    on published_month.month = month_cohort.month
    and published_month.run_id = month_cohort.run_id
union all
select
    user_month_cohort.month,
    user_month_cohort.cohort,
    user_month_cohort.customers,
    user_month_cohort.buyers,
    user_month_cohort.repeated,
    user_month_cohort.core_cents * 0.01 as month_core_amount
from crm.user_month_cohort
where access.is_restricted()
    and user_month_cohort.user_email = access.current_email()
    and user_month_cohort.month in (select access.prepared_months())
union all
select
    p.month,
    live.*
from crm.published_month p
cross join lateral (
    select
        (p.month - make_interval(months => s.tenure_months))::date as cohort,
        count(*) as customers,
        count(*) filter (where s.growth_state in ('new', 'returning', 'resurrected')) as buyers,
        count(*) filter (
            where s.last_core_date >= (p.month - make_interval(months => s.tenure_months - 1))::date
        ) as repeated,
        sum(s.month_core_cents) * 0.01 as month_core_amount
    from access.visible_customers() as visible (customer_id)
    join crm.snapshot s on s.month = p.month and s.customer_id = visible.customer_id
    where s.tenure_months is not null
    group by s.tenure_months
) as live
where access.is_restricted() and p.month not in (select access.prepared_months());

comment on view mart.month_cohort is 'Every published month by the month of the customers'' first core purchase: who bought, who has bought again, and what they brought.';
comment on column mart.month_cohort.month is 'Month, its first day.';
comment on column mart.month_cohort.cohort is 'Month of the first core purchase.';
comment on column mart.month_cohort.customers is 'Customers of the cohort.';
comment on column mart.month_cohort.buyers is 'Those with a core purchase in the month: recurring retention.';
comment on column mart.month_cohort.repeated is 'Those with a core purchase after the cohort''s month, until this one: cumulative retention.';
comment on column mart.month_cohort.month_core_amount is 'Net amount of their core lines of the month, in currency units.';
