-- The list that the warehouse exports: its columns, text that no spreadsheet takes for a formula, in order of the ids.
select
    month, as_of_date, customer_id, safe_text(customer_group) as customer_group, safe_text(city) as city,
    safe_text(home_store_id) as home_store_id, opt_in_email, opt_in_sms, opt_in_phone, is_in_master, first_core_date,
    last_core_date, last_purchase_date, recency_days, frequency,
    cast(monetary_cents * 0.01 as decimal(18, 2)) as monetary,
    cast(total_cents * 0.01 as decimal(18, 2)) as total_amount,
    cast(month_cents * 0.01 as decimal(18, 2)) as month_amount,
    cast(month_core_cents * 0.01 as decimal(18, 2)) as month_core_amount,
    month_orders, month_items, tenure_months, activity_status, r_score, f_score, m_score, t_score, rfmt_score,
    rfmt_total, value_tier, safe_text(segment) as segment, is_high_spender, last_scored_month, last_scored_tier,
    lifecycle_event, growth_state, abc_class, previous_status, previous_tier, safe_text(previous_segment) as previous_segment
from snapshot
where month = (select max(month) from snapshot) and (len($stores) = 0 or home_store_id in (select unnest($stores)))
order by customer_id
