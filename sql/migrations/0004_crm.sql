-- Facts per customer and month, rule sets, cut points, snapshots.

create schema if not exists crm;
comment on schema crm is 'Customer-month facts, rule sets, cut points, snapshots and their history.';

create table crm.fact_set (
    fact_set_id integer generated always as identity primary key,
    core_product_types text[] not null,
    known_at timestamptz
);
create unique index fact_set_current on crm.fact_set (core_product_types) where known_at is null;
comment on table crm.fact_set is 'A set of customer-month facts: one for each choice of core product types, and one for each rebuild as of a known time.';
comment on column crm.fact_set.fact_set_id is 'Key.';
comment on column crm.fact_set.core_product_types is 'Product types that count as core, in lower case, sorted.';
comment on column crm.fact_set.known_at is 'Known time of a rebuild; null for the facts kept up to date.';

create table crm.customer_month (
    fact_set_id integer not null,
    month date not null,
    customer_id text not null,
    amount_cents bigint not null,
    core_cents bigint not null,
    orders integer not null,
    core_orders integer not null,
    items numeric not null,
    first_date date not null,
    first_core_date date,
    last_core_date date,
    last_purchase_date date
) partition by range (fact_set_id, month);
comment on table crm.customer_month is 'Facts per customer and month with any accepted line.';
comment on column crm.customer_month.fact_set_id is 'Fact set.';
comment on column crm.customer_month.month is 'Month, its first day.';
comment on column crm.customer_month.customer_id is 'Customer.';
comment on column crm.customer_month.amount_cents is 'Net amount of all lines, in cents.';
comment on column crm.customer_month.core_cents is 'Net amount of core lines, in cents.';
comment on column crm.customer_month.orders is 'Distinct receipts with a sale.';
comment on column crm.customer_month.core_orders is 'Distinct receipts with a core purchase.';
comment on column crm.customer_month.items is 'Quantity sold.';
comment on column crm.customer_month.first_date is 'First transaction of any kind.';
comment on column crm.customer_month.first_core_date is 'First core purchase.';
comment on column crm.customer_month.last_core_date is 'Last core purchase.';
comment on column crm.customer_month.last_purchase_date is 'Last sale of any product.';

create table crm.customer_known (
    fact_set_id integer not null,
    customer_id text not null,
    known_from date not null,
    primary key (fact_set_id, customer_id)
);
create index customer_known_from on crm.customer_known (fact_set_id, known_from);
comment on table crm.customer_known is 'Day from which a customer appears in snapshots.';
comment on column crm.customer_known.fact_set_id is 'Fact set.';
comment on column crm.customer_known.customer_id is 'Customer.';
comment on column crm.customer_known.known_from is 'Earlier of registration and first transaction; with neither, the first publication''s as-of date.';

create table crm.customer_first_seen (
    customer_id text primary key,
    first_seen date not null,
    run_id bigint not null
);
comment on table crm.customer_first_seen is 'Customers accepted with neither a registration date nor a transaction: the as-of date of their first publication, kept by rebuilds.';
comment on column crm.customer_first_seen.customer_id is 'Customer.';
comment on column crm.customer_first_seen.first_seen is 'As-of date of the first publication after the customer was accepted.';
comment on column crm.customer_first_seen.run_id is 'Run that fixed it; it counts once that run is published.';

create table crm.pending_change (
    customer_id text not null,
    month date not null,
    is_fact_change boolean not null,
    changed_at timestamptz not null,
    file_id bigint not null
);
create index pending_change_at on crm.pending_change (changed_at);
comment on table crm.pending_change is 'Customers and months that loads have changed since the last publication: what a refresh must compute again.';
comment on column crm.pending_change.customer_id is 'Customer.';
comment on column crm.pending_change.month is 'First month whose row may change.';
comment on column crm.pending_change.is_fact_change is 'Whether the customer''s facts of that month changed; otherwise only master attributes.';
comment on column crm.pending_change.changed_at is 'Known time of the change.';
comment on column crm.pending_change.file_id is 'File that brought it.';

create table crm.touched_customer (
    run_id bigint not null,
    customer_id text not null,
    from_month date not null,
    primary key (run_id, customer_id)
);
comment on table crm.touched_customer is 'Customers whose published months a run computes again, from which month on.';
comment on column crm.touched_customer.run_id is 'Run.';
comment on column crm.touched_customer.customer_id is 'Customer.';
comment on column crm.touched_customer.from_month is 'First month to compute again.';

