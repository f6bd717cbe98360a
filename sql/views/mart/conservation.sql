create or replace view mart.conservation as
select
    run_id,
    identity,
    scope,
    case when not (select access.is_restricted()) then left_value end as left_value,
    case when not (select access.is_restricted()) then right_value end as right_value,
    is_ok
from ops.conservation;

comment on view mart.conservation is 'Conservation of rows and money at every run, from file to published total.';
comment on column mart.conservation.run_id is 'Run.';
comment on column mart.conservation.identity is 'Which identity, as left = right.';
comment on column mart.conservation.scope is 'File, month, core product types or total that it speaks of.';
comment on column mart.conservation.left_value is 'Left side. Null for whoever sees some customers only.';
comment on column mart.conservation.right_value is 'Right side. Null for whoever sees some customers only.';
comment on column mart.conservation.is_ok is 'Whether both sides agree.';
