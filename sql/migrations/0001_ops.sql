-- Operations: files, runs, steps, checks and versions, underneath everything else.

create schema if not exists ops;
comment on schema ops is 'Files, runs, steps, check results, settings and routine versions; read by operators.';

create table ops.setting (
    setting text primary key,
    value text not null,
    description text not null
);
comment on table ops.setting is 'Settings that are not business rules. Change a value with: python -m include.warehouse settings NAME VALUE.';
comment on column ops.setting.setting is 'Name of the setting.';
comment on column ops.setting.value is 'Its value, as text.';
comment on column ops.setting.description is 'What it does and its unit.';

insert into ops.setting (setting, value, description) values
    ('shrink_guard_share', '0.05', 'A file that would withdraw more than this share of its year''s lines or of a master is held.'),
    ('reject_warning_share', '0.20', 'A file with a larger share of rejected rows is loaded with a warning.'),
    ('raw_retention_days', '30', 'Days for which rows as received are kept in raw; the archived files stay.'),
    ('unpublished_retention_days', '7', 'Days for which the tables of a refused or abandoned run are kept for inspection.'),
    ('time_zone', 'UTC', 'Time zone in which a file''s day of receipt is read.'),
    ('currency', 'EUR', 'The one currency of all amounts.'),
    ('prices_include_tax', 'true', 'Whether unit prices include tax; shown beside amounts, never computed with.'),
    ('drift_warning_share', '0.25', 'A month whose customers or amounts differ from the previous month by more than this share warns.');

create table ops.feed (
    feed text primary key,
    title text not null,
    load_mode text not null check (load_mode in ('replace_period', 'snapshot')),
    natural_key text[] not null,
    date_formats text[] not null,
    decimal_mark text not null check (decimal_mark in ('.', ',')),
    contract jsonb not null
);
comment on table ops.feed is 'The feed contracts (include/contracts/feeds/*.yml) as the database knows them.';
comment on column ops.feed.feed is 'Name of the feed.';
comment on column ops.feed.title is 'One line on what a row is.';
comment on column ops.feed.load_mode is 'replace_period (a year is the whole truth; daily deltas upsert) or snapshot (the whole current master).';
comment on column ops.feed.natural_key is 'Canonical columns that identify a row.';
comment on column ops.feed.date_formats is 'Accepted date formats; the first that reads a value wins.';
comment on column ops.feed.decimal_mark is 'Decimal point or comma.';
comment on column ops.feed.contract is 'The whole contract.';

create table ops.feed_column (
    feed text not null references ops.feed (feed) on delete cascade,
    column_name text not null,
    position integer not null,
    data_type text not null check (data_type in ('text', 'date', 'number', 'integer', 'boolean', 'word')),
    words text[],
    is_header_required boolean not null,
    primary key (feed, column_name)
);
comment on table ops.feed_column is 'The canonical columns of every feed: the only list from which identifiers are taken.';
comment on column ops.feed_column.feed is 'Name of the feed.';
comment on column ops.feed_column.column_name is 'Canonical name of the column.';
comment on column ops.feed_column.position is 'Order in the contract, from 1.';
comment on column ops.feed_column.data_type is 'Type that a value must read as.';
comment on column ops.feed_column.words is 'Accepted values of a word column.';
comment on column ops.feed_column.is_header_required is 'Whether a file without this header is refused.';

