create or replace view mart.dim_store as
select
    store_version.store_id,
    store_version.store_name,
    store_version.city,
    store_version.region,
    store_version.is_in_master
from core.store_version
where store_version.version_to = 'infinity'
    and store_version.known_from <= (select max(known_at) from ops.run where status = 'published')
    and store_version.known_to > (select max(known_at) from ops.run where status = 'published');

comment on view mart.dim_store is 'Star: every store as known at the publication.';
comment on column mart.dim_store.store_id is 'Store: the key.';
comment on column mart.dim_store.store_name is 'Name.';
comment on column mart.dim_store.city is 'City.';
comment on column mart.dim_store.region is 'Region.';
comment on column mart.dim_store.is_in_master is 'Whether the master listed it; false = closed.';
