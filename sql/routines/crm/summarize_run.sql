-- Counts and sums of every month as it will be after publication: the gate's identities and the dashboard read these.
-- Of a month of which only the touched customers were built: what is published, less these as published, plus as built.

create or replace procedure crm.summarize_month(p_run_id bigint, p_month date)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
    v_mode text := (select m.rows_mode from ops.run_month m where m.run_id = p_run_id and m.month = p_month);
    v_base_run_id bigint := (
        select p.run_id from crm.published_month p where p.month = p_month and v_mode = 'touched'
    );
begin
    call crm.join_building();
    call crm.drop_summaries(p_run_id, p_month);
    -- without statistics on fresh tables the planner would sort what it can hash, and take other joins for small
    perform set_config('enable_sort', 'off', true);
    perform set_config('enable_nestloop', case when v_mode = 'all' then 'off' else 'on' end, true);
    call crm.count_cells(p_run_id, p_month, v_mode);
    call crm.summarize_cells(p_run_id, p_month, v_base_run_id);
    drop table built_cell;
    call crm.summarize_cohorts(p_run_id, p_month, v_base_run_id);
    call crm.summarize_metrics(p_run_id, p_month, v_base_run_id);
    call crm.summarize_to_day(p_run_id, p_month);

    update ops.run_month m
    set thin_month = r.min_scored_customers > (
        select coalesce(sum(s.scored), 0) from crm.month_summary s where s.run_id = p_run_id and s.month = p_month
    )
    from crm.rule_set r
    where m.run_id = p_run_id and m.month = p_month and r.rule_set_id = m.rule_set_id;
end
$$;
comment on procedure crm.summarize_month(bigint, date) is 'Writes the prepared figures of one month of a run, and whether the month is thin.';

create or replace procedure crm.drop_summaries(p_run_id bigint, p_month date)
language plpgsql
as $$
declare
    -- of most figures also what neither readers nor a run to inspect need any more
    v_dropped bigint[] := array(
        select r.run_id from ops.run r where r.run_id = p_run_id or not crm.is_summary_needed(r.run_id, p_month)
    );
begin
    delete from crm.month_summary s where s.run_id = p_run_id and s.month = p_month;
    delete from crm.month_movement s where s.month = p_month and s.run_id = any (v_dropped);
    delete from crm.month_score s where s.month = p_month and s.run_id = any (v_dropped);
    delete from crm.month_metric s where s.month = p_month and s.run_id = any (v_dropped);
    delete from crm.month_cohort s where s.month = p_month and s.run_id = any (v_dropped);
end
$$;
comment on procedure crm.drop_summaries(bigint, date) is 'Deletes the prepared figures of a month that this run has written before, or that nobody reads any more.';

create or replace procedure crm.drop_figures(p_run_id bigint, p_month date)
language plpgsql
as $$
declare
    v_table text;
begin
    foreach v_table in array array[
        'month_summary', 'month_movement', 'month_score', 'month_metric', 'month_cohort', 'month_to_day'
    ] loop
        execute format(
            'delete from crm.%I s
            where
                ($1 is null or s.run_id = $1)
                and ($2 is null or s.%2$I = $2)
                and not exists (select from crm.published_month p where p.month = s.%2$I and p.run_id = s.run_id)',
            v_table, case v_table when 'month_to_day' then 'report_month' else 'month' end
        ) using p_run_id, p_month;
    end loop;
end
$$;
comment on procedure crm.drop_figures(bigint, date) is 'Deletes the prepared figures of a run, or of a month that has been removed, that are not published; null stands for all.';

create or replace function crm.is_summary_needed(p_run_id bigint, p_month date) returns boolean
language plpgsql stable
as $$
begin
    return exists (select from crm.published_month p where p.month = p_month and p.run_id = p_run_id)
        or exists (select from ops.run r where r.run_id = p_run_id and r.status in ('building', 'refused', 'rebuilt'));
end
$$;
comment on function crm.is_summary_needed(bigint, date) is 'Whether a run''s figures of a month are published, or belong to a run that can be published or inspected.';

