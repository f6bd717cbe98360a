create or replace view mart.source_file_column as
select
    file.file_id,
    header.position::integer as position,
    header.column_name,
    coalesce(nullif(feed.contract ->> 'delimiter', 'auto'), ',') as delimiter,
    feed.contract ->> 'sheet' as sheet
from ops.file
left join ops.feed on feed.feed = file.feed
cross join unnest(file.header) with ordinality as header (column_name, position);

comment on view mart.source_file_column is 'The header of every file that was read, in order: what a corrected file needs.';
comment on column mart.source_file_column.file_id is 'File; see mart.source_file.';
comment on column mart.source_file_column.position is 'Position in the file, from 1.';
comment on column mart.source_file_column.column_name is 'Header as the file gave it; the key of rejected_records.raw_row.';
comment on column mart.source_file_column.delimiter is 'Delimiter that the feed''s contract asks for; a comma where any is recognised.';
comment on column mart.source_file_column.sheet is 'Sheet that the feed''s contract asks for; null where it is the first one.';
