-- Saved audiences, the log of exports, and prepared figures behind the dashboard's first pages.

create table crm.audience (
    audience_id bigint generated always as identity primary key,
    name text not null check (length(name) between 1 and 200),
    owner text not null,
    definition jsonb not null,
    holdout_percent numeric(5, 2) not null default 0 check (holdout_percent between 0 and 90),
    created_at timestamptz not null default clock_timestamp(),
    changed_at timestamptz not null default clock_timestamp(),
    unique (owner, name)
);
comment on table crm.audience is 'Saved audiences: conditions over a month''s customers, never customers themselves.';
comment on column crm.audience.audience_id is 'Key; part of the hash that decides the holdout.';
comment on column crm.audience.name is 'Name that its owner gave it.';
comment on column crm.audience.owner is 'Who saved it.';
comment on column crm.audience.definition is 'Filters and groups of conditions, checked before they are stored; never SQL.';
comment on column crm.audience.holdout_percent is 'Share of its customers that is held out of a campaign, in percent.';
comment on column crm.audience.created_at is 'When it was saved first.';
comment on column crm.audience.changed_at is 'When it was saved last.';

create table ops.export_log (
    export_id bigint generated always as identity primary key,
    exported_at timestamptz not null default clock_timestamp(),
    exported_by text not null,
    month date not null,
    run_id bigint not null,
    audience_id bigint,
    channel text,
    filters jsonb not null,
    has_contact boolean not null,
    file_name text not null,
    format text not null check (format in ('csv', 'xlsx')),
    rows bigint not null,
    bytes bigint not null,
    sha256 text not null
);
create index export_log_at on ops.export_log (exported_at);
comment on table ops.export_log is 'One row per customer list that somebody took away from the dashboard.';
comment on column ops.export_log.export_id is 'Key.';
comment on column ops.export_log.exported_at is 'When.';
comment on column ops.export_log.exported_by is 'Who.';
comment on column ops.export_log.month is 'Month that the list shows.';
comment on column ops.export_log.run_id is 'Publication that it shows.';
comment on column ops.export_log.audience_id is 'Saved audience that it was made from, if one was open.';
comment on column ops.export_log.channel is 'Channel that it was made for; null for a list of everybody who matches.';
comment on column ops.export_log.filters is 'Filters and conditions, as the file''s companion has them.';
comment on column ops.export_log.has_contact is 'Whether it holds names, addresses and numbers.';
comment on column ops.export_log.file_name is 'Name of the file.';
comment on column ops.export_log.format is 'csv or xlsx.';
comment on column ops.export_log.rows is 'Customers.';
comment on column ops.export_log.bytes is 'Size of the file.';
comment on column ops.export_log.sha256 is 'SHA-256 of the file, so that a file found later can be told to be this one.';

create table crm.month_movement (
    run_id bigint not null,
    month date not null,
    previous_status text not null,
    previous_tier text not null,
    previous_segment text not null,
    activity_status text not null,
    value_tier text not null,
    segment text not null,
    customers bigint not null,
    shoppers bigint not null,
    monetary_cents numeric not null,
    month_cents numeric not null,
    primary key (run_id, month, previous_status, previous_tier, previous_segment, activity_status, value_tier, segment)
);
comment on table crm.month_movement is 'Customers and money of every built month by where they were the month before and where they are.';
comment on column crm.month_movement.run_id is 'Run that built the month.';
comment on column crm.month_movement.month is 'Month, its first day.';
comment on column crm.month_movement.previous_status is 'Activity status of the month before; empty in a customer''s first month.';
comment on column crm.month_movement.previous_tier is 'Value tier of the month before; empty in a customer''s first month.';
comment on column crm.month_movement.previous_segment is 'Segment of the month before; empty in a customer''s first month.';
comment on column crm.month_movement.activity_status is 'Activity status.';
comment on column crm.month_movement.value_tier is 'Value tier.';
comment on column crm.month_movement.segment is 'Segment.';
comment on column crm.month_movement.customers is 'Customers.';
comment on column crm.month_movement.shoppers is 'Those with an order in the month.';
comment on column crm.month_movement.monetary_cents is 'Net amount of core lines in the window, in cents.';
comment on column crm.month_movement.month_cents is 'Net amount of the month, in cents.';

create table crm.month_score (
    run_id bigint not null,
    month date not null,
    r_score smallint not null,
    f_score smallint not null,
    segment text not null,
    customers bigint not null,
    monetary_cents numeric not null,
    month_cents numeric not null,
    primary key (run_id, month, r_score, f_score, segment)
);
comment on table crm.month_score is 'Scored customers and money of every built month by recency band, frequency band and segment.';
comment on column crm.month_score.run_id is 'Run that built the month.';
comment on column crm.month_score.month is 'Month, its first day.';
comment on column crm.month_score.r_score is 'Recency band.';
comment on column crm.month_score.f_score is 'Frequency band.';
comment on column crm.month_score.segment is 'Segment.';
comment on column crm.month_score.customers is 'Customers.';
comment on column crm.month_score.monetary_cents is 'Net amount of core lines in the window, in cents.';
comment on column crm.month_score.month_cents is 'Net amount of the month, in cents.';

