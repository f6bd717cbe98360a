-- Rows that a run attached and never published, and that the next run left as they were, get the run that showed them: they
-- could not be replaced, as nothing said since when they had been published.

do $$
declare
    v_left record;
begin
    -- month after month: only the months of runs that were stopped are read
    for v_left in
        select a.month, a.run_id, min(s.run_id) as shown_by
        from ops.run_month a
        join ops.run r on r.run_id = a.run_id and r.kind = 'refresh' and r.published_at is null
        join crm.published_month p on p.month = a.month
        join ops.run_month s on s.month = a.month and s.run_id > a.run_id and s.rows_mode = 'all'
        join ops.run t on t.run_id = s.run_id and t.published_at is not null
        where a.rows_mode = 'all'
        group by a.month, a.run_id
    loop
        update crm.snapshot set run_id = v_left.shown_by where month = v_left.month and run_id = v_left.run_id;
    end loop;
end
$$;
