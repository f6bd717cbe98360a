-- A killed process leaves its sessions in the server: the statement that they are at goes on. Whoever repeats a step, or takes
-- a run over, would get into each other's way with them, up to a deadlock.

create or replace procedure crm.join_building()
language sql
begin atomic
    select pg_advisory_xact_lock_shared(ops.lock_key('build'));
end;
comment on procedure crm.join_building() is 'Says until the end of the transaction that this session builds, beside others.';

create or replace procedure crm.await_building()
language sql
begin atomic
    select pg_advisory_xact_lock(ops.lock_key('build'));
end;
comment on procedure crm.await_building() is 'Waits until no session builds any more, and keeps others from it until the end of the transaction.';