create table crm.rule_set (
    rule_set_id integer generated always as identity primary key,
    title text not null,
    state text not null default 'draft' check (state in ('draft', 'approved', 'active', 'retired')),
    active_from date check (active_from = date_trunc('month', active_from)::date),
    created_at timestamptz not null default clock_timestamp(),
    approved_at timestamptz,
    core_product_types text[] not null,
    window_months integer not null,
    new_days integer not null,
    active_days integer not null,
    at_risk_days integer not null,
    lapsed_days integer not null,
    scored_statuses text[] not null,
    score_bands integer not null,
    tenure_bands integer[] not null,
    weight_r numeric not null,
    weight_f numeric not null,
    weight_m numeric not null,
    weight_t numeric not null,
    min_scored_customers integer not null,
    abc_share_a numeric not null,
    abc_share_b numeric not null
);
create unique index rule_set_active_from on crm.rule_set (active_from) where state = 'active';
comment on table crm.rule_set is 'Rule sets: draft, approved once proved, active from a month, retired.';
comment on column crm.rule_set.rule_set_id is 'Version of the rule set.';
comment on column crm.rule_set.title is 'What it is for.';
comment on column crm.rule_set.state is 'draft, approved, active or retired.';
comment on column crm.rule_set.active_from is 'First month that it decides; -infinity for the first rule set.';
comment on column crm.rule_set.created_at is 'When it was drafted.';
comment on column crm.rule_set.approved_at is 'When it was proved and approved.';
comment on column crm.rule_set.core_product_types is 'Product types that count as engagement.';
comment on column crm.rule_set.window_months is 'Trailing window for frequency and monetary, in months.';
comment on column crm.rule_set.new_days is 'First core purchase at most this many days before: new.';
comment on column crm.rule_set.active_days is 'Recency at most this: active.';
comment on column crm.rule_set.at_risk_days is 'Recency at most this: at_risk.';
comment on column crm.rule_set.lapsed_days is 'Recency at most this: lapsed; beyond: lost.';
comment on column crm.rule_set.scored_statuses is 'Statuses that are scored.';
comment on column crm.rule_set.score_bands is 'Bands for recency, frequency and monetary.';
comment on column crm.rule_set.tenure_bands is 'Months from which the tenure score is 1, 2, 3, ….';
comment on column crm.rule_set.weight_r is 'Weight of the recency score in the total.';
comment on column crm.rule_set.weight_f is 'Weight of the frequency score in the total.';
comment on column crm.rule_set.weight_m is 'Weight of the monetary score in the total.';
comment on column crm.rule_set.weight_t is 'Weight of the tenure score in the total.';
comment on column crm.rule_set.min_scored_customers is 'With fewer scored customers a month is flagged thin.';
comment on column crm.rule_set.abc_share_a is 'Cumulative share of monetary up to which a customer is A.';
comment on column crm.rule_set.abc_share_b is 'Cumulative share of monetary up to which a customer is B.';

create table crm.rule_tier (
    rule_set_id integer not null references crm.rule_set (rule_set_id) on delete cascade,
    tier_rank smallint not null,
    tier text not null,
    minimum_total numeric not null,
    primary key (rule_set_id, tier_rank),
    unique (rule_set_id, tier)
);
comment on table crm.rule_tier is 'Value tiers of a rule set, by least rfmt_total.';
comment on column crm.rule_tier.rule_set_id is 'Rule set.';
comment on column crm.rule_tier.tier_rank is 'Rank, 1 the lowest.';
comment on column crm.rule_tier.tier is 'Name.';
comment on column crm.rule_tier.minimum_total is 'Least rfmt_total.';

create table crm.rule_segment (
    rule_set_id integer not null references crm.rule_set (rule_set_id) on delete cascade,
    position smallint not null,
    segment text not null,
    statuses text[] not null,
    r_from smallint,
    r_to smallint,
    f_from smallint,
    f_to smallint,
    m_from smallint,
    m_to smallint,
    t_from smallint,
    t_to smallint,
    primary key (rule_set_id, position),
    unique (rule_set_id, segment)
);
comment on table crm.rule_segment is 'Segments of a rule set, first match by position.';
comment on column crm.rule_segment.rule_set_id is 'Rule set.';
comment on column crm.rule_segment.position is 'Order of trial.';
comment on column crm.rule_segment.segment is 'Name.';
comment on column crm.rule_segment.statuses is 'Activity statuses it is tried for.';
comment on column crm.rule_segment.r_from is 'Least recency score; null = any.';
comment on column crm.rule_segment.r_to is 'Greatest recency score; null = any.';
comment on column crm.rule_segment.f_from is 'Least frequency score; null = any.';
comment on column crm.rule_segment.f_to is 'Greatest frequency score; null = any.';
comment on column crm.rule_segment.m_from is 'Least monetary score; null = any.';
comment on column crm.rule_segment.m_to is 'Greatest monetary score; null = any.';
comment on column crm.rule_segment.t_from is 'Least tenure score; null = any.';
comment on column crm.rule_segment.t_to is 'Greatest tenure score; null = any.';

