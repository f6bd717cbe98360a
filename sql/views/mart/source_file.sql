create or replace view mart.source_file as
select
    file_name,
    feed,
    sha256,
    received_at,
    effective_date,
    status,
    case when not (select access.is_restricted()) then message end as message,
    case when not (select access.is_restricted()) then rows_received end as rows_received,
    case when not (select access.is_restricted()) then rows_loaded end as rows_loaded,
    case when not (select access.is_restricted()) then rows_unchanged end as rows_unchanged,
    case when not (select access.is_restricted()) then rows_rejected end as rows_rejected,
    case when not (select access.is_restricted()) then rows_duplicate end as rows_duplicate,
    case when not (select access.is_restricted()) then rows_superseded end as rows_superseded,
    case when not (select access.is_restricted()) then amount_received end as amount_received,
    case when not (select access.is_restricted()) then amount_loaded end as amount_loaded,
    file_id,
    loaded_at,
    case when not (select access.is_restricted()) then amount_unchanged end as amount_unchanged,
    case when not (select access.is_restricted()) then amount_rejected end as amount_rejected,
    case when not (select access.is_restricted()) then amount_duplicate end as amount_duplicate
from ops.file
where status <> 'received';

comment on view mart.source_file is 'One row per file received and judged: what became of it and of its rows. received = loaded + unchanged + rejected + duplicate.';
comment on column mart.source_file.file_name is 'Name under which the file arrived.';
comment on column mart.source_file.feed is 'Feed whose pattern the name matched.';
comment on column mart.source_file.sha256 is 'SHA-256 of the bytes.';
comment on column mart.source_file.received_at is 'When the file was received.';
comment on column mart.source_file.effective_date is 'Day from which a master file holds.';
comment on column mart.source_file.status is 'loaded, skipped (its bytes are in force already), held (waits for approve or discard), discarded or refused.';
comment on column mart.source_file.message is 'Why, in words. Null for whoever sees some customers only.';
comment on column mart.source_file.rows_received is 'Data rows in the file. Null for whoever sees some customers only.';
comment on column mart.source_file.rows_loaded is 'Rows that became current, replayed ones included. Null for whoever sees some customers only.';
comment on column mart.source_file.rows_unchanged is 'Rows identical to the current row. Null for whoever sees some customers only.';
comment on column mart.source_file.rows_rejected is 'Rows not accepted; see mart.rejected_records. Null for whoever sees some customers only.';
comment on column mart.source_file.rows_duplicate is 'Acceptable rows that a later row of the same key replaced within the file. Null for whoever sees some customers only.';
comment on column mart.source_file.rows_superseded is 'Current rows that this file withdrew or replaced. Null for whoever sees some customers only.';
comment on column mart.source_file.amount_received is 'Sum of readable net amounts of all rows, in currency units. Null for whoever sees some customers only.';
comment on column mart.source_file.amount_loaded is 'Sum of net amounts of the loaded rows, in currency units. Null for whoever sees some customers only.';
comment on column mart.source_file.file_id is 'Key of the receipt: a name can arrive more than once.';
comment on column mart.source_file.loaded_at is 'Moment from which the file''s rows are known.';
comment on column mart.source_file.amount_unchanged is 'Sum of net amounts of the unchanged rows, in currency units. Null for whoever sees some customers only.';
comment on column mart.source_file.amount_rejected is 'Sum of readable net amounts of the rejected rows, in currency units. Null for whoever sees some customers only.';
comment on column mart.source_file.amount_duplicate is 'Sum of net amounts of the duplicate rows, in currency units. Null for whoever sees some customers only.';
