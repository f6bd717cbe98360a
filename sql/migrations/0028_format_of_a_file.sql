-- How a file was written: its rejected rows are written likewise, so that they can be corrected and sent again.

alter table ops.file
    add column encoding text check (encoding in ('utf-8', 'cp1252')),
    add column delimiter text check (length(delimiter) = 1);
comment on column ops.file.encoding is 'Encoding of a text file as it was read; null for workbooks, and where that was not yet written down.';
comment on column ops.file.delimiter is 'Delimiter of a text file as it was read; null for workbooks, and where that was not yet written down.';
