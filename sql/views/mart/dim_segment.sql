create or replace view mart.dim_segment as
with newest as (
    select
        rule_segment.segment,
        rule_segment.position,
        rule_segment.statuses && rule_set.scored_statuses as is_scored,
        rule_segment.rule_set_id,
        rule_segment.rule_set_id = max(rule_segment.rule_set_id) over (partition by rule_segment.segment) as is_newest
    from crm.rule_segment
    join crm.rule_set on rule_set.rule_set_id = rule_segment.rule_set_id
    where rule_segment.rule_set_id in (select published_month.rule_set_id from crm.published_month)
)
select
    segment,
    position,
    is_scored,
    rule_set_id as rule_set
from newest
where is_newest;

comment on view mart.dim_segment is 'Star: every segment of the published months'' rules, as the newest rule set of these that has it defines it.';
comment on column mart.dim_segment.segment is 'Segment: the key.';
comment on column mart.dim_segment.position is 'Order of trial; sorts the segments.';
comment on column mart.dim_segment.is_scored is 'Whether its customers are scored (engaged).';
comment on column mart.dim_segment.rule_set is 'Version of the rule set.';