create table crm.decision (
    rule_set_id integer not null references crm.rule_set (rule_set_id) on delete cascade,
    activity_status text not null,
    cell integer not null,
    r_score smallint,
    f_score smallint,
    m_score smallint,
    t_score smallint,
    rfmt_score text,
    rfmt_total numeric,
    value_tier text not null,
    tier_rank smallint not null,
    segment text not null,
    is_high_spender boolean not null,
    primary key (rule_set_id, activity_status, cell)
);
comment on table crm.decision is 'An approved rule set, compiled: one row for every status and cell of scores. Its key proves no overlap, its row count no gap.';
comment on column crm.decision.rule_set_id is 'Rule set.';
comment on column crm.decision.activity_status is 'Activity status.';
comment on column crm.decision.cell is 'r × 1,000,000 + f × 10,000 + m × 100 + t; 0 for a status that is not scored.';
comment on column crm.decision.r_score is 'Recency score.';
comment on column crm.decision.f_score is 'Frequency score.';
comment on column crm.decision.m_score is 'Monetary score.';
comment on column crm.decision.t_score is 'Tenure score.';
comment on column crm.decision.rfmt_score is 'The four scores as text.';
comment on column crm.decision.rfmt_total is 'Weighted sum of the scores.';
comment on column crm.decision.value_tier is 'Value tier; none when not scored.';
comment on column crm.decision.tier_rank is 'Rank of the tier; 0 for none.';
comment on column crm.decision.segment is 'Segment.';
comment on column crm.decision.is_high_spender is 'Best monetary band.';

create table crm.lifecycle_transition (
    rule_set_id integer not null references crm.rule_set (rule_set_id) on delete cascade,
    previous_status text not null,
    activity_status text not null,
    has_first_core_purchase boolean not null,
    has_core_purchase boolean not null,
    tier_change smallint not null,
    lifecycle_event text not null,
    primary key (rule_set_id, previous_status, activity_status, has_first_core_purchase, has_core_purchase, tier_change)
);
comment on table crm.lifecycle_transition is 'Lifecycle events of a rule set, compiled: one row for every combination of facts that decides one.';
comment on column crm.lifecycle_transition.rule_set_id is 'Rule set.';
comment on column crm.lifecycle_transition.previous_status is 'Activity status of the month before; empty in the customer''s first month.';
comment on column crm.lifecycle_transition.activity_status is 'Activity status of this month.';
comment on column crm.lifecycle_transition.has_first_core_purchase is 'Whether the first core purchase falls in this month.';
comment on column crm.lifecycle_transition.has_core_purchase is 'Whether there is a core purchase in this month.';
comment on column crm.lifecycle_transition.tier_change is '1 higher tier, -1 lower tier, 0 same tier or not scored in both months.';
comment on column crm.lifecycle_transition.lifecycle_event is 'The event.';

create table crm.cut_point (
    run_id bigint not null,
    month date not null,
    metric text not null check (metric in ('recency', 'frequency', 'monetary', 'abc')),
    band smallint not null,
    limit_value bigint not null,
    primary key (run_id, month, metric, band)
);
comment on table crm.cut_point is 'Limit of every score band of a month: the worst value that still reaches the band; a band without a value has none.';
comment on column crm.cut_point.run_id is 'Run that computed it; crm.published_month says which run''s are in force.';
comment on column crm.cut_point.month is 'Month.';
comment on column crm.cut_point.metric is 'recency (days), frequency (purchases), monetary (cents), abc (cents of monetary).';
comment on column crm.cut_point.band is 'Band; for abc 2 = A, 1 = B.';
comment on column crm.cut_point.limit_value is 'Largest value in the band for recency, smallest for the others.';

