-- Advisory locks by name: loads wait for each other, and so do refreshes.

create or replace function ops.lock_key(p_name text) returns bigint
language sql immutable parallel safe
return hashtextextended('warehouse.' || p_name, 0);
comment on function ops.lock_key(text) is 'Key of the advisory lock of that name (load, refresh).';
