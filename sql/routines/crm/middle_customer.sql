-- Where work on all customers is cut in two. Readers cannot name it: an id may be that of a customer whom they do not see.
create or replace function crm.middle_customer() returns text
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(max(s.bounds[(cardinality(s.bounds) + 1) / 2]), '')
    from (
        select p.histogram_bounds::text::text[] as bounds
        from pg_stats p
        where p.schemaname = 'core' and p.tablename = 'customer_version' and p.attname = 'customer_id' and not p.inherited
    ) as s;
end;
comment on function crm.middle_customer() is
    'An id with about as many customers below as above, by the planner''s statistics; an empty text without these.';