create table crm.published_month (
    month date primary key,
    as_of_date date not null,
    run_id bigint not null references ops.run (run_id),
    cut_run_id bigint not null,
    rule_set_id integer not null,
    fact_set_id integer not null,
    is_frozen boolean not null,
    is_open boolean not null,
    short_history boolean not null,
    thin_month boolean not null,
    published_at timestamptz not null
);
comment on table crm.published_month is 'The months that readers see, and what decided them.';
comment on column crm.published_month.month is 'Month, its first day.';
comment on column crm.published_month.as_of_date is 'Last day of the month, or the latest transaction date for the report month.';
comment on column crm.published_month.run_id is 'Run that published it last.';
comment on column crm.published_month.cut_run_id is 'Run whose cut points are in force.';
comment on column crm.published_month.rule_set_id is 'Rule set that decided it.';
comment on column crm.published_month.fact_set_id is 'Customer-month facts it was computed from.';
comment on column crm.published_month.is_frozen is 'Whether its cut points are frozen: it is no longer the report month.';
comment on column crm.published_month.is_open is 'The report month while its as-of date is not its last day.';
comment on column crm.published_month.short_history is 'Fewer than window_months after the first month.';
comment on column crm.published_month.thin_month is 'Fewer scored customers than the rule set asks for.';
comment on column crm.published_month.published_at is 'When it was published last.';

create table crm.snapshot (
    month date not null,
    customer_id text not null,
    as_of_date date not null,
    customer_group text,
    city text,
    home_store_id text,
    opt_in_email boolean,
    opt_in_sms boolean,
    opt_in_phone boolean,
    is_in_master boolean not null,
    first_core_date date,
    last_core_date date,
    last_purchase_date date,
    recency_days integer,
    frequency integer not null,
    monetary_cents bigint not null,
    total_cents bigint not null,
    month_cents bigint not null,
    month_core_cents bigint not null,
    month_orders integer not null,
    month_items numeric not null,
    tenure_months integer,
    activity_status text not null,
    r_score smallint,
    f_score smallint,
    m_score smallint,
    t_score smallint,
    rfmt_score text,
    rfmt_total numeric,
    value_tier text not null,
    tier_rank smallint not null,
    segment text not null,
    is_high_spender boolean not null,
    last_scored_month date,
    last_scored_tier text,
    lifecycle_event text not null,
    growth_state text not null,
    abc_class text,
    previous_status text,
    previous_tier text,
    previous_segment text,
    rule_set integer not null,
    run_id bigint not null,
    primary key (month, customer_id)
) partition by list (month);
comment on table crm.snapshot is 'One row per customer and published month; each partition is indexed by customer_id.';
comment on column crm.snapshot.month is 'Month, its first day.';
comment on column crm.snapshot.customer_id is 'Customer, as the files give it.';
comment on column crm.snapshot.as_of_date is 'Last day of the month, or the latest transaction date for the report month.';
comment on column crm.snapshot.customer_group is 'Customer group by the master''s version valid at as_of_date.';
comment on column crm.snapshot.city is 'City by that version.';
comment on column crm.snapshot.home_store_id is 'Home store by that version.';
comment on column crm.snapshot.opt_in_email is 'Agreed to e-mail by that version; null = unknown.';
comment on column crm.snapshot.opt_in_sms is 'Agreed to text messages by that version; null = unknown.';
comment on column crm.snapshot.opt_in_phone is 'Agreed to calls by that version; null = unknown.';
comment on column crm.snapshot.is_in_master is 'Whether the master listed the customer then.';
comment on column crm.snapshot.first_core_date is 'First core purchase until as_of_date.';
comment on column crm.snapshot.last_core_date is 'Last core purchase until as_of_date.';
comment on column crm.snapshot.last_purchase_date is 'Last sale of any product until as_of_date.';
comment on column crm.snapshot.recency_days is 'Days from last_core_date to as_of_date.';
comment on column crm.snapshot.frequency is 'Core purchases in the window: distinct receipts per month, summed.';
comment on column crm.snapshot.monetary_cents is 'Net amount of core lines in the window, in cents.';
comment on column crm.snapshot.total_cents is 'Net amount of all lines in the window, in cents.';
comment on column crm.snapshot.month_cents is 'Net amount of all lines of the month, in cents.';
comment on column crm.snapshot.month_core_cents is 'Net amount of the month''s core lines, in cents.';
comment on column crm.snapshot.month_orders is 'Distinct receipts with a sale in the month.';
comment on column crm.snapshot.month_items is 'Quantity sold in the month.';
comment on column crm.snapshot.tenure_months is 'Calendar months since the first core purchase.';
comment on column crm.snapshot.activity_status is 'prospect, new, active, at_risk, lapsed or lost.';
comment on column crm.snapshot.r_score is 'Recency band.';
comment on column crm.snapshot.f_score is 'Frequency band.';
comment on column crm.snapshot.m_score is 'Monetary band.';
comment on column crm.snapshot.t_score is 'Tenure band.';
comment on column crm.snapshot.rfmt_score is 'The four bands as text.';
comment on column crm.snapshot.rfmt_total is 'Weighted sum of the four scores.';
comment on column crm.snapshot.value_tier is 'Value tier; none when not scored.';
comment on column crm.snapshot.tier_rank is 'Rank of the tier in its rule set, higher is better; 0 for none.';
comment on column crm.snapshot.segment is 'Segment.';
comment on column crm.snapshot.is_high_spender is 'Best monetary band.';
comment on column crm.snapshot.last_scored_month is 'Latest month until this one in which the customer was scored.';
comment on column crm.snapshot.last_scored_tier is 'The tier then.';
comment on column crm.snapshot.lifecycle_event is 'What happened to the customer this month.';
comment on column crm.snapshot.growth_state is 'new, returning, resurrected, dormant or inactive.';
comment on column crm.snapshot.abc_class is 'A, B or C by cumulative share of monetary.';
comment on column crm.snapshot.previous_status is 'Activity status of the month before.';
comment on column crm.snapshot.previous_tier is 'Value tier of the month before.';
comment on column crm.snapshot.previous_segment is 'Segment of the month before.';
comment on column crm.snapshot.rule_set is 'Version of the rule set that decided the row.';
comment on column crm.snapshot.run_id is 'Run that built the row.';

