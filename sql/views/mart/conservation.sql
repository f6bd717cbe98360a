create or replace view mart.conservation as
select
    run_id,
    identity,
    scope,
    left_value,
    right_value,
    is_ok
from ops.conservation;

comment on view mart.conservation is 'Conservation of rows and money at every run, from file to published total.';
comment on column mart.conservation.run_id is 'Run.';
comment on column mart.conservation.identity is 'Which identity, as left = right.';
comment on column mart.conservation.scope is 'File or total that it speaks of.';
comment on column mart.conservation.left_value is 'Left side.';
comment on column mart.conservation.right_value is 'Right side.';
comment on column mart.conservation.is_ok is 'Whether both sides agree.';
