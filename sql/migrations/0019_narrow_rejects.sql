-- A reject costs less to write and to close: one key for the file and the record, and no look into ops.file for each.
-- That every reject belongs to a loaded file is proved by the gate (ops.conserve_files counts them file by file).

alter table ops.rejected_record
    drop constraint rejected_record_file_id_fkey,
    drop constraint rejected_record_resolved_by_fkey,
    drop constraint rejected_record_pkey;
drop index ops.rejected_record_file;
alter table ops.rejected_record add primary key (file_id, rejected_record_id);

-- rows are named by their place in the raw table now, not by their number
drop procedure if exists core.judge_sales(bigint, bigint[], text[], date[]);
drop function if exists core.sales_texts(bigint, text, boolean, text[], bigint[]);

-- renamed: mart.customers_changed_since and mart.customers_changed_after
drop function if exists mart.master_since(date);
drop function if exists mart.master_after(date, timestamptz);
