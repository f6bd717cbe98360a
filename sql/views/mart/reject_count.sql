-- Row security lets whoever sees all customers read the prepared counts; for the others they are counted.
create or replace view mart.reject_count as
select
    file.file_id,
    file.file_name,
    file.feed,
    reject_count.reason,
    reject_count.records,
    case when reject_count.records_with_amount > 0 then reject_count.amount end as amount
from ops.reject_count
join ops.file on file.file_id = reject_count.file_id
union all
select
    file.file_id,
    file.file_name,
    file.feed,
    live.reason,
    live.records,
    live.amount
from (
    select
        rejected_record.file_id,
        reason,
        count(*) as records,
        sum(rejected_record.amount) as amount
    from ops.rejected_record
    cross join unnest(rejected_record.reasons) as reason
    where rejected_record.resolution is null
    group by rejected_record.file_id, reason
) as live
join ops.file on file.file_id = live.file_id
where access.is_restricted();

comment on view mart.reject_count is 'Open rejects of every file, counted under each of their reasons.';
comment on column mart.reject_count.file_id is 'Key of the receipt in mart.source_file.';
comment on column mart.reject_count.file_name is 'File that brought the rows.';
comment on column mart.reject_count.feed is 'Feed of the file.';
comment on column mart.reject_count.reason is 'Reason. A row with several counts under each.';
comment on column mart.reject_count.records is 'Open rejects with it.';
comment on column mart.reject_count.amount is 'Their net amounts where they could be read, in currency units; null where none could.';
