-- A yearly file often begins with all bytes of the one in force: what is known of these rows need not be found again.

alter table ops.file
    add column physical_lines bigint,
    add column judged_by text,
    add column continues_file_id bigint references ops.file (file_id);
comment on column ops.file.physical_lines is 'Lines of a CSV file, the header and blank ones included, as seen when it was copied.';
comment on column ops.file.judged_by is 'What judged the rows of a sales file, as core.judging_version says.';
comment on column ops.file.continues_file_id is 'The file with whose bytes this one begins: these rows have the same fates as there. Its own raw rows are those that follow, and those that are rejected there.';

drop procedure if exists core.compare_with_differing_sales(bigint, bigint);
