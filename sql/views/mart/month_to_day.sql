-- Row security lets whoever sees all customers read these figures; the dashboard computes those of the others.
create or replace view mart.month_to_day as
select
    month_to_day.report_month,
    month_to_day.month,
    month_to_day.days,
    month_to_day.engaged,
    month_to_day.new_customers,
    month_to_day.won_back,
    month_to_day.lost,
    month_to_day.cents * 0.01 as month_amount,
    month_to_day.customers,
    month_to_day.orders,
    month_to_day.items
from crm.month_to_day
join crm.published_month
    on published_month.month = month_to_day.report_month
    and published_month.run_id = month_to_day.run_id;

comment on view mart.month_to_day is 'While the report month is open: the same first days of the month before and of the same month a year before, counted as these months would have counted themselves on that day.';
comment on column mart.month_to_day.report_month is 'The open month that is compared.';
comment on column mart.month_to_day.month is 'Month that it is compared with.';
comment on column mart.month_to_day.days is 'First days of it that count.';
comment on column mart.month_to_day.engaged is 'Customers of a scored status on the last of these days.';
comment on column mart.month_to_day.new_customers is 'Customers whose first core purchase falls in these days.';
comment on column mart.month_to_day.won_back is 'At risk, lapsed or lost the month before, with a core purchase in these days.';
comment on column mart.month_to_day.lost is 'Customers who became lost until the last of these days.';
comment on column mart.month_to_day.month_amount is 'Net amount of all lines of these days, in currency units.';
comment on column mart.month_to_day.customers is 'Customers with a sale in these days.';
comment on column mart.month_to_day.orders is 'Receipts with a sale in these days, a receipt counting once a customer.';
comment on column mart.month_to_day.items is 'Quantity sold in these days.';
