-- Earlier versions computed the last published month whole at every refresh, so loads did not note its changes. Now it is
-- computed for touched customers: where files came after the last publication, everybody is noted once.

insert into crm.pending_change (customer_id, month, is_fact_change, changed_at, file_id)
select v.customer_id, tail.month, true, clock_timestamp(), latest.file_id
from (
    select max(m.month) as month
    from crm.published_month m
    union
    -- a run that was building goes on, and publishes this month
    select r.report_month
    from ops.run r
    where r.kind = 'refresh' and r.status in ('building', 'refused')
) as tail
cross join (
    select max(f.file_id) as file_id
    from ops.file f
    where
        f.status = 'loaded'
        and f.loaded_at > (select r.known_at from ops.run r where r.status = 'published' order by r.run_id desc limit 1)
) as latest
join core.customer_version v on v.version_to = 'infinity' and v.known_to = 'infinity'
where latest.file_id is not null and tail.month is not null;