-- One pass over the customers: the finest cells that summary, movements and scores can all be added up from.
create or replace procedure crm.count_cells(p_run_id bigint, p_month date, p_mode text)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
    create temp table built_cell on commit drop as
    select
        s.previous_status, s.previous_tier, s.previous_segment,
        s.activity_status, s.value_tier, s.segment, s.lifecycle_event, s.growth_state, s.r_score, s.f_score,
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
    from crm.snapshot_unpublished s
    where s.run_id = p_run_id and s.month = p_month
    group by
        s.previous_status, s.previous_tier, s.previous_segment,
        s.activity_status, s.value_tier, s.segment, s.lifecycle_event, s.growth_state, s.r_score, s.f_score;

    if p_mode = 'touched' then
        insert into built_cell
        select
            s.previous_status, s.previous_tier, s.previous_segment,
            s.activity_status, s.value_tier, s.segment, s.lifecycle_event, s.growth_state, s.r_score, s.f_score,
            -count(*),
            -count(*) filter (where s.month_orders > 0),
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
        group by
            s.previous_status, s.previous_tier, s.previous_segment,
            s.activity_status, s.value_tier, s.segment, s.lifecycle_event, s.growth_state, s.r_score, s.f_score;
    end if;
end
$$;
comment on procedure crm.count_cells(bigint, date, text) is 'Counts and sums the built customers of a month into the temporary table built_cell, the touched ones as published with a minus.';

create or replace procedure crm.summarize_cells(p_run_id bigint, p_month date, p_base_run_id bigint)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
    insert into crm.month_summary (
        run_id, month, activity_status, value_tier, segment, lifecycle_event, growth_state, customers, first_appearances,
        buyers, scored, reach_email, reach_sms, reach_phone, month_cents, month_core_cents, month_orders, month_items,
        monetary_cents, total_cents
    )
    select
        p_run_id, p_month, c.activity_status, c.value_tier, c.segment, c.lifecycle_event, c.growth_state, sum(c.customers),
        sum(c.first_appearances), sum(c.buyers), sum(c.scored), sum(c.reach_email), sum(c.reach_sms), sum(c.reach_phone),
        sum(c.month_cents), sum(c.month_core_cents), sum(c.month_orders), sum(c.month_items), sum(c.monetary_cents),
        sum(c.total_cents)
    from (
        select
            b.activity_status, b.value_tier, b.segment, b.lifecycle_event, b.growth_state, b.customers,
            case when b.previous_status is null then b.customers else 0 end as first_appearances,
            case when b.growth_state in ('new', 'returning', 'resurrected') then b.customers else 0 end as buyers,
            case when b.r_score is not null then b.customers else 0 end as scored,
            b.reach_email, b.reach_sms, b.reach_phone, b.month_cents, b.month_core_cents, b.month_orders, b.month_items,
            b.monetary_cents, b.total_cents
        from built_cell b
        union all
        select
            m.activity_status, m.value_tier, m.segment, m.lifecycle_event, m.growth_state, m.customers,
            m.first_appearances, m.buyers, m.scored, m.reach_email, m.reach_sms, m.reach_phone, m.month_cents,
            m.month_core_cents, m.month_orders, m.month_items, m.monetary_cents, m.total_cents
        from crm.month_summary m
        where m.run_id = p_base_run_id and m.month = p_month
    ) as c
    group by c.activity_status, c.value_tier, c.segment, c.lifecycle_event, c.growth_state
    having sum(c.customers) <> 0;

    insert into crm.month_movement (
        run_id, month, previous_status, previous_tier, previous_segment, activity_status, value_tier, segment, customers,
        shoppers, monetary_cents, month_cents
    )
    select
        p_run_id, p_month, c.previous_status, c.previous_tier, c.previous_segment, c.activity_status, c.value_tier,
        c.segment, sum(c.customers), sum(c.shoppers), sum(c.monetary_cents), sum(c.month_cents)
    from (
        select
            coalesce(b.previous_status, '') as previous_status,
            coalesce(b.previous_tier, '') as previous_tier,
            coalesce(b.previous_segment, '') as previous_segment,
            b.activity_status, b.value_tier, b.segment, b.customers, b.shoppers, b.monetary_cents, b.month_cents
        from built_cell b
        union all
        select
            m.previous_status, m.previous_tier, m.previous_segment, m.activity_status, m.value_tier, m.segment,
            m.customers, m.shoppers, m.monetary_cents, m.month_cents
        from crm.month_movement m
        where m.run_id = p_base_run_id and m.month = p_month
    ) as c
    group by
        c.previous_status, c.previous_tier, c.previous_segment, c.activity_status, c.value_tier, c.segment
    having sum(c.customers) <> 0;

    insert into crm.month_score (run_id, month, r_score, f_score, segment, customers, monetary_cents, month_cents)
    select
        p_run_id, p_month, c.r_score, c.f_score, c.segment, sum(c.customers), sum(c.monetary_cents), sum(c.month_cents)
    from (
        select b.r_score, b.f_score, b.segment, b.customers, b.monetary_cents, b.month_cents
        from built_cell b
        where b.r_score is not null
        union all
        select m.r_score, m.f_score, m.segment, m.customers, m.monetary_cents, m.month_cents
        from crm.month_score m
        where m.run_id = p_base_run_id and m.month = p_month
    ) as c
    group by c.r_score, c.f_score, c.segment
    having sum(c.customers) <> 0;
