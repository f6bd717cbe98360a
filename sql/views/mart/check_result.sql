create or replace view mart.check_result as
select
    run_id,
    checked_at,
    contract,
    check_name,
    severity,
    outcome,
    case when not (select access.is_restricted()) then measured end as measured,
    threshold,
    case when not (select access.is_restricted()) then failed_rows end as failed_rows,
    case when not (select access.is_restricted()) then message end as message
from ops.check_result;

comment on view mart.check_result is 'Outcome of every check of the gate in every run.';
comment on column mart.check_result.run_id is 'Run that was checked.';
comment on column mart.check_result.checked_at is 'When.';
comment on column mart.check_result.contract is 'Soda data contract, or conservation.';
comment on column mart.check_result.check_name is 'Name of the check.';
comment on column mart.check_result.severity is 'fail blocks publication, warn does not.';
comment on column mart.check_result.outcome is 'passed, warned, failed or not_evaluated (blocks as well).';
comment on column mart.check_result.measured is 'Measured value. Null for whoever sees some customers only.';
comment on column mart.check_result.threshold is 'What was asked of it.';
comment on column mart.check_result.failed_rows is 'Rows that failed, where the check counts rows. Null for whoever sees some customers only.';
comment on column mart.check_result.message is 'In words. Null for whoever sees some customers only.';