create table crm.snapshot_unpublished (
    month date not null,
    customer_id text not null,
    as_of_date date not null,
    customer_group text,
    city text,
    home_store_id text,
    opt_in_email boolean,
    opt_in_sms boolean,
    opt_in_phone boolean,
    is_in_master boolean not null,
    first_core_date date,
    last_core_date date,
    last_purchase_date date,
    recency_days integer,
    frequency integer not null,
    monetary_cents bigint not null,
    total_cents bigint not null,
    month_cents bigint not null,
    month_core_cents bigint not null,
    month_orders integer not null,
    month_items numeric not null,
    tenure_months integer,
    activity_status text not null,
    r_score smallint,
    f_score smallint,
    m_score smallint,
    t_score smallint,
    rfmt_score text,
    rfmt_total numeric,
    value_tier text not null,
    tier_rank smallint not null,
    segment text not null,
    is_high_spender boolean not null,
    last_scored_month date,
    last_scored_tier text,
    lifecycle_event text not null,
    growth_state text not null,
    abc_class text,
    previous_status text,
    previous_tier text,
    previous_segment text,
    rule_set integer not null,
    run_id bigint not null
) partition by range (run_id, month);
comment on table crm.snapshot_unpublished is 'Months that a run has built and that nobody reads before the gate has passed them.';
comment on column crm.snapshot_unpublished.month is 'Month, its first day.';
comment on column crm.snapshot_unpublished.customer_id is 'Customer, as the files give it.';
comment on column crm.snapshot_unpublished.as_of_date is 'Last day of the month, or the latest transaction date for the report month.';
comment on column crm.snapshot_unpublished.customer_group is 'Customer group by the master''s version valid at as_of_date.';
comment on column crm.snapshot_unpublished.city is 'City by that version.';
comment on column crm.snapshot_unpublished.home_store_id is 'Home store by that version.';
comment on column crm.snapshot_unpublished.opt_in_email is 'Agreed to e-mail by that version; null = unknown.';
comment on column crm.snapshot_unpublished.opt_in_sms is 'Agreed to text messages by that version; null = unknown.';
comment on column crm.snapshot_unpublished.opt_in_phone is 'Agreed to calls by that version; null = unknown.';
comment on column crm.snapshot_unpublished.is_in_master is 'Whether the master listed the customer then.';
comment on column crm.snapshot_unpublished.first_core_date is 'First core purchase until as_of_date.';
comment on column crm.snapshot_unpublished.last_core_date is 'Last core purchase until as_of_date.';
comment on column crm.snapshot_unpublished.last_purchase_date is 'Last sale of any product until as_of_date.';
comment on column crm.snapshot_unpublished.recency_days is 'Days from last_core_date to as_of_date.';
comment on column crm.snapshot_unpublished.frequency is 'Core purchases in the window: distinct receipts per month, summed.';
comment on column crm.snapshot_unpublished.monetary_cents is 'Net amount of core lines in the window, in cents.';
comment on column crm.snapshot_unpublished.total_cents is 'Net amount of all lines in the window, in cents.';
comment on column crm.snapshot_unpublished.month_cents is 'Net amount of all lines of the month, in cents.';
comment on column crm.snapshot_unpublished.month_core_cents is 'Net amount of the month''s core lines, in cents.';
comment on column crm.snapshot_unpublished.month_orders is 'Distinct receipts with a sale in the month.';
comment on column crm.snapshot_unpublished.month_items is 'Quantity sold in the month.';
comment on column crm.snapshot_unpublished.tenure_months is 'Calendar months since the first core purchase.';
comment on column crm.snapshot_unpublished.activity_status is 'prospect, new, active, at_risk, lapsed or lost.';
comment on column crm.snapshot_unpublished.r_score is 'Recency band.';
comment on column crm.snapshot_unpublished.f_score is 'Frequency band.';
comment on column crm.snapshot_unpublished.m_score is 'Monetary band.';
comment on column crm.snapshot_unpublished.t_score is 'Tenure band.';
comment on column crm.snapshot_unpublished.rfmt_score is 'The four bands as text.';
comment on column crm.snapshot_unpublished.rfmt_total is 'Weighted sum of the four scores.';
comment on column crm.snapshot_unpublished.value_tier is 'Value tier; none when not scored.';
comment on column crm.snapshot_unpublished.tier_rank is 'Rank of the tier in its rule set, higher is better; 0 for none.';
comment on column crm.snapshot_unpublished.segment is 'Segment.';
comment on column crm.snapshot_unpublished.is_high_spender is 'Best monetary band.';
comment on column crm.snapshot_unpublished.last_scored_month is 'Latest month until this one in which the customer was scored.';
comment on column crm.snapshot_unpublished.last_scored_tier is 'The tier then.';
comment on column crm.snapshot_unpublished.lifecycle_event is 'What happened to the customer this month.';
comment on column crm.snapshot_unpublished.growth_state is 'new, returning, resurrected, dormant or inactive.';
comment on column crm.snapshot_unpublished.abc_class is 'A, B or C by cumulative share of monetary.';
comment on column crm.snapshot_unpublished.previous_status is 'Activity status of the month before.';
comment on column crm.snapshot_unpublished.previous_tier is 'Value tier of the month before.';
comment on column crm.snapshot_unpublished.previous_segment is 'Segment of the month before.';
comment on column crm.snapshot_unpublished.rule_set is 'Version of the rule set that decided the row.';
comment on column crm.snapshot_unpublished.run_id is 'Run that built the row.';

