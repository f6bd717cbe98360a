-- Rejects that somebody takes away are noted as customer lists are.

alter table ops.export_log
    alter column month drop not null,
    alter column run_id drop not null,
    add column file_id bigint references ops.file,
    add constraint export_log_list_or_rejects check (
        case
            when file_id is null then num_nulls(month, run_id) = 0
            else num_nonnulls(month, run_id, audience_id, channel) = 0
        end
    );
comment on table ops.export_log is 'One row per customer list, or rejects of a file, that somebody took away from the dashboard.';
comment on column ops.export_log.month is 'Month that the list shows; null for rejects.';
comment on column ops.export_log.run_id is 'Publication that it shows; null for rejects.';
comment on column ops.export_log.file_id is 'Received file whose rejects they are; null for a customer list.';
comment on column ops.export_log.filters is 'Filters and conditions, as the file''s companion has them; for rejects the name of the file that brought them.';
comment on column ops.export_log.has_contact is 'Whether it holds names, addresses and numbers; for rejects, whether it holds what others see masked because it may be that.';
comment on column ops.export_log.rows is 'Customers, or rejected rows.';
