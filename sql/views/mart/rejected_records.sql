create or replace view mart.rejected_records as
select
    file.file_name,
    rejected_record.line_number,
    case
        when (select mart.may_read_contact()) then rejected_record.raw_row
        else mart.masked_row(rejected_record.raw_row, file.feed, rejected_record.reasons, file.column_map)
    end as raw_row,
    rejected_record.reasons,
    rejected_record.amount,
    rejected_record.rejected_at,
    resolving_file.file_name as resolved_by,
    file.feed,
    rejected_record.file_id,
    rejected_record.resolution,
    case when file.feed = 'sales' then
        mart.line_no_to_send(
            rejected_record.natural_key,
            rejected_record.line_number,
            rejected_record.reasons,
            file.column_map,
            feed.contract -> 'transaction_id_from'
        )
    end as line_no_to_send
from ops.rejected_record
join ops.file on file.file_id = rejected_record.file_id
left join ops.feed on feed.feed = file.feed
left join ops.file as resolving_file on resolving_file.file_id = rejected_record.resolved_by;

comment on view mart.rejected_records is 'Every rejected row with all its reasons, to correct and send again.';
comment on column mart.rejected_records.file_name is 'File that brought the row.';
comment on column mart.rejected_records.line_number is 'First physical line of the record in the file, the header being 1.';
comment on column mart.rejected_records.raw_row is 'Header name to value as received. Whoever may not read mart.customer_contact sees only columns of the feed''s contract, and null for rows of the customers feed and unreadable ones: these may hold personal data.';
comment on column mart.rejected_records.reasons is 'All reasons, in the documented order.';
comment on column mart.rejected_records.amount is 'Net amount where it could be read, in currency units.';
comment on column mart.rejected_records.rejected_at is 'When the row was rejected.';
comment on column mart.rejected_records.resolved_by is 'File that closed the reject; null while it is open.';
comment on column mart.rejected_records.feed is 'Feed of the file.';
comment on column mart.rejected_records.file_id is 'Key of the receipt in mart.source_file.';
comment on column mart.rejected_records.resolution is 'replayed (accepted after all), superseded (its file was), brought_again (its key was) or duplicate (a later replayed row of its key); null while open.';
comment on column mart.rejected_records.line_no_to_send is 'Line number with which to send a sale line again whose file has no column line_no: without its neighbours its order within the receipt would be another. Null elsewhere.';
