-- The snapshot rows of one month: scores by the cut points, tier and segment by the decision table, lifecycle event by the
-- transition table, master attributes by the version valid at the as-of date. As version 4, but two tiers are compared by one
-- rule set: the month's own if it knows the earlier tier, else the earlier month's if it knows the present one, else by none.

create or replace procedure crm.score_month_v5(p_run_id bigint, p_month date, p_part smallint, inout p_rows bigint)
language plpgsql
set plan_cache_mode = force_custom_plan
set join_collapse_limit = 1
as $$
declare
    v_plan ops.run_month;
    v_rules crm.rule_set;
    v_run ops.run;
    -- whoever's hash falls into the part: ids often grow with time, so that ranges of them would not weigh the same
    v_is_in_part text := 'true';
    v_previous_month date := (p_month - interval '1 month')::date;
    v_previous_rules integer;
    v_tier_changes smallint[];
    v_r_limits bigint[];
    v_r_bands integer[];
    v_f_limits bigint[];
    v_f_bands integer[];
    v_m_limits bigint[];
    v_m_bands integer[];
    v_limit_a bigint;
    v_limit_b bigint;
begin
    select r.* into v_run from ops.run r where r.run_id = p_run_id;
    if v_run.parts > 1 then
        v_is_in_part := format('(hashtext(customer_id) & 2147483647) %% %s = %s', v_run.parts, p_part);
    end if;
    select m.* into v_plan from ops.run_month m where m.run_id = p_run_id and m.month = p_month;
    select r.* into v_rules from crm.rule_set r where r.rule_set_id = v_plan.rule_set_id;

    select coalesce(
        (select m.rule_set_id from ops.run_month m where m.run_id = p_run_id and m.month = v_previous_month),
        (select p.rule_set_id from crm.published_month p where p.month = v_previous_month)
    )
    into v_previous_rules;

    -- by the rank of the earlier tier, then of the present one: 1 higher, -1 lower, 0 the same or not to be compared
    select array_agg(c.changes order by c.tier_rank)
    into v_tier_changes
    from (
        select
            before.tier_rank,
            array_agg(
                sign(coalesce(
                    present.tier_rank - before_by_present.tier_rank,
                    present_by_before.tier_rank - before.tier_rank,
                    0
                ))::smallint
                order by present.tier_rank
            ) as changes
        from crm.rule_tier before
        cross join crm.rule_tier present
        left join crm.rule_tier before_by_present
            on before_by_present.rule_set_id = present.rule_set_id and before_by_present.tier = before.tier
        left join crm.rule_tier present_by_before
            on present_by_before.rule_set_id = before.rule_set_id and present_by_before.tier = present.tier
        where before.rule_set_id = v_previous_rules and present.rule_set_id = v_plan.rule_set_id
        group by before.tier_rank
    ) as c;

    -- ascending limits, and the band that each one opens; recency negated since smaller is better
    select
        array_agg(-c.limit_value order by c.band) filter (where c.metric = 'recency'),
        array_agg(c.band::integer order by c.band) filter (where c.metric = 'recency'),
        array_agg(c.limit_value order by c.band) filter (where c.metric = 'frequency'),
        array_agg(c.band::integer order by c.band) filter (where c.metric = 'frequency'),
        array_agg(c.limit_value order by c.band) filter (where c.metric = 'monetary'),
        array_agg(c.band::integer order by c.band) filter (where c.metric = 'monetary'),
        min(c.limit_value) filter (where c.metric = 'abc' and c.band = 2),
        min(c.limit_value) filter (where c.metric = 'abc' and c.band = 1)
    into v_r_limits, v_r_bands, v_f_limits, v_f_bands, v_m_limits, v_m_bands, v_limit_a, v_limit_b
    from crm.cut_point c
    where c.run_id = v_plan.cut_run_id and c.month = p_month;

    -- outer joins keep the small tables last; a missing cell would break a not null column
    execute format(
        'insert into crm.snapshot_unpublished (
            month, customer_id, as_of_date, customer_group, city, home_store_id, opt_in_email, opt_in_sms, opt_in_phone,
            is_in_master, first_core_date, last_core_date, last_purchase_date, recency_days, frequency, monetary_cents,
            total_cents, month_cents, month_core_cents, month_orders, month_items, tenure_months, activity_status, r_score,
            f_score, m_score, t_score, rfmt_score, rfmt_total, value_tier, tier_rank, segment, is_high_spender,
            last_scored_month, last_scored_tier, lifecycle_event, growth_state, abc_class, previous_status, previous_tier,
            previous_segment, rule_set, run_id
        )
        select
            $2, x.customer_id, x.as_of_date, v.customer_group, v.city, v.home_store_id, v.opt_in_email, v.opt_in_sms,
            v.opt_in_phone, v.is_in_master, x.first_core_date, x.last_core_date, x.last_purchase_date, x.recency_days,
            x.frequency, x.monetary_cents, x.total_cents, x.month_cents, x.month_core_cents, x.month_orders, x.month_items,
            x.tenure_months, x.activity_status, d.r_score, d.f_score, d.m_score, d.t_score, d.rfmt_score, d.rfmt_total,
            d.value_tier, d.tier_rank, d.segment, d.is_high_spender,
            case when d.r_score is not null then $2 else p.last_scored_month end,
            case when d.r_score is not null then d.value_tier else p.last_scored_tier end,
            e.lifecycle_event,
            x.growth_state,
            case
                when d.r_score is null or x.monetary_cents <= 0 then null
                when x.monetary_cents >= $12 then ''A''
                when x.monetary_cents >= $13 then ''B''
                else ''C''
            end,
            p.activity_status, p.value_tier, p.segment, $4, $1
        from (select * from crm.measure where run_id = $1 and month = $2 and %2$s) as x
        left join (select * from (%1$s) as before where %2$s) as p on p.customer_id = x.customer_id
        join (
            select * from core.customer_version
            where %2$s and version_from <= $16 and version_to > $16 and known_from <= $15 and known_to > $15
        ) as v on v.customer_id = x.customer_id
        left join crm.decision d
            on d.rule_set_id = $4
            and d.activity_status = x.activity_status
            and d.cell = case
                when x.activity_status = any ($5) then
                    coalesce($7[width_bucket((-x.recency_days)::bigint, $6)], 1) * 1000000
                    + coalesce($9[width_bucket(x.frequency::bigint, $8)], 1) * 10000
                    + coalesce($11[width_bucket(x.monetary_cents, $10)], 1) * 100
                    + width_bucket(x.tenure_months, $14)
                else 0
            end
        left join crm.lifecycle_transition e
            on e.rule_set_id = $4
            and e.previous_status = coalesce(p.activity_status, '''')
            and e.activity_status = x.activity_status
            and e.has_first_core_purchase = (x.growth_state = ''new'')
            and e.has_core_purchase = (x.growth_state in (''new'', ''returning'', ''resurrected''))
            -- without a tier the rank is 0, which the array does not have
            and e.tier_change = coalesce($17[p.tier_rank][d.tier_rank], 0)',
        crm.previous_rows(
            p_run_id, v_previous_month, 'crm.snapshot_unpublished',
            'customer_id, activity_status, value_tier, tier_rank, segment, last_scored_month, last_scored_tier'
        ),
        v_is_in_part
    ) using
        p_run_id, p_month, v_previous_month, v_plan.rule_set_id, v_rules.scored_statuses,
        v_r_limits, v_r_bands, v_f_limits, v_f_bands, v_m_limits, v_m_bands, v_limit_a, v_limit_b, v_rules.tenure_bands,
        v_run.known_at, v_plan.as_of_date, v_tier_changes;
    get diagnostics p_rows = row_count;
end
$$;
comment on procedure crm.score_month_v5(bigint, date, smallint, bigint) is 'Writes crm.snapshot_unpublished for one month of a run and one part of the customers (from 0, of ops.run.parts), from measures and cut points; gives the rows.';
