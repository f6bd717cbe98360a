create or replace procedure mart.grant_readers()
language plpgsql as $$
declare
    reader text;
    relation regclass;
begin
    for reader in
        select rolname from pg_roles where rolname in ('mart_reader', 'contact_reader')
    loop
        execute format('grant usage on schema mart to %I', reader);
        for relation in
            select oid from pg_class where relnamespace = 'mart'::regnamespace and relkind in ('r', 'p', 'v', 'm')
        loop
            if relation = 'mart.customer_contact'::regclass and reader <> 'contact_reader' then
                execute format('revoke all on %s from %I', relation, reader);
            else
                execute format('grant select on %s to %I', relation, reader);
            end if;
        end loop;
    end loop;
end
$$;

comment on procedure mart.grant_readers() is
    'Lets the roles mart_reader and contact_reader read mart; customer_contact is for contact_reader alone. A role that is missing is passed over.';