create table crm.snapshot_history (
    month date not null,
    customer_id text not null,
    as_of_date date not null,
    customer_group text,
    city text,
    home_store_id text,
    opt_in_email boolean,
    opt_in_sms boolean,
    opt_in_phone boolean,
    is_in_master boolean not null,
    first_core_date date,
    last_core_date date,
    last_purchase_date date,
    recency_days integer,
    frequency integer not null,
    monetary_cents bigint not null,
    total_cents bigint not null,
    month_cents bigint not null,
    month_core_cents bigint not null,
    month_orders integer not null,
    month_items numeric not null,
    tenure_months integer,
    activity_status text not null,
    r_score smallint,
    f_score smallint,
    m_score smallint,
    t_score smallint,
    rfmt_score text,
    rfmt_total numeric,
    value_tier text not null,
    tier_rank smallint not null,
    segment text not null,
    is_high_spender boolean not null,
    last_scored_month date,
    last_scored_tier text,
    lifecycle_event text not null,
    growth_state text not null,
    abc_class text,
    previous_status text,
    previous_tier text,
    previous_segment text,
    rule_set integer not null,
    run_id bigint not null,
    published_from timestamptz not null,
    published_until timestamptz not null,
    replaced_by bigint not null
);
comment on table crm.snapshot_history is 'What was published before and has been replaced or removed.';
comment on column crm.snapshot_history.month is 'Month, its first day.';
comment on column crm.snapshot_history.customer_id is 'Customer, as the files give it.';
comment on column crm.snapshot_history.as_of_date is 'Last day of the month, or the latest transaction date for the report month.';
comment on column crm.snapshot_history.customer_group is 'Customer group by the master''s version valid at as_of_date.';
comment on column crm.snapshot_history.city is 'City by that version.';
comment on column crm.snapshot_history.home_store_id is 'Home store by that version.';
comment on column crm.snapshot_history.opt_in_email is 'Agreed to e-mail by that version; null = unknown.';
comment on column crm.snapshot_history.opt_in_sms is 'Agreed to text messages by that version; null = unknown.';
comment on column crm.snapshot_history.opt_in_phone is 'Agreed to calls by that version; null = unknown.';
comment on column crm.snapshot_history.is_in_master is 'Whether the master listed the customer then.';
comment on column crm.snapshot_history.first_core_date is 'First core purchase until as_of_date.';
comment on column crm.snapshot_history.last_core_date is 'Last core purchase until as_of_date.';
comment on column crm.snapshot_history.last_purchase_date is 'Last sale of any product until as_of_date.';
comment on column crm.snapshot_history.recency_days is 'Days from last_core_date to as_of_date.';
comment on column crm.snapshot_history.frequency is 'Core purchases in the window: distinct receipts per month, summed.';
comment on column crm.snapshot_history.monetary_cents is 'Net amount of core lines in the window, in cents.';
comment on column crm.snapshot_history.total_cents is 'Net amount of all lines in the window, in cents.';
comment on column crm.snapshot_history.month_cents is 'Net amount of all lines of the month, in cents.';
comment on column crm.snapshot_history.month_core_cents is 'Net amount of the month''s core lines, in cents.';
comment on column crm.snapshot_history.month_orders is 'Distinct receipts with a sale in the month.';
comment on column crm.snapshot_history.month_items is 'Quantity sold in the month.';
comment on column crm.snapshot_history.tenure_months is 'Calendar months since the first core purchase.';
comment on column crm.snapshot_history.activity_status is 'prospect, new, active, at_risk, lapsed or lost.';
comment on column crm.snapshot_history.r_score is 'Recency band.';
comment on column crm.snapshot_history.f_score is 'Frequency band.';
comment on column crm.snapshot_history.m_score is 'Monetary band.';
comment on column crm.snapshot_history.t_score is 'Tenure band.';
comment on column crm.snapshot_history.rfmt_score is 'The four bands as text.';
comment on column crm.snapshot_history.rfmt_total is 'Weighted sum of the four scores.';
comment on column crm.snapshot_history.value_tier is 'Value tier; none when not scored.';
comment on column crm.snapshot_history.tier_rank is 'Rank of the tier in its rule set, higher is better; 0 for none.';
comment on column crm.snapshot_history.segment is 'Segment.';
comment on column crm.snapshot_history.is_high_spender is 'Best monetary band.';
comment on column crm.snapshot_history.last_scored_month is 'Latest month until this one in which the customer was scored.';
comment on column crm.snapshot_history.last_scored_tier is 'The tier then.';
comment on column crm.snapshot_history.lifecycle_event is 'What happened to the customer this month.';
comment on column crm.snapshot_history.growth_state is 'new, returning, resurrected, dormant or inactive.';
comment on column crm.snapshot_history.abc_class is 'A, B or C by cumulative share of monetary.';
comment on column crm.snapshot_history.previous_status is 'Activity status of the month before.';
comment on column crm.snapshot_history.previous_tier is 'Value tier of the month before.';
comment on column crm.snapshot_history.previous_segment is 'Segment of the month before.';
comment on column crm.snapshot_history.rule_set is 'Version of the rule set that decided the row.';
comment on column crm.snapshot_history.run_id is 'Run that built the row.';
comment on column crm.snapshot_history.published_from is 'When readers began to see the row.';
comment on column crm.snapshot_history.published_until is 'When readers ceased to see it.';
comment on column crm.snapshot_history.replaced_by is 'Run that replaced or removed it.';

