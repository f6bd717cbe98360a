create or replace view mart.products as
select
    product_id,
    product_name,
    category,
    family,
    product_type,
    unit_cost,
    is_in_master,
    warnings
from core.product_version
where version_to = 'infinity' and known_to = 'infinity';

comment on view mart.products is 'Products as the newest accepted master has them.';
comment on column mart.products.product_id is 'Product, as the files give it.';
comment on column mart.products.product_name is 'Name.';
comment on column mart.products.category is 'Category.';
comment on column mart.products.family is 'Family.';
comment on column mart.products.product_type is 'Type; the rule set says which types are core.';
comment on column mart.products.unit_cost is 'Cost of a unit.';
comment on column mart.products.is_in_master is 'Whether the newest master lists the product; false = closed.';
comment on column mart.products.warnings is 'Values of its row in the newest file that could not be read and became unknown; null = none.';
