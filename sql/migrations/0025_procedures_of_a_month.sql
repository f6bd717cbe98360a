-- Every month knows the procedures that built it, and what a cluster needs stands as it is asked for.

alter table ops.run_month add column procedures text[];
comment on column ops.run_month.procedures is 'Procedures, with their versions, that its facts, measures, cut points and scores come from; null where that was not yet written down when they were built.';

-- no query looks for a file by its hash
drop index ops.file_sha256;

-- who appears since when is looked up without it, for all customers at once
drop function if exists crm.first_seen(text, timestamptz, date);

-- on a cluster months are a reference table, and such a table has no key to one that stays on the coordinator
alter table crm.published_month drop constraint published_month_run_id_fkey;

comment on column core.sale_line_waiting.customer_id is 'Customer.';
