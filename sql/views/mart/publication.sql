create or replace view mart.publication as
select
    run.run_id,
    run.published_at,
    run.known_at,
    run.first_month,
    run.report_month,
    run.as_of_date,
    (
        select count(*)
        from ops.run_month
        where run_month.run_id = run.run_id and run_month.rows_mode <> 'remove'
    ) as months_built,
    (
        select count(*)
        from ops.file
        where file.status = 'loaded' and file.loaded_at <= run.known_at
    ) as files_known,
    array(
        select distinct run_month.rule_set_id
        from ops.run_month
        where run_month.run_id = run.run_id
        order by run_month.rule_set_id
    ) as rule_sets,
    case
        when exists (
            select
            from ops.run_month
            where run_month.run_id = run.run_id and run_month.rows_mode <> 'remove' and run_month.procedures is null
        )
        then array(
            select distinct on (schema_name, regexp_replace(routine_name, '_v[0-9]+$', ''))
                schema_name || '.' || routine_name
            from ops.routine
            where kind = 'procedure' and applied_at <= run.published_at
            order by
                schema_name,
                regexp_replace(routine_name, '_v[0-9]+$', ''),
                substring(routine_name from '_v([0-9]+)$')::integer desc
        )
        else array(
            select distinct procedure_name
            from ops.run_month
            cross join unnest(run_month.procedures) as procedure_name
            where run_month.run_id = run.run_id
            order by procedure_name
        )
    end as procedure_versions,
    run.run_id = max(run.run_id) over () as is_current
from ops.run
where run.status = 'published';

comment on view mart.publication is 'One row per publication: what was known and what decided the months; is_current marks the one that readers see.';
comment on column mart.publication.run_id is 'Run that was published.';
comment on column mart.publication.published_at is 'When readers began to see it.';
comment on column mart.publication.known_at is 'Everything accepted until this moment is in it, nothing later.';
comment on column mart.publication.first_month is 'Month of the earliest accepted transaction.';
comment on column mart.publication.report_month is 'Month of the latest accepted transaction.';
comment on column mart.publication.as_of_date is 'Latest accepted transaction date.';
comment on column mart.publication.months_built is 'Months that it computed; the others stayed as they were.';
comment on column mart.publication.files_known is 'Files loaded until then.';
comment on column mart.publication.rule_sets is 'Versions of the rule sets that decided the months it computed.';
comment on column mart.publication.procedure_versions is 'Procedures that its months come from; where that was not yet written down, the newest version of each that was installed then.';
comment on column mart.publication.is_current is 'Whether it is the one that readers see now.';
