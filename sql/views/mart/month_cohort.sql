-- Row security lets whoever sees all customers read the prepared figures; for the others they are computed.
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
    s.month,
    (s.month - make_interval(months => s.tenure_months))::date as cohort,
    count(*) as customers,
    count(*) filter (where s.growth_state in ('new', 'returning', 'resurrected')) as buyers,
    count(*) filter (
        where s.last_core_date >= (s.month - make_interval(months => s.tenure_months - 1))::date
    ) as repeated,
    sum(s.month_core_cents) * 0.01 as month_core_amount
from crm.published_month p
cross join access.visible_customers() as visible (customer_id)
join crm.snapshot s on s.month = p.month and s.customer_id = visible.customer_id
where access.is_restricted() and s.tenure_months is not null
group by s.month, s.tenure_months;

comment on view mart.month_cohort is 'Every published month by the month of the customers'' first core purchase: who bought, who has bought again, and what they brought.';
comment on column mart.month_cohort.month is 'Month, its first day.';
comment on column mart.month_cohort.cohort is 'Month of the first core purchase.';
comment on column mart.month_cohort.customers is 'Customers of the cohort.';
comment on column mart.month_cohort.buyers is 'Those with a core purchase in the month: recurring retention.';
comment on column mart.month_cohort.repeated is 'Those with a core purchase after the cohort''s month, until this one: cumulative retention.';
comment on column mart.month_cohort.month_core_amount is 'Net amount of their core lines of the month, in currency units.';
