create or replace view mart.stores as
select
    store_id,
    store_name,
    city,
    region,
    is_in_master,
    warnings
from core.store_version
where version_to = 'infinity' and known_to = 'infinity';

comment on view mart.stores is 'Stores as the newest accepted master has them.';
comment on column mart.stores.store_id is 'Store, as the files give it.';
comment on column mart.stores.store_name is 'Name.';
comment on column mart.stores.city is 'City.';
comment on column mart.stores.region is 'Region.';
comment on column mart.stores.is_in_master is 'Whether the newest master lists the store; false = closed.';
comment on column mart.stores.warnings is 'Values of its row in the newest file that could not be read and became unknown; null = none.';
