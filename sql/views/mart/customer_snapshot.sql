create or replace view mart.customer_snapshot as
select
    s.month,
    s.as_of_date,
    s.customer_id,
    s.customer_group,
    s.city,
    s.home_store_id,
    s.opt_in_email,
    s.opt_in_sms,
    s.opt_in_phone,
    s.is_in_master,
    s.first_core_date,
    s.last_core_date,
    s.last_purchase_date,
    s.recency_days,
    s.frequency,
    s.monetary_cents * 0.01 as monetary,
    s.total_cents * 0.01 as total_amount,
    s.month_cents * 0.01 as month_amount,
    s.month_core_cents * 0.01 as month_core_amount,
    s.month_orders,
    s.month_items,
    s.tenure_months,
    s.activity_status,
    s.r_score,
    s.f_score,
    s.m_score,
    s.t_score,
    s.rfmt_score,
    s.rfmt_total,
    s.value_tier,
    s.segment,
    s.is_high_spender,
    s.last_scored_month,
    s.last_scored_tier,
    s.lifecycle_event,
    s.growth_state,
    s.abc_class,
    s.previous_status,
    s.previous_tier,
    s.previous_segment,
    s.rule_set,
    s.run_id,
    s.monetary_cents,
    s.total_cents,
    s.month_cents,
    s.month_core_cents
from crm.snapshot s
-- a month can be attached before it is published; an array is looked up once, not joined to every row, and read from its
-- beginning: the newest months, which most ask for, come first
where s.month = any (array(select p.month from crm.published_month p order by p.month desc));

comment on view mart.customer_snapshot is 'One row per customer and published month: attributes, measures, scores, tier, segment and what changed. Ask for one month at a time where you can: each month is a partition.';
comment on column mart.customer_snapshot.month is 'Month, its first day.';
comment on column mart.customer_snapshot.as_of_date is 'Day as of which the row holds: the last day of the month; for the report month the latest accepted transaction date.';
comment on column mart.customer_snapshot.customer_id is 'Customer, as the files give it.';
comment on column mart.customer_snapshot.customer_group is 'Customer group by the master''s version valid at as_of_date.';
comment on column mart.customer_snapshot.city is 'City by that version.';
comment on column mart.customer_snapshot.home_store_id is 'Home store by that version.';
comment on column mart.customer_snapshot.opt_in_email is 'Agreed to e-mail by that version; null = unknown.';
comment on column mart.customer_snapshot.opt_in_sms is 'Agreed to text messages by that version; null = unknown.';
comment on column mart.customer_snapshot.opt_in_phone is 'Agreed to calls by that version; null = unknown.';
comment on column mart.customer_snapshot.is_in_master is 'Whether the master listed the customer then; false for a closed customer.';
comment on column mart.customer_snapshot.first_core_date is 'First core purchase until as_of_date; a core purchase is a sale of a recurring consumable.';
comment on column mart.customer_snapshot.last_core_date is 'Last core purchase until as_of_date.';
comment on column mart.customer_snapshot.last_purchase_date is 'Last sale of any product until as_of_date.';
comment on column mart.customer_snapshot.recency_days is 'Days from last_core_date to as_of_date; null without a core purchase.';
comment on column mart.customer_snapshot.frequency is 'Core purchases in the window: distinct transactions per month, summed over its months.';
comment on column mart.customer_snapshot.monetary is 'Net amount of core lines in the window, sales and returns, in currency units.';
comment on column mart.customer_snapshot.total_amount is 'Net amount of all lines in the window, in currency units.';
comment on column mart.customer_snapshot.month_amount is 'Net amount of all lines of this month, in currency units.';
comment on column mart.customer_snapshot.month_core_amount is 'Net amount of this month''s core lines, in currency units.';
comment on column mart.customer_snapshot.month_orders is 'Distinct transactions with a sale in this month.';
comment on column mart.customer_snapshot.month_items is 'Quantity sold in this month.';
comment on column mart.customer_snapshot.tenure_months is 'Calendar months from the first core purchase''s month to this one; 0 in the first.';
comment on column mart.customer_snapshot.activity_status is 'prospect, new, active, at_risk, lapsed or lost.';
comment on column mart.customer_snapshot.r_score is 'Recency band, 1 worst to 5 best; null when not scored.';
comment on column mart.customer_snapshot.f_score is 'Frequency band, 1 worst to 5 best; null when not scored.';
comment on column mart.customer_snapshot.m_score is 'Monetary band, 1 worst to 5 best; null when not scored.';
comment on column mart.customer_snapshot.t_score is 'Tenure band, 1 shortest to 5 longest; null when not scored.';
comment on column mart.customer_snapshot.rfmt_score is 'The four bands as text, such as 5434; null when not scored.';
comment on column mart.customer_snapshot.rfmt_total is 'Weighted sum of the four scores; null when not scored.';
comment on column mart.customer_snapshot.value_tier is 'Value tier by rfmt_total; none when not scored.';
comment on column mart.customer_snapshot.segment is 'Segment: the first rule that matches, exactly one.';
comment on column mart.customer_snapshot.is_high_spender is 'Whether the customer is in the best monetary band.';
comment on column mart.customer_snapshot.last_scored_month is 'Latest month until this one in which the customer was scored.';
comment on column mart.customer_snapshot.last_scored_tier is 'Value tier in that month: whom to win back.';
comment on column mart.customer_snapshot.lifecycle_event is 'What happened this month: first_purchase, reactivated, recovered, lost, lapsed, at_risk, upgraded, downgraded, retained, registered or none.';
comment on column mart.customer_snapshot.growth_state is 'new, returning, resurrected, dormant or inactive, by core purchases of this and the previous month.';
comment on column mart.customer_snapshot.abc_class is 'A, B or C by cumulative share of monetary; null when not scored or without monetary.';
comment on column mart.customer_snapshot.previous_status is 'Activity status of the month before; null in the customer''s first month.';
comment on column mart.customer_snapshot.previous_tier is 'Value tier of the month before; null in the customer''s first month.';
comment on column mart.customer_snapshot.previous_segment is 'Segment of the month before; null in the customer''s first month.';
comment on column mart.customer_snapshot.rule_set is 'Version of the rule set that decided the row.';
comment on column mart.customer_snapshot.run_id is 'Run that built the row.';
comment on column mart.customer_snapshot.monetary_cents is 'monetary in whole cents, quicker to sort and to sum over many customers.';
comment on column mart.customer_snapshot.total_cents is 'total_amount in whole cents.';
comment on column mart.customer_snapshot.month_cents is 'month_amount in whole cents.';
comment on column mart.customer_snapshot.month_core_cents is 'month_core_amount in whole cents.';
