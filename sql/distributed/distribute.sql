-- Makes a migrated, still empty warehouse a Citus cluster's: run once on the coordinator, as the owner, after
-- `create extension citus`. Facts and snapshots are distributed by customer_id and co-located, what is joined to them is a
-- reference table. ops and raw stay on the coordinator.

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