create table ops.file (
    file_id bigint generated always as identity primary key,
    file_name text not null,
    feed text,
    sha256 text,
    size_bytes bigint,
    received_at timestamptz not null default clock_timestamp(),
    received_on date not null,
    effective_date date,
    period_year integer,
    period_part integer,
    delta_date date,
    is_forced boolean not null default false,
    is_approved boolean not null default false,
    status text not null default 'received'
        check (status in ('received', 'loaded', 'skipped', 'held', 'discarded', 'refused')),
    message text,
    path text,
    header text[],
    column_map jsonb,
    loaded_at timestamptz,
    rows_received bigint not null default 0,
    rows_loaded bigint not null default 0,
    rows_unchanged bigint not null default 0,
    rows_rejected bigint not null default 0,
    rows_duplicate bigint not null default 0,
    rows_superseded bigint not null default 0,
    amount_received numeric not null default 0,
    amount_loaded numeric not null default 0,
    amount_unchanged numeric not null default 0,
    amount_rejected numeric not null default 0,
    amount_duplicate numeric not null default 0
);
create index file_feed on ops.file (feed, status, loaded_at);
create index file_sha256 on ops.file (sha256);
comment on table ops.file is 'One row per file received, whatever became of it.';
comment on column ops.file.file_id is 'Key of the receipt; the same bytes received twice are two rows.';
comment on column ops.file.file_name is 'Name under which the file arrived.';
comment on column ops.file.feed is 'Feed whose pattern the name matched.';
comment on column ops.file.sha256 is 'SHA-256 of the bytes.';
comment on column ops.file.size_bytes is 'Size in bytes.';
comment on column ops.file.received_at is 'When the file was claimed.';
comment on column ops.file.received_on is 'Day of receipt in the warehouse time zone.';
comment on column ops.file.effective_date is 'Day from which a master file holds.';
comment on column ops.file.period_year is 'Year that a yearly sales file replaces.';
comment on column ops.file.period_part is 'Part of the year (sales_YYYY_partN); null for a whole year.';
comment on column ops.file.delta_date is 'Day of a daily delta.';
comment on column ops.file.is_forced is 'Loaded although its bytes equal those in force.';
comment on column ops.file.is_approved is 'Applied past the shrink guard on someone''s approval.';
comment on column ops.file.status is 'received, loaded, skipped, held, discarded or refused.';
comment on column ops.file.message is 'Why, in words.';
comment on column ops.file.path is 'Where the file lies now, relative to the warehouse home.';
comment on column ops.file.header is 'Header names as received, in order.';
comment on column ops.file.column_map is 'Header name to raw column, in file order: [[header, column], …].';
comment on column ops.file.loaded_at is 'Moment from which the file''s rows are known.';
comment on column ops.file.rows_received is 'Data rows in the file.';
comment on column ops.file.rows_loaded is 'Rows that became current, replayed ones included.';
comment on column ops.file.rows_unchanged is 'Rows identical to the current row.';
comment on column ops.file.rows_rejected is 'Rows not accepted; see ops.rejected_record.';
comment on column ops.file.rows_duplicate is 'Acceptable rows that a later row of the same key replaced within the file.';
comment on column ops.file.rows_superseded is 'Current rows that this file withdrew or replaced.';
comment on column ops.file.amount_received is 'Sum of readable net amounts of all rows.';
comment on column ops.file.amount_loaded is 'Sum of net amounts of the loaded rows.';
comment on column ops.file.amount_unchanged is 'Sum of net amounts of the unchanged rows.';
comment on column ops.file.amount_rejected is 'Sum of readable net amounts of the rejected rows.';
comment on column ops.file.amount_duplicate is 'Sum of net amounts of the duplicate rows.';

create table ops.rejected_record (
    rejected_record_id bigint generated always as identity primary key,
    file_id bigint not null references ops.file (file_id),
    line_number bigint not null,
    raw_row jsonb not null,
    reasons text[] not null,
    amount numeric,
    natural_key text[],
    transaction_date date,
    rejected_at timestamptz not null,
    resolved_by bigint references ops.file (file_id),
    resolution text check (resolution in ('replayed', 'superseded', 'brought_again', 'duplicate'))
);
create index rejected_record_file on ops.rejected_record (file_id);
create index rejected_record_open on ops.rejected_record using hash (natural_key) where resolved_by is null and natural_key is not null;
comment on table ops.rejected_record is 'Every rejected row with all its reasons, as received.';
comment on column ops.rejected_record.rejected_record_id is 'Key.';
comment on column ops.rejected_record.file_id is 'File that brought the row.';
comment on column ops.rejected_record.line_number is 'First physical line of the record in the file, the header being 1.';
comment on column ops.rejected_record.raw_row is 'Header name to value as received.';
comment on column ops.rejected_record.reasons is 'All reasons, in the documented order.';
comment on column ops.rejected_record.amount is 'Net amount where it could be read.';
comment on column ops.rejected_record.natural_key is 'Natural key where it could be read.';
comment on column ops.rejected_record.transaction_date is 'Transaction date where it could be read.';
comment on column ops.rejected_record.rejected_at is 'When the row was rejected.';
comment on column ops.rejected_record.resolved_by is 'File that closed the reject.';
comment on column ops.rejected_record.resolution is 'replayed (accepted after all), superseded (its file was), brought_again (its key was) or duplicate (a later replayed row of its key).';

