create or replace view mart.dim_product as
with rule as (
    select fact_set.core_product_types
    from crm.published_month
    join crm.fact_set on fact_set.fact_set_id = published_month.fact_set_id
    order by published_month.month desc
    limit 1
)
select
    product_version.product_id,
    product_version.product_name,
    product_version.category,
    product_version.family,
    product_version.product_type,
    product_version.unit_cost,
    coalesce(lower(product_version.product_type) = any(rule.core_product_types), false) as is_core,
    product_version.is_in_master
from core.product_version
cross join rule
where product_version.version_to = 'infinity'
    and product_version.known_from <= (select max(known_at) from ops.run where status = 'published')
    and product_version.known_to > (select max(known_at) from ops.run where status = 'published');

comment on view mart.dim_product is 'Star: every product as known at the publication.';
comment on column mart.dim_product.product_id is 'Product: the key.';
comment on column mart.dim_product.product_name is 'Name.';
comment on column mart.dim_product.category is 'Category.';
comment on column mart.dim_product.family is 'Family.';
comment on column mart.dim_product.product_type is 'Type.';
comment on column mart.dim_product.unit_cost is 'Cost of a unit, in currency units.';
comment on column mart.dim_product.is_core is 'Whether it is a core product today, by the rule set of the report month.';
comment on column mart.dim_product.is_in_master is 'Whether the master listed it; false = closed.';
