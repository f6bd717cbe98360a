-- What is published follows from the order of files and publications, and times say that order: a machine's clock may be
-- set back, the log's may not.

create or replace function ops.log_time() returns timestamptz
language plpgsql
as $$
begin
    return greatest(
        clock_timestamp(),
        (select max(greatest(r.known_at, r.published_at)) + interval '1 microsecond' from ops.run r),
        (select max(f.loaded_at) + interval '1 microsecond' from ops.file f)
    );
end
$$;
comment on function ops.log_time() is 'Now, or where the clock was set back the moment after the last entry of the log: later than every load, plan and publication before.';