create table ops.run (
    run_id bigint generated always as identity primary key,
    kind text not null check (kind in ('refresh', 'rebuild')),
    status text not null default 'building'
        check (status in ('building', 'refused', 'published', 'abandoned', 'nothing_to_do', 'rebuilt')),
    requested jsonb not null default '{}',
    requested_by text not null default session_user,
    known_at timestamptz not null,
    first_month date,
    report_month date,
    as_of_date date,
    started_at timestamptz not null default clock_timestamp(),
    published_at timestamptz,
    message text
);
comment on table ops.run is 'One row per build of months: planned, audited, and published or refused.';
comment on column ops.run.run_id is 'Key.';
comment on column ops.run.kind is 'refresh (to publish) or rebuild (a month as of a known time, to inspect).';
comment on column ops.run.status is 'building, refused (by the gate), published, abandoned (another run took over), nothing_to_do or rebuilt.';
comment on column ops.run.requested is 'Options of the request: from, recut, month, known_at.';
comment on column ops.run.requested_by is 'Who asked: a database user or an Airflow run.';
comment on column ops.run.known_at is 'Everything accepted until this moment is in the run, nothing later.';
comment on column ops.run.first_month is 'Month of the earliest accepted transaction.';
comment on column ops.run.report_month is 'Month of the latest accepted transaction.';
comment on column ops.run.as_of_date is 'Latest accepted transaction date.';
comment on column ops.run.started_at is 'When it was planned.';
comment on column ops.run.published_at is 'When readers began to see it.';
comment on column ops.run.message is 'Outcome in words.';

create table ops.run_month (
    run_id bigint not null references ops.run (run_id) on delete cascade,
    month date not null,
    as_of_date date not null,
    rows_mode text not null check (rows_mode in ('all', 'touched', 'remove')),
    cuts_mode text not null check (cuts_mode in ('compute', 'keep')),
    rule_set_id integer not null,
    fact_set_id integer not null,
    is_carried boolean not null,
    is_open boolean not null,
    short_history boolean not null,
    thin_month boolean,
    cut_run_id bigint,
    measured_at timestamptz,
    scored_at timestamptz,
    primary key (run_id, month)
);
comment on table ops.run_month is 'The plan of a run: which months it builds and how.';
comment on column ops.run_month.run_id is 'Run.';
comment on column ops.run_month.month is 'Month, its first day.';
comment on column ops.run_month.as_of_date is 'Last day of the month, or the latest transaction date for the report month.';
comment on column ops.run_month.rows_mode is 'all customers, only the touched ones, or remove the month.';
comment on column ops.run_month.cuts_mode is 'compute new cut points or keep the published ones.';
comment on column ops.run_month.rule_set_id is 'Rule set that decides the month.';
comment on column ops.run_month.fact_set_id is 'Customer-month facts it is computed from.';
comment on column ops.run_month.is_carried is 'Whether measures are carried from the previous month; false: computed from all facts.';
comment on column ops.run_month.is_open is 'The report month while its as-of date is not its last day.';
comment on column ops.run_month.short_history is 'Fewer than window_months after the first month.';
comment on column ops.run_month.thin_month is 'Fewer scored customers than min_scored_customers.';
comment on column ops.run_month.cut_run_id is 'Run whose cut points score the month.';
comment on column ops.run_month.measured_at is 'When its measures were complete.';
comment on column ops.run_month.scored_at is 'When its snapshot rows were complete.';

create table ops.step (
    step_id bigint generated always as identity primary key,
    run_id bigint references ops.run (run_id) on delete cascade,
    file_id bigint references ops.file (file_id),
    step text not null,
    detail text,
    started_at timestamptz not null,
    seconds numeric not null,
    rows bigint,
    bytes bigint
);
create index step_run on ops.step (run_id);
create index step_file on ops.step (file_id);
comment on table ops.step is 'What every step did: seconds, rows and bytes.';
comment on column ops.step.step_id is 'Key.';
comment on column ops.step.run_id is 'Run, for a step of a build.';
comment on column ops.step.file_id is 'File, for a step of a load.';
comment on column ops.step.step is 'Name of the step.';
comment on column ops.step.detail is 'What it worked on, such as the month.';
comment on column ops.step.started_at is 'When it began.';
comment on column ops.step.seconds is 'How long it took.';
comment on column ops.step.rows is 'Rows it wrote or judged.';
comment on column ops.step.bytes is 'Bytes it read or wrote.';

