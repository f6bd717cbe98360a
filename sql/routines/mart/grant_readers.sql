-- Every view of mart reads with the rights of whoever asks (security_invoker), so that row security holds. Readers may
-- therefore select from the tables below, but lack usage on their schemas: they cannot name them.

create or replace procedure mart.grant_readers()
language plpgsql
as $$
declare
    v_reader text;
    v_relation regclass;
begin
    for v_relation in
        select c.oid
        from pg_class c
        where
            c.relnamespace = 'mart'::regnamespace
            and c.relkind = 'v'
            and not coalesce(c.reloptions @> array['security_invoker=true'], false)
    loop
        execute format('alter view %s set (security_invoker = true)', v_relation);
    end loop;
    for v_reader in
        select r.rolname from pg_roles r where r.rolname in ('mart_reader', 'contact_reader', 'sales_reader')
    loop
        execute format('grant usage on schema mart to %I', v_reader);
        for v_relation in
            select c.oid
            from pg_class c
            where c.relnamespace = 'mart'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
            union
            select t.relation from mart.tables_read() t
        loop
            if v_relation = 'mart.customer_contact'::regclass and v_reader = 'mart_reader' then
                execute format('revoke all on %s from %I', v_relation, v_reader);
            else
                execute format('grant select on %s to %I', v_relation, v_reader);
            end if;
        end loop;
        if v_reader = 'sales_reader' then
            grant select on access.visible_customer to sales_reader;
        end if;
        call mart.create_policies(v_reader);
    end loop;
end
$$;
comment on procedure mart.grant_readers() is
    'Lets the roles mart_reader, contact_reader and sales_reader read mart; customer_contact is not for mart_reader. A role that is missing is passed over.';

create or replace function mart.tables_read()
returns table (relation regclass, has_customers boolean, has_users boolean, is_secured boolean)
language sql stable
begin atomic
    select
        c.oid::regclass,
        exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'customer_id'),
        exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_email'),
        c.relrowsecurity
    from pg_class c
    where c.relkind in ('r', 'p')
        and c.oid in (
            select d.refobjid
            from pg_rewrite r
            join pg_class v on v.oid = r.ev_class and v.relnamespace = 'mart'::regnamespace
            join pg_depend d
                on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
        );
end;
comment on function mart.tables_read() is 'Tables that the views of mart read, whether they have customers or figures of users, and whether row security is on.';

create or replace procedure mart.create_policies(p_reader text)
language plpgsql
as $$
declare
    v_table record;
    v_rows text;
begin
    for v_table in select t.* from mart.tables_read() t where t.has_customers or t.is_secured loop
        if not v_table.is_secured then
            raise exception '% has customers and no row security', v_table.relation
                using hint = format('put into a migration: alter table %s enable row level security', v_table.relation);
        end if;
        v_rows := case
            when v_table.has_users then 'user_email = access.current_email()'
            -- mart.audience says which ones are seen; the table is secured so that pg_stats tells none
            when p_reader <> 'sales_reader' or v_table.relation = 'crm.audience'::regclass then 'true'
            when v_table.relation = 'ops.export_log'::regclass then 'exported_by = access.current_email()'
            when v_table.relation = 'ops.rejected_record'::regclass then
                'customer_id in (select v.customer_id from access.visible_customer v)
                or file_id in (select f.file_id from ops.file f where f.feed not in (''sales'', ''customers''))'
            when v_table.has_customers then 'customer_id in (select v.customer_id from access.visible_customer v)'
            when v_table.relation = 'ops.failed_row'::regclass then
                'failed_row ->> ''customer_id'' in (select v.customer_id from access.visible_customer v)'
        end;
        if v_rows is not null
            and not exists (
                select from pg_policy p where p.polrelid = v_table.relation and p.polname = 'rows_of_' || p_reader
            )
        then
            execute format(
                'create policy %I on %s for select to %I using (%s)',
                'rows_of_' || p_reader, v_table.relation, p_reader, v_rows
            );
        end if;
    end loop;
end
$$;
comment on procedure mart.create_policies(text) is
    'Says which rows a role of readers sees: all of them; for sales_reader those of the current user''s customers, and the exports that the user made. Figures of users are read by the user alone. Audiences are seen as mart.audience has them. Of another table that is secured but has no customers, such as prepared totals, sales_reader sees nothing.';
