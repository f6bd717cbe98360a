create or replace view mart.export_log as
select
    export_id,
    exported_at,
    exported_by,
    month,
    run_id,
    audience_id,
    channel,
    case
        when mart.may_read_contact() or not mart.asks_for_contact(filters) then filters
        else '{"left_out": "a name, an address or a number"}'::jsonb
    end as filters,
    has_contact,
    file_name,
    format,
    rows,
    bytes,
    sha256,
    file_id
from ops.export_log;

comment on view mart.export_log is 'Every customer list, Excel summary and file of rejects that somebody took away from the dashboard: who, when, which customers or rows, and the hash of the file.';
comment on column mart.export_log.export_id is 'Key.';
comment on column mart.export_log.exported_at is 'When.';
comment on column mart.export_log.exported_by is 'Who.';
comment on column mart.export_log.month is 'Month that the list or summary shows; null for rejects.';
comment on column mart.export_log.run_id is 'Publication that it shows; see mart.publication. Null for rejects.';
comment on column mart.export_log.audience_id is 'Saved audience that it was made from, if one was open; see mart.audience.';
comment on column mart.export_log.channel is 'Channel that it was made for; null for a list of everybody who matches.';
comment on column mart.export_log.filters is 'Filters and conditions, as the file''s companion has them; for a summary {"summary_of": month}; for rejects {"rejects_of": name of the file that brought them}.';
comment on column mart.export_log.has_contact is 'Whether it holds names, addresses and numbers; for rejects, whether it holds what others see masked because it may be that.';
comment on column mart.export_log.file_name is 'Name of the file.';
comment on column mart.export_log.format is 'csv or xlsx.';
comment on column mart.export_log.rows is 'Customers, of a summary those whom it sums up; or rejected rows.';
comment on column mart.export_log.bytes is 'Size of the file.';
comment on column mart.export_log.sha256 is 'SHA-256 of the file.';
comment on column mart.export_log.file_id is 'Received file whose rejects they are; see mart.source_file. Null for a customer list.';
