-- Open rejects by file and reason, counted in the transaction in which rows are rejected or closed.

create or replace function ops.count_rejects() returns trigger
language plpgsql
as $$
begin
    if tg_op <> 'DELETE' then
        insert into ops.reject_count as c (file_id, reason, records, records_with_amount, amount)
        select
            n.file_id,
            reason,
            count(*),
            count(n.amount),
            coalesce(sum(n.amount), 0)
        from new_reject n
        cross join unnest(n.reasons) as reason
        where n.resolution is null
        group by n.file_id, reason
        on conflict (file_id, reason) do update set
            records = c.records + excluded.records,
            records_with_amount = c.records_with_amount + excluded.records_with_amount,
            amount = c.amount + excluded.amount;
    end if;
    if tg_op <> 'INSERT' then
        update ops.reject_count c
        set
            records = c.records - gone.records,
            records_with_amount = c.records_with_amount - gone.records_with_amount,
            amount = c.amount - gone.amount
        from (
            select
                o.file_id,
                reason,
                count(*) as records,
                count(o.amount) as records_with_amount,
                coalesce(sum(o.amount), 0) as amount
            from old_reject o
            cross join unnest(o.reasons) as reason
            where o.resolution is null
            group by o.file_id, reason
        ) as gone
        where c.file_id = gone.file_id and c.reason = gone.reason;
        delete from ops.reject_count c where c.records = 0;
    end if;
    return null;
end
$$;
comment on function ops.count_rejects() is 'Keeps ops.reject_count what the open rejects add up to.';

create or replace trigger count_new_rejects
after insert on ops.rejected_record
referencing new table as new_reject
for each statement execute function ops.count_rejects();
comment on trigger count_new_rejects on ops.rejected_record is 'Counts new rejects.';

create or replace trigger count_changed_rejects
after update on ops.rejected_record
referencing old table as old_reject new table as new_reject
for each statement execute function ops.count_rejects();
comment on trigger count_changed_rejects on ops.rejected_record is 'Counts rejects that are closed.';

create or replace trigger count_deleted_rejects
after delete on ops.rejected_record
referencing old table as old_reject
for each statement execute function ops.count_rejects();
comment on trigger count_deleted_rejects on ops.rejected_record is 'Counts rejects that are deleted.';
