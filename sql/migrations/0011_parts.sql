-- The customers of a month are scored in parts, each in a session of its own.

alter table ops.run add column parts smallint not null default 1 check (parts > 0);
comment on column ops.run.parts is 'Parts that the customers are scored in, beside each other.';
alter table ops.run_month add column parts_scored smallint[] not null default '{}';
comment on column ops.run_month.parts_scored is 'Parts whose snapshot rows are there, from 0.';
drop function if exists crm.build_scores(bigint, date);
