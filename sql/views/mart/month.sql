create or replace view mart.month as
select
    published_month.month,
    published_month.as_of_date,
    published_month.month = report.month as is_report_month,
    published_month.is_open,
    published_month.is_frozen,
    published_month.short_history,
    published_month.thin_month,
    published_month.rule_set_id as rule_set,
    published_month.run_id,
    published_month.published_at,
    coalesce(
        (
            select run_month.procedures
            from ops.run_month
            where run_month.run_id = published_month.run_id and run_month.month = published_month.month
        ),
        array(
            select distinct on (schema_name, regexp_replace(routine_name, '_v[0-9]+$', ''))
                schema_name || '.' || routine_name
            from ops.routine
            where kind = 'procedure' and applied_at <= published_month.published_at
            order by
                schema_name,
                regexp_replace(routine_name, '_v[0-9]+$', ''),
                substring(routine_name from '_v([0-9]+)$')::integer desc
        )
    ) as procedure_versions
from crm.published_month
cross join (select max(month) as month from crm.published_month) as report;

comment on view mart.month is 'The published months and what is special about each.';
comment on column mart.month.month is 'Month, its first day.';
comment on column mart.month.as_of_date is 'Last day of the month; for the report month the latest accepted transaction date.';
comment on column mart.month.is_report_month is 'Whether it is the report month: the newest, shown by default.';
comment on column mart.month.is_open is 'Whether transactions are known only for the month''s first days: compare it with the same days of other months.';
comment on column mart.month.is_frozen is 'Whether its cut points are frozen: a late correction moves only the customers it touches.';
comment on column mart.month.short_history is 'Whether fewer months than the window precede it: frequency and monetary are not yet full.';
comment on column mart.month.thin_month is 'Whether fewer customers were scored than the rule set asks for: the bands say little.';
comment on column mart.month.rule_set is 'Version of the rule set that decided the month.';
comment on column mart.month.run_id is 'Run that published it last.';
comment on column mart.month.published_at is 'When it was published last.';
comment on column mart.month.procedure_versions is 'Procedures that its facts, measures, cut points and scores come from; where that was not yet written down, the newest version of each that was installed then.';
