-- What lets pages answer at once with a million customers: open rejects counted when they come and go.

create table ops.reject_count (
    file_id bigint not null references ops.file (file_id),
    reason text not null,
    records bigint not null,
    records_with_amount bigint not null,
    amount numeric not null,
    primary key (file_id, reason)
);
alter table ops.reject_count enable row level security;
comment on table ops.reject_count is 'Open rejects of every file, counted under each of their reasons; kept by triggers of ops.rejected_record.';
comment on column ops.reject_count.file_id is 'File that brought the rows.';
comment on column ops.reject_count.reason is 'Reason.';
comment on column ops.reject_count.records is 'Open rejects with it.';
comment on column ops.reject_count.records_with_amount is 'Those of them with an amount that could be read.';
comment on column ops.reject_count.amount is 'Sum of these amounts.';

insert into ops.reject_count (file_id, reason, records, records_with_amount, amount)
select
    r.file_id,
    reason,
    count(*),
    count(r.amount),
    coalesce(sum(r.amount), 0)
from ops.rejected_record r
cross join unnest(r.reasons) as reason
where r.resolution is null
group by r.file_id, reason;