end
$$;
comment on procedure crm.summarize_cells(bigint, date, bigint) is 'Adds the cells of a month up to its summary, its movements and its scores.';

create or replace procedure crm.summarize_cohorts(p_run_id bigint, p_month date, p_base_run_id bigint)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
    v_first_month date := least(
        (select r.first_month from ops.run r where r.run_id = p_run_id), (select min(p.month) from crm.published_month p)
    );
begin
    insert into crm.month_cohort (run_id, month, cohort, customers, buyers, repeated, core_cents)
    with cohort as (
        select
            d::date as month,
            (d + interval '1 month')::date as next_month,
            row_number() over (order by d desc) - 1 as tenure_months
        from generate_series(v_first_month::timestamp, p_month, interval '1 month') as d
    )
    select p_run_id, p_month, c.cohort, sum(c.customers), sum(c.buyers), sum(c.repeated), sum(c.core_cents)
    from (
        select
            k.month as cohort,
            count(*) as customers,
            count(*) filter (where s.growth_state in ('new', 'returning', 'resurrected')) as buyers,
            count(*) filter (where s.last_core_date >= k.next_month) as repeated,
            sum(s.month_core_cents) as core_cents
        from crm.snapshot_unpublished s
        join cohort k on k.tenure_months = s.tenure_months
        where s.run_id = p_run_id and s.month = p_month
        group by k.month
        union all
        select
            k.month,
            -count(*),
            -count(*) filter (where s.growth_state in ('new', 'returning', 'resurrected')),
            -count(*) filter (where s.last_core_date >= k.next_month),
            -sum(s.month_core_cents)
        from crm.touched_customer t
        join crm.snapshot s on s.month = p_month and s.customer_id = t.customer_id
        join cohort k on k.tenure_months = s.tenure_months
        where p_base_run_id is not null and t.run_id = p_run_id and t.from_month <= p_month
        group by k.month
        union all
        select m.cohort, m.customers, m.buyers, m.repeated, m.core_cents
        from crm.month_cohort m
        where m.run_id = p_base_run_id and m.month = p_month
    ) as c
    group by c.cohort
    having sum(c.customers) <> 0;
end
$$;
comment on procedure crm.summarize_cohorts(bigint, date, bigint) is 'Counts the customers of a month by the month of their first core purchase.';

create or replace procedure crm.summarize_metrics(p_run_id bigint, p_month date, p_base_run_id bigint)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
    insert into crm.month_metric (run_id, month, metric, value, customers)
    select p_run_id, p_month, c.metric, c.value, sum(c.customers)
    from (
        select
            case
                when grouping(b.recency) = 0 then 'recency'
                when grouping(b.frequency) = 0 then 'frequency'
                else 'monetary'
            end as metric,
            coalesce(b.recency, b.frequency, b.monetary) as value,
            count(*) as customers
        from (
            select
                s.recency_days::bigint as recency,
                s.frequency::bigint as frequency,
                -- rounded down, below zero too
                case when s.monetary_cents < 0 then (s.monetary_cents - 99) / 100 else s.monetary_cents / 100 end as monetary
            from crm.snapshot_unpublished s
            where s.run_id = p_run_id and s.month = p_month and s.r_score is not null
        ) as b
        group by grouping sets ((b.recency), (b.frequency), (b.monetary))
        union all
        select v.metric, v.value, -1
        from crm.touched_customer t
        join crm.snapshot s on s.month = p_month and s.customer_id = t.customer_id
        cross join lateral (
            values
                ('recency', s.recency_days::bigint),
                ('frequency', s.frequency::bigint),
                (
                    'monetary',
                    case when s.monetary_cents < 0 then (s.monetary_cents - 99) / 100 else s.monetary_cents / 100 end
                )
        ) as v (metric, value)
        where
            p_base_run_id is not null and t.run_id = p_run_id and t.from_month <= p_month and s.r_score is not null
        union all
        select m.metric, m.value, m.customers
        from crm.month_metric m
        where m.run_id = p_base_run_id and m.month = p_month
    ) as c
    group by c.metric, c.value
    having sum(c.customers) <> 0;
end
$$;
comment on procedure crm.summarize_metrics(bigint, date, bigint) is 'Counts the scored customers of a month by every value of recency, frequency and monetary.';
