-- Row security lets whoever sees all customers read the prepared figures, and users who see many their own. For the others
-- they are computed, each month by itself: so the planner starts no parallel workers for a branch that is not executed.
create or replace view mart.month_score as
select
    month_score.month,
    month_score.r_score,
    month_score.f_score,
    month_score.segment,
    month_score.customers,
    month_score.monetary_cents * 0.01 as monetary,
    month_score.month_cents * 0.01 as month_amount
from crm.month_score
join crm.published_month
    on published_month.month = month_score.month
    and published_month.run_id = month_score.run_id
union all
select
    user_month_score.month,
    user_month_score.r_score,
    user_month_score.f_score,
    user_month_score.segment,
    user_month_score.customers,
    user_month_score.monetary_cents * 0.01 as monetary,
    user_month_score.month_cents * 0.01 as month_amount
from crm.user_month_score
where access.is_restricted()
    and user_month_score.user_email = access.current_email()
    and user_month_score.month in (select access.prepared_months())
union all
select
    p.month,
    live.*
from crm.published_month p
cross join lateral (
    select
        s.r_score,
        s.f_score,
        s.segment,
        count(*) as customers,
        sum(s.monetary_cents) * 0.01 as monetary,
        sum(s.month_cents) * 0.01 as month_amount
    from access.visible_customers() as visible (customer_id)
    join crm.snapshot s on s.month = p.month and s.customer_id = visible.customer_id
    where s.r_score is not null
    group by s.r_score, s.f_score, s.segment
) as live
where access.is_restricted() and p.month not in (select access.prepared_months());

comment on view mart.month_score is 'Scored customers and money of every published month by recency band, frequency band and segment.';
comment on column mart.month_score.month is 'Month, its first day.';
comment on column mart.month_score.r_score is 'Recency band, 1 worst to 5 best.';
comment on column mart.month_score.f_score is 'Frequency band, 1 worst to 5 best.';
comment on column mart.month_score.segment is 'Segment.';
comment on column mart.month_score.customers is 'Customers.';
comment on column mart.month_score.monetary is 'Net amount of core lines in the window, in currency units.';
comment on column mart.month_score.month_amount is 'Net amount of all lines of the month, in currency units.';
