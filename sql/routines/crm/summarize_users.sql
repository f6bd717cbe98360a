-- What crm.summarize_month prepares of all customers, for users who see many of them, but not all. The views of mart count row
-- by row for who sees few, and for whom what they see or what is published has changed since.

create or replace function crm.summarize_users() returns bigint
language plpgsql
as $$
declare
    v_month date;
    v_prepared bigint;
begin
    call crm.find_users_to_prepare();
    select count(*) into v_prepared from user_to_prepare;
    for v_month in select distinct t.month from user_to_prepare t order by t.month loop
        call crm.count_user_cells(v_month);
        call crm.summarize_user_cells(v_month);
        drop table user_cell;
        call crm.summarize_user_metrics(v_month);
    end loop;
    drop table user_customer, user_to_prepare;
    if v_prepared > 0 then
        analyze
            crm.user_month,
            crm.user_month_summary,
            crm.user_month_movement,
            crm.user_month_score,
            crm.user_month_metric,
            crm.user_month_cohort;
    end if;
    return v_prepared;
end
$$;
comment on function crm.summarize_users() is 'Prepares the figures of users who see many customers, but not all, where they are not yet those of the published months; gives the number of users'' months. For whoever holds the refresh lock, so that nothing is published meanwhile.';

create or replace procedure crm.find_users_to_prepare()
language plpgsql
as $$
begin
    -- before their customers: one who changes hands in between makes this the stamp of another state, not of a wrong one
    create temp table user_visible on commit drop as
    select
        u.email as user_email,
        access.visible_stamp(u.email) as visible
    from access.user_account u;

    create temp table user_customer on commit drop as
    select
        u.user_email,
        v.customer_id
    from user_visible u
    cross join lateral access.emails_seen_by(u.user_email) as seen (email)
    join core.customer_version v
        on lower(v.responsible_email) = seen.email
        and octet_length(v.responsible_email) <= 254
        and v.version_to = 'infinity'
        and v.known_to = 'infinity';

    create temp table user_seen on commit drop as
    select
        c.user_email,
        count(*) as customers,
        bit_xor(hashtextextended(c.customer_id, 0)) as customers_hash
    from user_customer c
    group by c.user_email
    having count(*) >= (select s.value::bigint from ops.setting s where s.setting = 'prepared_from_customers');

    create temp table user_to_prepare on commit drop as
    select
        seen.user_email,
        p.month,
        p.run_id,
        seen.customers,
        seen.customers_hash
    from user_seen seen
    cross join crm.published_month p
    except
    select
        u.user_email,
        u.month,
        u.run_id,
        u.customers,
        u.customers_hash
    from crm.user_month u;

    delete from crm.user_month u
    where
        not exists (select from user_seen seen where seen.user_email = u.user_email)
        or not exists (select from crm.published_month p where p.month = u.month)
        or exists (select from user_to_prepare t where t.user_email = u.user_email and t.month = u.month);
    insert into crm.user_month (user_email, month, run_id, customers, customers_hash, visible)
    select
        t.user_email,
        t.month,
        t.run_id,
        t.customers,
        t.customers_hash,
        v.visible
    from user_to_prepare t
    join user_visible v on v.user_email = t.user_email;
    update crm.user_month u
    set visible = v.visible
    from user_visible v
    where v.user_email = u.user_email and v.visible <> u.visible;

    drop table user_seen, user_visible;
    analyze user_customer;
    analyze user_to_prepare;
end
$$;
comment on procedure crm.find_users_to_prepare() is 'Finds users and months to prepare (temporary table user_to_prepare), and whose customers these are (user_customer); deletes what was prepared of them, and of users who see few or all.';

-- One pass over the customers: the finest cells that all but the metrics can be added up from.
create or replace procedure crm.count_user_cells(p_month date)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
    create temp table user_cell on commit drop as
    select
        t.user_email, t.run_id,
        s.previous_status, s.previous_tier, s.previous_segment,
        s.activity_status, s.value_tier, s.segment, s.lifecycle_event, s.growth_state, s.r_score, s.f_score,
        s.tenure_months,
        s.last_core_date >= (p_month - make_interval(months => s.tenure_months - 1))::date as is_repeated,
        count(*) as customers,
        count(*) filter (where s.month_orders > 0) as shoppers,
        count(*) filter (where s.opt_in_email) as reach_email,
        count(*) filter (where s.opt_in_sms) as reach_sms,
        count(*) filter (where s.opt_in_phone) as reach_phone,
        sum(s.month_cents) as month_cents,
        sum(s.month_core_cents) as month_core_cents,
        sum(s.month_orders) as month_orders,
        sum(s.month_items) as month_items,
        sum(s.monetary_cents) as monetary_cents,
        sum(s.total_cents) as total_cents
    from user_to_prepare t
    join user_customer c on c.user_email = t.user_email
    join crm.snapshot s on s.month = p_month and s.customer_id = c.customer_id
    where t.month = p_month
    group by
        t.user_email, t.run_id,
        s.previous_status, s.previous_tier, s.previous_segment,
        s.activity_status, s.value_tier, s.segment, s.lifecycle_event, s.growth_state, s.r_score, s.f_score,
        s.tenure_months, is_repeated;
