create or replace view mart.dim_month as
select
    published_month.month,
    to_char(published_month.month, 'YYYY-MM') as month_label,
    extract(year from published_month.month)::integer as year,
    extract(quarter from published_month.month)::integer as quarter,
    extract(month from published_month.month)::integer as month_of_year,
    published_month.as_of_date,
    published_month.month = report.month as is_report_month,
    published_month.is_open,
    published_month.short_history,
    published_month.thin_month,
    published_month.rule_set_id as rule_set
from crm.published_month
cross join (select max(month) as month from crm.published_month) as report;

comment on view mart.dim_month is 'Star: every published month.';
comment on column mart.dim_month.month is 'Month, its first day: the key.';
comment on column mart.dim_month.month_label is 'Month as text, such as 2025-11; sorts by time.';
comment on column mart.dim_month.year is 'Year.';
comment on column mart.dim_month.quarter is 'Quarter, 1 to 4.';
comment on column mart.dim_month.month_of_year is 'Month of the year, 1 to 12.';
comment on column mart.dim_month.as_of_date is 'Last day of the month; for the report month the latest accepted transaction date.';
comment on column mart.dim_month.is_report_month is 'Whether it is the report month.';
comment on column mart.dim_month.is_open is 'Whether transactions are known only for the month''s first days.';
comment on column mart.dim_month.short_history is 'Whether fewer months than the window precede it.';
comment on column mart.dim_month.thin_month is 'Whether fewer customers were scored than the rule set asks for.';
comment on column mart.dim_month.rule_set is 'Version of the rule set that decided the month.';