create table crm.measure (
    run_id bigint not null,
    month date not null,
    customer_id text not null,
    as_of_date date not null,
    first_core_date date,
    last_core_date date,
    last_purchase_date date,
    recency_days integer,
    frequency integer not null,
    monetary_cents bigint not null,
    total_cents bigint not null,
    month_cents bigint not null,
    month_core_cents bigint not null,
    month_orders integer not null,
    month_items numeric not null,
    tenure_months integer,
    activity_status text not null,
    growth_state text not null
) partition by range (run_id, month);
comment on table crm.measure is 'Measures and status of the months a run builds, before scoring; dropped with the run''s other unpublished tables.';
comment on column crm.measure.run_id is 'Run.';
comment on column crm.measure.month is 'Month, its first day.';
comment on column crm.measure.customer_id is 'Customer, as the files give it.';
comment on column crm.measure.as_of_date is 'Last day of the month, or the latest transaction date for the report month.';
comment on column crm.measure.first_core_date is 'First core purchase until as_of_date.';
comment on column crm.measure.last_core_date is 'Last core purchase until as_of_date.';
comment on column crm.measure.last_purchase_date is 'Last sale of any product until as_of_date.';
comment on column crm.measure.recency_days is 'Days from last_core_date to as_of_date.';
comment on column crm.measure.frequency is 'Core purchases in the window: distinct receipts per month, summed.';
comment on column crm.measure.monetary_cents is 'Net amount of core lines in the window, in cents.';
comment on column crm.measure.total_cents is 'Net amount of all lines in the window, in cents.';
comment on column crm.measure.month_cents is 'Net amount of all lines of the month, in cents.';
comment on column crm.measure.month_core_cents is 'Net amount of the month''s core lines, in cents.';
comment on column crm.measure.month_orders is 'Distinct receipts with a sale in the month.';
comment on column crm.measure.month_items is 'Quantity sold in the month.';
comment on column crm.measure.tenure_months is 'Calendar months since the first core purchase.';
comment on column crm.measure.activity_status is 'prospect, new, active, at_risk, lapsed or lost.';
comment on column crm.measure.growth_state is 'new, returning, resurrected, dormant or inactive.';
create index snapshot_history_customer on crm.snapshot_history (customer_id, month);
create index snapshot_history_until on crm.snapshot_history (published_until);

