create or replace view mart.rule_tier as
select
    rule_set_id as rule_set,
    tier_rank,
    tier,
    minimum_total
from crm.rule_tier;

comment on view mart.rule_tier is 'Value tiers of every rule set, by least total of the scores.';
comment on column mart.rule_tier.rule_set is 'Version of the rule set.';
comment on column mart.rule_tier.tier_rank is 'Rank, 1 the lowest.';
comment on column mart.rule_tier.tier is 'Name.';
comment on column mart.rule_tier.minimum_total is 'Least rfmt_total.';
