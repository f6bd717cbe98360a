-- Advisory locks by name: loads wait for each other, so do refreshes, and a step for sessions that still build.

create or replace function ops.lock_key(p_name text) returns bigint
language sql immutable parallel safe
return hashtextextended('warehouse.' || p_name, 0);
comment on function ops.lock_key(text) is 'Key of the advisory lock of that name (load, refresh, build, rules).';