create table crm.month_summary (
    run_id bigint not null,
    month date not null,
    activity_status text not null,
    value_tier text not null,
    segment text not null,
    lifecycle_event text not null,
    growth_state text not null,
    customers bigint not null,
    first_appearances bigint not null,
    buyers bigint not null,
    scored bigint not null,
    reach_email bigint not null,
    reach_sms bigint not null,
    reach_phone bigint not null,
    month_cents numeric not null,
    month_core_cents numeric not null,
    month_orders bigint not null,
    month_items numeric not null,
    monetary_cents numeric not null,
    total_cents numeric not null,
    primary key (run_id, month, activity_status, value_tier, segment, lifecycle_event, growth_state)
);
comment on table crm.month_summary is 'Counts and sums of every built month by status, tier, segment, event and growth state; crm.published_month.run_id says which run''s are in force.';
comment on column crm.month_summary.run_id is 'Run that built the month.';
comment on column crm.month_summary.month is 'Month, its first day.';
comment on column crm.month_summary.activity_status is 'Activity status.';
comment on column crm.month_summary.value_tier is 'Value tier.';
comment on column crm.month_summary.segment is 'Segment.';
comment on column crm.month_summary.lifecycle_event is 'Lifecycle event.';
comment on column crm.month_summary.growth_state is 'Growth state.';
comment on column crm.month_summary.customers is 'Customers.';
comment on column crm.month_summary.first_appearances is 'Customers in their first month of the snapshot.';
comment on column crm.month_summary.buyers is 'Customers with a core purchase in the month.';
comment on column crm.month_summary.scored is 'Scored customers.';
comment on column crm.month_summary.reach_email is 'Customers opted in to e-mail.';
comment on column crm.month_summary.reach_sms is 'Customers opted in to text messages.';
comment on column crm.month_summary.reach_phone is 'Customers opted in to calls.';
comment on column crm.month_summary.month_cents is 'Net amount of the month, in cents.';
comment on column crm.month_summary.month_core_cents is 'Net amount of the month''s core lines, in cents.';
comment on column crm.month_summary.month_orders is 'Distinct receipts with a sale.';
comment on column crm.month_summary.month_items is 'Quantity sold.';
comment on column crm.month_summary.monetary_cents is 'Net amount of core lines in the window, in cents.';
comment on column crm.month_summary.total_cents is 'Net amount of all lines in the window, in cents.';

create schema if not exists mart;
comment on schema mart is 'The public interface: views and summary tables for the dashboard, Excel, Power BI and analysts.';

create table crm.touched_fact (
    run_id bigint not null,
    customer_id text not null,
    month date not null,
    primary key (run_id, customer_id, month)
);
comment on table crm.touched_fact is 'Customers and months whose facts a run computes again.';
comment on column crm.touched_fact.run_id is 'Run.';
comment on column crm.touched_fact.customer_id is 'Customer.';
comment on column crm.touched_fact.month is 'Month.';

create table crm.fact_chunk (
    run_id bigint not null,
    fact_set_id integer not null,
    from_month date not null,
    to_month date not null,
    is_whole boolean not null,
    primary key (run_id, fact_set_id, from_month)
);
comment on table crm.fact_chunk is 'Chunks of months whose facts a run aggregates, in parallel sessions.';
comment on column crm.fact_chunk.run_id is 'Run.';
comment on column crm.fact_chunk.fact_set_id is 'Fact set.';
comment on column crm.fact_chunk.from_month is 'First month.';
comment on column crm.fact_chunk.to_month is 'Last month.';
comment on column crm.fact_chunk.is_whole is 'Whether all customers are aggregated, or only crm.touched_fact.';

create unlogged table crm.measure_marker (
    run_id bigint primary key
);
comment on table crm.measure_marker is 'Emptied by a crash of the server together with the measures: a run without its marker builds its months again.';
comment on column crm.measure_marker.run_id is 'Run whose measures are complete as far as ops.run_month says.';
