create or replace view mart.rule_set as
select
    rule_set_id as rule_set,
    title,
    state,
    -- Excel and Power BI know no infinite date
    nullif(active_from, '-infinity') as active_from,
    created_at,
    approved_at,
    core_product_types,
    window_months,
    new_days,
    active_days,
    at_risk_days,
    lapsed_days,
    scored_statuses,
    score_bands,
    tenure_bands,
    weight_r,
    weight_f,
    weight_m,
    weight_t,
    min_scored_customers,
    abc_share_a,
    abc_share_b
from crm.rule_set;

comment on view mart.rule_set is 'Every rule set with its parameters.';
comment on column mart.rule_set.rule_set is 'Version of the rule set.';
comment on column mart.rule_set.title is 'What it is for.';
comment on column mart.rule_set.state is 'draft, approved (proved), active or retired.';
comment on column mart.rule_set.active_from is 'First month that it decides; null for one that decides from the beginning, and for a draft or approved one.';
comment on column mart.rule_set.created_at is 'When it was drafted.';
comment on column mart.rule_set.approved_at is 'When it was proved and approved.';
comment on column mart.rule_set.core_product_types is 'Product types that count as engagement.';
comment on column mart.rule_set.window_months is 'Trailing window for frequency and monetary, in months.';
comment on column mart.rule_set.new_days is 'First core purchase at most this many days before: new.';
comment on column mart.rule_set.active_days is 'Recency at most this: active.';
comment on column mart.rule_set.at_risk_days is 'Recency at most this: at_risk.';
comment on column mart.rule_set.lapsed_days is 'Recency at most this: lapsed; beyond: lost.';
comment on column mart.rule_set.scored_statuses is 'Statuses that are scored: the engaged customers.';
comment on column mart.rule_set.score_bands is 'Bands for recency, frequency and monetary.';
comment on column mart.rule_set.tenure_bands is 'Months from which the tenure score is 1, 2, 3, ….';
comment on column mart.rule_set.weight_r is 'Weight of the recency score in the total.';
comment on column mart.rule_set.weight_f is 'Weight of the frequency score in the total.';
comment on column mart.rule_set.weight_m is 'Weight of the monetary score in the total.';
comment on column mart.rule_set.weight_t is 'Weight of the tenure score in the total.';
comment on column mart.rule_set.min_scored_customers is 'With fewer scored customers a month is flagged thin.';
comment on column mart.rule_set.abc_share_a is 'Cumulative share of monetary below which a customer is A.';
comment on column mart.rule_set.abc_share_b is 'Cumulative share of monetary below which a customer is B.';
