-- What makes acceptance quick: no trimming where nothing is to be trimmed, and open rejects found by receipt.

alter table ops.file add column is_trimmed boolean not null default false;
comment on column ops.file.is_trimmed is 'Whether no value of the file has white space around it, as seen when it was copied.';

drop index ops.rejected_record_open;
create index rejected_record_open on ops.rejected_record using hash ((natural_key[1]))
where resolved_by is null and natural_key is not null;
