-- For whom the newest master may differ from a month's row: few, found by these in place of joining everybody (mart.master_since).

create index customer_version_from on core.customer_version (version_from)
    where version_to = 'infinity' and known_to = 'infinity';
create index customer_version_known on core.customer_version (known_from)
    where version_to = 'infinity' and known_to = 'infinity';
