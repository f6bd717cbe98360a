create or replace view mart.source_file_column as
select
    file.file_id,
    header.position::integer as position,
    header.column_name,
    -- what the contract asks for comes first: by it the file is read when it is sent again
    replace(coalesce(nullif(feed.contract ->> 'delimiter', 'auto'), file.delimiter, ','), 'tab', e'\t') as delimiter,
    feed.contract ->> 'sheet' as sheet,
    coalesce(nullif(feed.contract ->> 'encoding', 'auto'), file.encoding, 'utf-8') as encoding,
    array(select jsonb_array_elements_text(feed.contract -> 'files')) as file_patterns
from ops.file
left join ops.feed on feed.feed = file.feed
cross join unnest(file.header) with ordinality as header (column_name, position);

comment on view mart.source_file_column is 'The header of every file that was read, in order: what a corrected file needs.';
comment on column mart.source_file_column.file_id is 'File; see mart.source_file.';
comment on column mart.source_file_column.position is 'Position in the file, from 1.';
comment on column mart.source_file_column.column_name is 'Header as the file gave it; the key of rejected_records.raw_row.';
comment on column mart.source_file_column.delimiter is 'Delimiter that the feed''s contract asks for, else that of the file; a comma where it is not known.';
comment on column mart.source_file_column.sheet is 'Sheet that the feed''s contract asks for; null where it is the first one.';
comment on column mart.source_file_column.encoding is 'Encoding that the feed''s contract asks for, else that of the file: utf-8 or cp1252; utf-8 where it is not known.';
comment on column mart.source_file_column.file_patterns is 'Patterns that the feed''s contract has for names of its files.';
