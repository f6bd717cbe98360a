create or replace view mart.fact_customer_month as
select
    s.month,
    s.customer_id,
    s.home_store_id,
    s.segment,
    s.activity_status,
    s.value_tier,
    s.previous_tier,
    s.lifecycle_event,
    s.growth_state,
    s.abc_class,
    (s.r_score is not null)::integer as is_scored,
    (s.growth_state in ('new', 'returning', 'resurrected'))::integer as is_buyer,
    s.recency_days,
    s.frequency,
    s.monetary_cents * 0.01 as monetary,
    s.total_cents * 0.01 as total_amount,
    s.month_cents * 0.01 as month_amount,
    s.month_core_cents * 0.01 as month_core_amount,
    s.month_orders,
    s.month_items,
    s.tenure_months,
    s.r_score,
    s.f_score,
    s.m_score,
    s.t_score,
    s.rfmt_total
from crm.snapshot s
-- a month can be attached before it is published
join crm.published_month p on p.month = s.month;

comment on view mart.fact_customer_month is 'Star: one row per customer and published month with its measures. Join dim_customer by customer_id, dim_month by month, dim_segment by segment, dim_store by home_store_id.';
comment on column mart.fact_customer_month.month is 'Month; key of dim_month.';
comment on column mart.fact_customer_month.customer_id is 'Customer; key of dim_customer.';
comment on column mart.fact_customer_month.home_store_id is 'Home store then; key of dim_store.';
comment on column mart.fact_customer_month.segment is 'Segment; key of dim_segment.';
comment on column mart.fact_customer_month.activity_status is 'prospect, new, active, at_risk, lapsed or lost.';
comment on column mart.fact_customer_month.value_tier is 'Value tier; none when not scored.';
comment on column mart.fact_customer_month.previous_tier is 'Value tier of the month before; null in the customer''s first month.';
comment on column mart.fact_customer_month.lifecycle_event is 'What happened this month.';
comment on column mart.fact_customer_month.growth_state is 'new, returning, resurrected, dormant or inactive.';
comment on column mart.fact_customer_month.abc_class is 'A, B or C by cumulative share of monetary.';
comment on column mart.fact_customer_month.is_scored is '1 for a scored (engaged) customer, else 0: sum it.';
comment on column mart.fact_customer_month.is_buyer is '1 for a customer with a core purchase in the month, else 0: sum it.';
comment on column mart.fact_customer_month.recency_days is 'Days since the last core purchase.';
comment on column mart.fact_customer_month.frequency is 'Core purchases in the window.';
comment on column mart.fact_customer_month.monetary is 'Net amount of core lines in the window, in currency units. Not to be summed over months.';
comment on column mart.fact_customer_month.total_amount is 'Net amount of all lines in the window, in currency units. Not to be summed over months.';
comment on column mart.fact_customer_month.month_amount is 'Net amount of all lines of this month, in currency units.';
comment on column mart.fact_customer_month.month_core_amount is 'Net amount of this month''s core lines, in currency units.';
comment on column mart.fact_customer_month.month_orders is 'Distinct transactions with a sale in this month.';
comment on column mart.fact_customer_month.month_items is 'Quantity sold in this month.';
comment on column mart.fact_customer_month.tenure_months is 'Calendar months since the first core purchase.';
comment on column mart.fact_customer_month.r_score is 'Recency band.';
comment on column mart.fact_customer_month.f_score is 'Frequency band.';
comment on column mart.fact_customer_month.m_score is 'Monetary band.';
comment on column mart.fact_customer_month.t_score is 'Tenure band.';
comment on column mart.fact_customer_month.rfmt_total is 'Weighted sum of the four scores.';
