-- What publication changes of a month that is there already, found once for its four steps.

create table crm.differing_row (
    run_id bigint not null,
    month date not null,
    customer_id text not null,
    primary key (run_id, month, customer_id)
);
comment on table crm.differing_row is 'Customers whose published row of a month differs from the one that a run has built, while it is being published.';
comment on column crm.differing_row.run_id is 'Run.';
comment on column crm.differing_row.month is 'Month.';
comment on column crm.differing_row.customer_id is 'Customer.';
alter table crm.differing_row enable row level security;
