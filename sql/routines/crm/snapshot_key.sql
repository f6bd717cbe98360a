create or replace procedure crm.add_snapshot_key(p_table regclass)
language plpgsql
as $$
begin
    execute format(
        'alter table %s add constraint %I primary key (month, customer_id) include (
            activity_status, value_tier, segment, monetary_cents, month_cents, opt_in_email, opt_in_sms, opt_in_phone
        )',
        p_table, split_part(p_table::text, '.', 2) || '_pkey'
    );
end
$$;
comment on procedure crm.add_snapshot_key(regclass) is 'Gives a built month the key that crm.snapshot has.';
