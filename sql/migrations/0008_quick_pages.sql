-- What lets pages answer at once with a million customers: status, tier and segment in the key of each month, names to
-- search in beside the key of the customers, and open rejects counted when they come and go.

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

-- An entry of an index has room for 2,700 bytes, and a customer_id may have 2,000.
alter table core.customer_version add column search_text text generated always as (
    case
        when octet_length(lower(customer_id || coalesce(E'\n' || full_name, ''))) <= 600
        then lower(customer_id || coalesce(E'\n' || full_name, ''))
    end
) stored;
comment on column core.customer_version.search_text is 'What customers are searched by: id and name in small letters, each a line; null where that is longer than 600 bytes (personal data).';
create index customer_version_search on core.customer_version (customer_id) include (search_text)
where version_to = 'infinity' and known_to = 'infinity';
create index customer_version_search_long on core.customer_version (customer_id)
where version_to = 'infinity' and known_to = 'infinity' and search_text is null;

alter table crm.snapshot drop constraint snapshot_pkey;
alter table crm.snapshot add primary key (month, customer_id) include (
    activity_status, value_tier, segment, monetary_cents, month_cents, opt_in_email, opt_in_sms, opt_in_phone
);
comment on table crm.snapshot is 'One row per customer and published month. The key of each partition also holds what audiences are counted by, so that months are counted and compared without reading their rows.';

-- months that an unfinished run has built already
do $$
declare
    v_key record;
begin
    for v_key in
        select i.inhrelid::regclass as built, c.conname
        from pg_inherits i
        join pg_constraint c on c.conrelid = i.inhrelid and c.contype = 'p'
        where i.inhparent = 'crm.snapshot_unpublished'::regclass
    loop
        execute format('alter table %s drop constraint %I', v_key.built, v_key.conname);
        execute format(
            'alter table %s add constraint %I primary key (month, customer_id) include (
                activity_status, value_tier, segment, monetary_cents, month_cents, opt_in_email, opt_in_sms, opt_in_phone
            )',
            v_key.built, v_key.conname
        );
    end loop;
end
$$;
