create or replace view mart.run as
select
    run_id,
    kind,
    status,
    requested,
    requested_by,
    known_at,
    first_month,
    report_month,
    as_of_date,
    started_at,
    published_at,
    message
from ops.run;

comment on view mart.run is 'One row per build of months: planned, audited, and published or refused.';
comment on column mart.run.run_id is 'Run.';
comment on column mart.run.kind is 'refresh (to publish) or rebuild (a month as of a known time, to inspect).';
comment on column mart.run.status is 'building, refused (by the gate), published, abandoned (another run took over), nothing_to_do or rebuilt (to inspect: as known at a time, or a dry run).';
comment on column mart.run.requested is 'Options of the request: from, recut, month, known_at; and which attempt of its Airflow task asked.';
comment on column mart.run.requested_by is 'Who asked.';
comment on column mart.run.known_at is 'Everything accepted until this moment is in the run, nothing later.';
comment on column mart.run.first_month is 'Month of the earliest accepted transaction.';
comment on column mart.run.report_month is 'Month of the latest accepted transaction.';
comment on column mart.run.as_of_date is 'Latest accepted transaction date.';
comment on column mart.run.started_at is 'When it was planned.';
comment on column mart.run.published_at is 'When readers began to see it.';
comment on column mart.run.message is 'Outcome in words.';
