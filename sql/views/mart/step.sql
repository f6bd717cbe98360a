create or replace view mart.step as
select
    step.step_id,
    step.run_id,
    step.file_id,
    file.file_name,
    step.step,
    step.detail,
    step.started_at,
    step.seconds,
    case when not (select access.is_restricted()) then step.rows end as rows,
    case when not (select access.is_restricted()) then step.bytes end as bytes
from ops.step
left join ops.file on file.file_id = step.file_id;

comment on view mart.step is 'What every step of a load or a build did: seconds, rows and bytes.';
comment on column mart.step.step_id is 'Key.';
comment on column mart.step.run_id is 'Run, for a step of a build.';
comment on column mart.step.file_id is 'File, for a step of a load; see mart.source_file.';
comment on column mart.step.file_name is 'Its name.';
comment on column mart.step.step is 'Name of the step.';
comment on column mart.step.detail is 'What it worked on, such as the month.';
comment on column mart.step.started_at is 'When it began.';
comment on column mart.step.seconds is 'How long it took.';
comment on column mart.step.rows is 'Rows it wrote or judged. Null for whoever sees some customers only.';
comment on column mart.step.bytes is 'Bytes it read or wrote. Null for whoever sees some customers only.';
