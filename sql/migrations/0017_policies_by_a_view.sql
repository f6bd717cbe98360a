-- Policies ask access.visible_customer; those that ask the function are made anew with the roles (mart.create_policies).

do $$
declare
    v_policy record;
begin
    for v_policy in
        select p.polname, p.polrelid::regclass as relation
        from pg_policy p
        where p.polname = 'rows_of_sales_reader' and pg_get_expr(p.polqual, p.polrelid) like '%visible_customers()%'
    loop
        execute format('drop policy %I on %s', v_policy.polname, v_policy.relation);
    end loop;
end
$$;
