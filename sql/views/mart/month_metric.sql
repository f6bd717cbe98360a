-- Row security lets whoever sees all customers read the prepared figures, and users who see many their own. For the others
-- they are computed, each month by itself: so the planner starts no parallel workers for a branch that is not executed.
create or replace view mart.month_metric as
select
    month_metric.month,
    month_metric.metric,
    month_metric.value,
    month_metric.customers
from crm.month_metric
join crm.published_month
    on published_month.month = month_metric.month
    and published_month.run_id = month_metric.run_id
union all
select
    user_month_metric.month,
    user_month_metric.metric,
    user_month_metric.value,
    user_month_metric.customers
from crm.user_month_metric
where access.is_restricted()
    and user_month_metric.user_email = access.current_email()
    and user_month_metric.month in (select access.prepared_months())
union all
select
    p.month,
    live.*
from crm.published_month p
cross join lateral (
    select
        metric.metric,
        metric.value,
        count(*) as customers
    from access.visible_customers() as visible (customer_id)
    join crm.snapshot s on s.month = p.month and s.customer_id = visible.customer_id
    cross join lateral (
        values
            ('recency', s.recency_days::bigint),
            ('frequency', s.frequency::bigint),
            ('monetary', floor(s.monetary_cents / 100.0)::bigint)
    ) as metric (metric, value)
    where s.r_score is not null
    group by metric.metric, metric.value
) as live
where access.is_restricted() and p.month not in (select access.prepared_months());

comment on view mart.month_metric is 'Scored customers of every published month by each value of recency, frequency and monetary: the distributions that the cut points divide.';
comment on column mart.month_metric.month is 'Month, its first day.';
comment on column mart.month_metric.metric is 'recency, frequency or monetary.';
comment on column mart.month_metric.value is 'Days, core purchases, or core net amount rounded down to whole units of the currency.';
comment on column mart.month_metric.customers is 'Scored customers with this value.';
