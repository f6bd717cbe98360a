-- Counts and sums of every month as it will be after publication: the gate's identities and the dashboard read these.

create or replace procedure crm.summarize_month(p_run_id bigint, p_month date)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
    v_mode text := (select m.rows_mode from ops.run_month m where m.run_id = p_run_id and m.month = p_month);
begin
    delete from crm.month_summary s where s.run_id = p_run_id and s.month = p_month;
    if v_mode = 'remove' then
        return;
    end if;

    create temp table built_summary on commit drop as
    select
        s.activity_status, s.value_tier, s.segment, s.lifecycle_event, s.growth_state,
        count(*) as customers,
        count(*) filter (where s.previous_status is null) as first_appearances,
        count(*) filter (where s.growth_state in ('new', 'returning', 'resurrected')) as buyers,
        count(s.r_score) as scored,
        count(*) filter (where s.opt_in_email) as reach_email,
        count(*) filter (where s.opt_in_sms) as reach_sms,
        count(*) filter (where s.opt_in_phone) as reach_phone,
        sum(s.month_cents) as month_cents,
        sum(s.month_core_cents) as month_core_cents,
        sum(s.month_orders) as month_orders,
        sum(s.month_items) as month_items,
        sum(s.monetary_cents) as monetary_cents,
        sum(s.total_cents) as total_cents
    from crm.snapshot_unpublished s
    where s.run_id = p_run_id and s.month = p_month
    group by s.activity_status, s.value_tier, s.segment, s.lifecycle_event, s.growth_state;

    if v_mode = 'touched' then
        -- what is published, less the touched customers as published
        insert into built_summary
        select
            m.activity_status, m.value_tier, m.segment, m.lifecycle_event, m.growth_state, m.customers,
            m.first_appearances, m.buyers, m.scored, m.reach_email, m.reach_sms, m.reach_phone, m.month_cents,
            m.month_core_cents, m.month_orders, m.month_items, m.monetary_cents, m.total_cents
        from crm.month_summary m
        join crm.published_month p on p.month = m.month and p.run_id = m.run_id
        where m.month = p_month
        union all
        select
            s.activity_status, s.value_tier, s.segment, s.lifecycle_event, s.growth_state,
            -count(*),
            -count(*) filter (where s.previous_status is null),
            -count(*) filter (where s.growth_state in ('new', 'returning', 'resurrected')),
            -count(s.r_score),
            -count(*) filter (where s.opt_in_email),
            -count(*) filter (where s.opt_in_sms),
            -count(*) filter (where s.opt_in_phone),
            -sum(s.month_cents),
            -sum(s.month_core_cents),
            -sum(s.month_orders),
            -sum(s.month_items),
            -sum(s.monetary_cents),
            -sum(s.total_cents)
        from crm.touched_customer t
        join crm.snapshot s on s.month = p_month and s.customer_id = t.customer_id
        where t.run_id = p_run_id and t.from_month <= p_month
        group by s.activity_status, s.value_tier, s.segment, s.lifecycle_event, s.growth_state;
    end if;

    insert into crm.month_summary (
        run_id, month, activity_status, value_tier, segment, lifecycle_event, growth_state, customers, first_appearances,
        buyers, scored, reach_email, reach_sms, reach_phone, month_cents, month_core_cents, month_orders, month_items,
        monetary_cents, total_cents
    )
    select
        p_run_id, p_month, b.activity_status, b.value_tier, b.segment, b.lifecycle_event, b.growth_state, sum(b.customers),
        sum(b.first_appearances), sum(b.buyers), sum(b.scored), sum(b.reach_email), sum(b.reach_sms), sum(b.reach_phone),
        sum(b.month_cents), sum(b.month_core_cents), sum(b.month_orders), sum(b.month_items), sum(b.monetary_cents),
        sum(b.total_cents)
    from built_summary b
    group by b.activity_status, b.value_tier, b.segment, b.lifecycle_event, b.growth_state
    having sum(b.customers) <> 0;
    drop table built_summary;

    update ops.run_month m
    set thin_month = r.min_scored_customers > (
        select coalesce(sum(s.scored), 0) from crm.month_summary s where s.run_id = p_run_id and s.month = p_month
    )
    from crm.rule_set r
    where m.run_id = p_run_id and m.month = p_month and r.rule_set_id = m.rule_set_id;
end
$$;
comment on procedure crm.summarize_month(bigint, date) is 'Writes crm.month_summary for one month of a run, and whether the month is thin.';
