-- Makes a migrated, still empty warehouse a Citus cluster's: run once on the coordinator, as the owner, after
-- `create extension citus`. Facts and snapshots are distributed by customer_id and co-located, what is joined to them is a
-- reference table. What holds and what does not: docs/decisions/020_citus.md.
--
-- These stay on the coordinator:
--   every table of raw, ops and access: files, runs and users, a few rows each, or rows that are read once;
--   core.sale_key_range, core.sale_line_waiting: a file is accepted on the coordinator, since a receipt's key is of no customer;
--   crm.fact_chunk, crm.measure_marker, crm.audience: plans of a run, its marker, and what users have saved;
--   crm.month_summary, crm.month_movement, crm.month_score, crm.month_metric, crm.month_cohort, crm.month_to_day: totals,
--   crm.user_month, crm.user_month_summary, crm.user_month_movement, crm.user_month_score, crm.user_month_metric,
--   crm.user_month_cohort: and those of users, which pages read without asking a worker.

select create_reference_table('core.calendar');
select create_reference_table('core.product_version');
select create_reference_table('core.store_version');
select create_reference_table('core.promotion_version');
select create_reference_table('crm.fact_set');
select create_reference_table('crm.rule_set');
select create_reference_table('crm.rule_tier');
select create_reference_table('crm.rule_segment');
select create_reference_table('crm.decision');
select create_reference_table('crm.lifecycle_transition');
select create_reference_table('crm.cut_point');
select create_reference_table('crm.published_month');

select create_distributed_table('core.sale_line', 'customer_id');
select create_distributed_table('core.sale_line_superseded', 'customer_id', colocate_with => 'core.sale_line');
select create_distributed_table('core.customer_version', 'customer_id', colocate_with => 'core.sale_line');
select create_distributed_table('crm.customer_month', 'customer_id', colocate_with => 'core.sale_line');
select create_distributed_table('crm.customer_known', 'customer_id', colocate_with => 'core.sale_line');
select create_distributed_table('crm.customer_first_seen', 'customer_id', colocate_with => 'core.sale_line');
select create_distributed_table('crm.pending_change', 'customer_id', colocate_with => 'core.sale_line');
select create_distributed_table('crm.touched_customer', 'customer_id', colocate_with => 'core.sale_line');
select create_distributed_table('crm.differing_row', 'customer_id', colocate_with => 'core.sale_line');
select create_distributed_table('crm.touched_fact', 'customer_id', colocate_with => 'core.sale_line');
select create_distributed_table('crm.measure', 'customer_id', colocate_with => 'core.sale_line');
select create_distributed_table('crm.snapshot', 'customer_id', colocate_with => 'core.sale_line');
select create_distributed_table('crm.snapshot_unpublished', 'customer_id', colocate_with => 'core.sale_line');
select create_distributed_table('crm.snapshot_history', 'customer_id', colocate_with => 'core.sale_line');
