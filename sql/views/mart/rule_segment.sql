create or replace view mart.rule_segment as
select
    rule_set_id as rule_set,
    position,
    segment,
    statuses,
    r_from,
    r_to,
    f_from,
    f_to,
    m_from,
    m_to,
    t_from,
    t_to
from crm.rule_segment;

comment on view mart.rule_segment is 'Segments of every rule set: a customer is in the first one, by position, whose conditions all hold.';
comment on column mart.rule_segment.rule_set is 'Version of the rule set.';
comment on column mart.rule_segment.position is 'Order of trial.';
comment on column mart.rule_segment.segment is 'Name.';
comment on column mart.rule_segment.statuses is 'Activity statuses it is tried for.';
comment on column mart.rule_segment.r_from is 'Least recency score; null = any.';
comment on column mart.rule_segment.r_to is 'Greatest recency score; null = any.';
comment on column mart.rule_segment.f_from is 'Least frequency score; null = any.';
comment on column mart.rule_segment.f_to is 'Greatest frequency score; null = any.';
comment on column mart.rule_segment.m_from is 'Least monetary score; null = any.';
comment on column mart.rule_segment.m_to is 'Greatest monetary score; null = any.';
comment on column mart.rule_segment.t_from is 'Least tenure score; null = any.';
comment on column mart.rule_segment.t_to is 'Greatest tenure score; null = any.';