create table ops.check_result (
    check_result_id bigint generated always as identity primary key,
    run_id bigint not null references ops.run (run_id) on delete cascade,
    checked_at timestamptz not null default clock_timestamp(),
    contract text not null,
    check_name text not null,
    severity text not null check (severity in ('fail', 'warn')),
    outcome text not null check (outcome in ('passed', 'warned', 'failed', 'not_evaluated')),
    measured numeric,
    threshold text,
    failed_rows bigint,
    message text
);
create index check_result_run on ops.check_result (run_id);
comment on table ops.check_result is 'Outcome of every check of the gate.';
comment on column ops.check_result.check_result_id is 'Key.';
comment on column ops.check_result.run_id is 'Run that was checked.';
comment on column ops.check_result.checked_at is 'When.';
comment on column ops.check_result.contract is 'Soda data contract, or conservation.';
comment on column ops.check_result.check_name is 'Name of the check.';
comment on column ops.check_result.severity is 'fail blocks publication, warn does not.';
comment on column ops.check_result.outcome is 'passed, warned, failed or not_evaluated (blocks as well).';
comment on column ops.check_result.measured is 'Measured value.';
comment on column ops.check_result.threshold is 'What was asked of it.';
comment on column ops.check_result.failed_rows is 'Rows that failed, where the check counts rows.';
comment on column ops.check_result.message is 'In words.';

create table ops.failed_row (
    failed_row_id bigint generated always as identity primary key,
    run_id bigint not null references ops.run (run_id) on delete cascade,
    check_name text not null,
    failed_row jsonb not null
);
create index failed_row_run on ops.failed_row (run_id, check_name);
comment on table ops.failed_row is 'Rows that made a check fail (the first thousand of each).';
comment on column ops.failed_row.failed_row_id is 'Key.';
comment on column ops.failed_row.run_id is 'Run that was checked.';
comment on column ops.failed_row.check_name is 'Name of the check.';
comment on column ops.failed_row.failed_row is 'The row.';

create table ops.conservation (
    conservation_id bigint generated always as identity primary key,
    run_id bigint not null references ops.run (run_id) on delete cascade,
    identity text not null,
    scope text not null,
    left_value numeric not null,
    right_value numeric not null,
    is_ok boolean generated always as (left_value = right_value) stored
);
create index conservation_run on ops.conservation (run_id);
comment on table ops.conservation is 'Conservation of rows and money at every run, from file to published total.';
comment on column ops.conservation.conservation_id is 'Key.';
comment on column ops.conservation.run_id is 'Run.';
comment on column ops.conservation.identity is 'Which identity, as left = right.';
comment on column ops.conservation.scope is 'File or total that it speaks of.';
comment on column ops.conservation.left_value is 'Left side.';
comment on column ops.conservation.right_value is 'Right side.';
comment on column ops.conservation.is_ok is 'Whether both sides agree.';

create table ops.routine (
    kind text not null check (kind in ('procedure', 'routine', 'view')),
    schema_name text not null,
    routine_name text not null,
    sha256 text not null,
    applied_at timestamptz not null default clock_timestamp(),
    primary key (kind, schema_name, routine_name)
);
comment on table ops.routine is 'Which text of every procedure, routine and view is installed.';
comment on column ops.routine.kind is 'procedure (frozen, versioned), routine (re-applied when its text changes) or view.';
comment on column ops.routine.schema_name is 'Schema.';
comment on column ops.routine.routine_name is 'Name; a procedure''s ends with its version.';
comment on column ops.routine.sha256 is 'SHA-256 of the file''s text.';
comment on column ops.routine.applied_at is 'When it was applied.';

create table ops.file_year (
    file_id bigint not null references ops.file (file_id),
    period_year integer not null,
    primary key (file_id, period_year)
);
comment on table ops.file_year is 'Years whose current lines a daily delta touched.';
comment on column ops.file_year.file_id is 'Delta.';
comment on column ops.file_year.period_year is 'Year of a line that it brought or replaced.';