create table crm.month_metric (
    run_id bigint not null,
    month date not null,
    metric text not null,
    value bigint not null,
    customers bigint not null,
    primary key (run_id, month, metric, value)
);
comment on table crm.month_metric is 'How recency, frequency and monetary are distributed among the scored customers of every built month.';
comment on column crm.month_metric.run_id is 'Run that built the month.';
comment on column crm.month_metric.month is 'Month, its first day.';
comment on column crm.month_metric.metric is 'recency, frequency or monetary.';
comment on column crm.month_metric.value is 'Value; money rounded down to whole units of the currency.';
comment on column crm.month_metric.customers is 'Customers.';

create table crm.month_cohort (
    run_id bigint not null,
    month date not null,
    cohort date not null,
    customers bigint not null,
    buyers bigint not null,
    repeated bigint not null,
    core_cents numeric not null,
    primary key (run_id, month, cohort)
);
comment on table crm.month_cohort is 'Every built month by the month of the customers'' first core purchase.';
comment on column crm.month_cohort.run_id is 'Run that built the month.';
comment on column crm.month_cohort.month is 'Month, its first day.';
comment on column crm.month_cohort.cohort is 'Month of the first core purchase.';
comment on column crm.month_cohort.customers is 'Customers of the cohort.';
comment on column crm.month_cohort.buyers is 'Those with a core purchase in the month.';
comment on column crm.month_cohort.repeated is 'Those with a core purchase after the cohort''s month, until this one.';
comment on column crm.month_cohort.core_cents is 'Net amount of core lines of the month, in cents.';

create table crm.month_to_day (
    run_id bigint not null,
    report_month date not null,
    month date not null,
    days integer not null,
    engaged bigint not null,
    new_customers bigint not null,
    won_back bigint not null,
    lost bigint not null,
    cents numeric not null,
    customers bigint not null,
    orders bigint not null,
    items numeric not null,
    primary key (run_id, report_month, month)
);
comment on table crm.month_to_day is 'While a report month is open: the same first days of the month before and of the same month a year before.';
comment on column crm.month_to_day.run_id is 'Run that built the report month.';
comment on column crm.month_to_day.report_month is 'The open month that is compared.';
comment on column crm.month_to_day.month is 'Month that it is compared with.';
comment on column crm.month_to_day.days is 'First days of it that count.';
comment on column crm.month_to_day.engaged is 'Customers of a scored status on the last of these days.';
comment on column crm.month_to_day.new_customers is 'Customers whose first core purchase falls in these days.';
comment on column crm.month_to_day.won_back is 'At risk, lapsed or lost the month before, with a core purchase in these days.';
comment on column crm.month_to_day.lost is 'Customers who became lost until the last of these days.';
comment on column crm.month_to_day.cents is 'Net amount of all lines of these days, in cents.';
comment on column crm.month_to_day.customers is 'Customers with a sale in these days.';
comment on column crm.month_to_day.orders is 'Receipts with a sale in these days.';
comment on column crm.month_to_day.items is 'Quantity sold in these days.';

-- who sees some customers only sees no prepared figure, and nobody else's exports
alter table ops.export_log enable row level security;
alter table crm.month_movement enable row level security;
alter table crm.month_score enable row level security;
alter table crm.month_metric enable row level security;
alter table crm.month_cohort enable row level security;
alter table crm.month_to_day enable row level security;

-- months that were published before these tables existed
insert into crm.month_movement
select
    p.run_id, p.month,
    coalesce(s.previous_status, ''), coalesce(s.previous_tier, ''), coalesce(s.previous_segment, ''),
    s.activity_status, s.value_tier, s.segment,
    count(*), count(*) filter (where s.month_orders > 0), sum(s.monetary_cents), sum(s.month_cents)
from crm.snapshot s
join crm.published_month p on p.month = s.month
group by 1, 2, 3, 4, 5, 6, 7, 8;

insert into crm.month_score
select p.run_id, p.month, s.r_score, s.f_score, s.segment, count(*), sum(s.monetary_cents), sum(s.month_cents)
from crm.snapshot s
join crm.published_month p on p.month = s.month
where s.r_score is not null
group by 1, 2, 3, 4, 5;

insert into crm.month_metric
select p.run_id, p.month, v.metric, v.value, count(*)
from crm.snapshot s
join crm.published_month p on p.month = s.month
cross join lateral (
    values
        ('recency', s.recency_days::bigint),
        ('frequency', s.frequency::bigint),
        ('monetary', floor(s.monetary_cents / 100.0)::bigint)
) as v (metric, value)
where s.r_score is not null
group by 1, 2, 3, 4;

insert into crm.month_cohort
select
    p.run_id, p.month, date_trunc('month', s.first_core_date::timestamp)::date,
    count(*),
    count(*) filter (where s.growth_state in ('new', 'returning', 'resurrected')),
    count(*) filter (
        where s.last_core_date >= (date_trunc('month', s.first_core_date::timestamp) + interval '1 month')::date
    ),
    sum(s.month_core_cents)
from crm.snapshot s
join crm.published_month p on p.month = s.month
where s.first_core_date is not null
group by 1, 2, 3;