end
$$;
comment on procedure crm.count_user_cells(date) is 'Counts and sums the customers of a published month whom users to prepare see, into the temporary table user_cell.';

create or replace procedure crm.summarize_user_cells(p_month date)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
    insert into crm.user_month_summary (
        user_email, run_id, month, activity_status, value_tier, segment, lifecycle_event, growth_state, customers,
        first_appearances, buyers, scored, reach_email, reach_sms, reach_phone, month_cents, month_core_cents,
        month_orders, month_items, monetary_cents, total_cents
    )
    select
        c.user_email, c.run_id, p_month, c.activity_status, c.value_tier, c.segment, c.lifecycle_event, c.growth_state,
        sum(c.customers),
        coalesce(sum(c.customers) filter (where c.previous_status is null), 0),
        coalesce(sum(c.customers) filter (where c.growth_state in ('new', 'returning', 'resurrected')), 0),
        coalesce(sum(c.customers) filter (where c.r_score is not null), 0),
        sum(c.reach_email), sum(c.reach_sms), sum(c.reach_phone), sum(c.month_cents), sum(c.month_core_cents),
        sum(c.month_orders), sum(c.month_items), sum(c.monetary_cents), sum(c.total_cents)
    from user_cell c
    group by
        c.user_email, c.run_id, c.activity_status, c.value_tier, c.segment, c.lifecycle_event, c.growth_state;

    insert into crm.user_month_movement (
        user_email, run_id, month, previous_status, previous_tier, previous_segment, activity_status, value_tier, segment,
        customers, shoppers, monetary_cents, month_cents
    )
    select
        c.user_email, c.run_id, p_month, coalesce(c.previous_status, ''), coalesce(c.previous_tier, ''),
        coalesce(c.previous_segment, ''), c.activity_status, c.value_tier, c.segment,
        sum(c.customers), sum(c.shoppers), sum(c.monetary_cents), sum(c.month_cents)
    from user_cell c
    group by
        c.user_email, c.run_id, c.previous_status, c.previous_tier, c.previous_segment,
        c.activity_status, c.value_tier, c.segment;

    insert into crm.user_month_score (
        user_email, run_id, month, r_score, f_score, segment, customers, monetary_cents, month_cents
    )
    select
        c.user_email, c.run_id, p_month, c.r_score, c.f_score, c.segment,
        sum(c.customers), sum(c.monetary_cents), sum(c.month_cents)
    from user_cell c
    where c.r_score is not null
    group by c.user_email, c.run_id, c.r_score, c.f_score, c.segment;

    insert into crm.user_month_cohort (user_email, run_id, month, cohort, customers, buyers, repeated, core_cents)
    select
        c.user_email, c.run_id, p_month, (p_month - make_interval(months => c.tenure_months))::date,
        sum(c.customers),
        coalesce(sum(c.customers) filter (where c.growth_state in ('new', 'returning', 'resurrected')), 0),
        coalesce(sum(c.customers) filter (where c.is_repeated), 0),
        sum(c.month_core_cents)
    from user_cell c
    where c.tenure_months is not null
    group by c.user_email, c.run_id, c.tenure_months;
end
$$;
comment on procedure crm.summarize_user_cells(date) is 'Adds user_cell up to the summary, the movements, the scores and the cohorts of a month.';

create or replace procedure crm.summarize_user_metrics(p_month date)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
    insert into crm.user_month_metric (user_email, run_id, month, metric, value, customers)
    select
        b.user_email, b.run_id, p_month,
        case
            when grouping(b.recency) = 0 then 'recency'
            when grouping(b.frequency) = 0 then 'frequency'
            else 'monetary'
        end,
        coalesce(b.recency, b.frequency, b.monetary),
        count(*)
    from (
        select
            t.user_email,
            t.run_id,
            s.recency_days::bigint as recency,
            s.frequency::bigint as frequency,
            floor(s.monetary_cents / 100.0)::bigint as monetary
        from user_to_prepare t
        join user_customer c on c.user_email = t.user_email
        join crm.snapshot s on s.month = p_month and s.customer_id = c.customer_id
        where t.month = p_month and s.r_score is not null
    ) as b
    group by grouping sets (
        (b.user_email, b.run_id, b.recency),
        (b.user_email, b.run_id, b.frequency),
        (b.user_email, b.run_id, b.monetary)
    );
end
$$;
comment on procedure crm.summarize_user_metrics(date) is 'Counts the scored customers of a month whom users to prepare see by every value of recency, frequency and monetary.';
