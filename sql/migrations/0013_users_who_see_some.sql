-- Quick pages for users who see some customers only: whose customer it is from an index alone, and prepared figures for those
-- who see many.

drop index core.customer_version_responsible;
-- no user has a longer address, and an entry of an index has room for 2,700 bytes
create index customer_version_visible on core.customer_version (lower(responsible_email))
include (customer_id, responsible_email)
where version_to = 'infinity' and known_to = 'infinity' and octet_length(responsible_email) <= 254;

insert into ops.setting (setting, value, description) values
    ('prepared_from_customers', '2000', 'Figures are prepared for users who see at least this many customers, but not all.');

create table crm.user_month (
    user_email text not null,
    month date not null,
    run_id bigint not null,
    customers bigint not null,
    customers_hash bigint not null,
    primary key (user_email, month)
);
comment on table crm.user_month is 'Published months that are prepared for users who see many customers, but not all. Their figures count only while the same run is published and the user sees the same customers.';
comment on column crm.user_month.user_email is 'User.';
comment on column crm.user_month.month is 'Month, its first day.';
comment on column crm.user_month.run_id is 'Run that was published.';
comment on column crm.user_month.customers is 'How many customers the user saw.';
comment on column crm.user_month.customers_hash is 'Hash of their ids.';

create table crm.user_month_summary (
    user_email text not null,
    like crm.month_summary including comments,
    primary key (user_email, month, activity_status, value_tier, segment, lifecycle_event, growth_state),
    foreign key (user_email, month) references crm.user_month on delete cascade
);
comment on table crm.user_month_summary is 'As crm.month_summary, of the customers that a user sees.';
comment on column crm.user_month_summary.user_email is 'User.';

create table crm.user_month_movement (
    user_email text not null,
    like crm.month_movement including comments,
    primary key (
        user_email, month, previous_status, previous_tier, previous_segment, activity_status, value_tier, segment
    ),
    foreign key (user_email, month) references crm.user_month on delete cascade
);
comment on table crm.user_month_movement is 'As crm.month_movement, of the customers that a user sees.';
comment on column crm.user_month_movement.user_email is 'User.';

create table crm.user_month_score (
    user_email text not null,
    like crm.month_score including comments,
    primary key (user_email, month, r_score, f_score, segment),
    foreign key (user_email, month) references crm.user_month on delete cascade
);
comment on table crm.user_month_score is 'As crm.month_score, of the customers that a user sees.';
comment on column crm.user_month_score.user_email is 'User.';

create table crm.user_month_metric (
    user_email text not null,
    like crm.month_metric including comments,
    primary key (user_email, month, metric, value),
    foreign key (user_email, month) references crm.user_month on delete cascade
);
comment on table crm.user_month_metric is 'As crm.month_metric, of the customers that a user sees.';
comment on column crm.user_month_metric.user_email is 'User.';

create table crm.user_month_cohort (
    user_email text not null,
    like crm.month_cohort including comments,
    primary key (user_email, month, cohort),
    foreign key (user_email, month) references crm.user_month on delete cascade
);
comment on table crm.user_month_cohort is 'As crm.month_cohort, of the customers that a user sees.';
comment on column crm.user_month_cohort.user_email is 'User.';

alter table crm.user_month enable row level security;
alter table crm.user_month_summary enable row level security;
alter table crm.user_month_movement enable row level security;
alter table crm.user_month_score enable row level security;
alter table crm.user_month_metric enable row level security;
alter table crm.user_month_cohort enable row level security;

-- says of a table also whether it has figures of users
drop function if exists mart.tables_read();
