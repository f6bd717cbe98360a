create or replace function access.prepared_months() returns setof date
language sql stable parallel safe security definer rows 36
set search_path = pg_catalog, pg_temp
begin atomic
    select u.month
    from crm.user_month u
    join crm.published_month p on p.month = u.month and p.run_id = u.run_id
    where
        u.user_email = access.current_email()
        and access.asked_customer() is null
        and (
            u.visible = (select access.visible_stamp(access.current_email()))
            -- a new customers file or user need not have changed whom this user sees
            or (u.customers, u.customers_hash) = (
                select
                    count(*),
                    bit_xor(hashtextextended(visible.customer_id, 0))
                from access.visible_customers() as visible (customer_id)
            )
        );
end;

comment on function access.prepared_months() is
    'Published months whose prepared figures are those of the customers whom the current user sees now (see crm.summarize_users).';
