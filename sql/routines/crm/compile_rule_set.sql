-- Writes a rule set out as tables, so that the months' procedures join it and contain no threshold of their own.
create or replace procedure crm.compile_rule_set(p_rule_set_id integer)
language plpgsql
as $$
begin
    delete from crm.decision where rule_set_id = p_rule_set_id;
    delete from crm.lifecycle_transition where rule_set_id = p_rule_set_id;

    insert into crm.decision (
        rule_set_id,
        activity_status,
        cell,
        r_score,
        f_score,
        m_score,
        t_score,
        rfmt_score,
        rfmt_total,
        value_tier,
        tier_rank,
        segment,
        is_high_spender
    )
    with
    rule_set as (
        select * from crm.rule_set where rule_set_id = p_rule_set_id
    ),
    score as (
        select generate_series(1, score_bands)::smallint as score from rule_set
    ),
    tenure_score as (
        select generate_series(1, cardinality(tenure_bands))::smallint as score from rule_set
    ),
    status as (
        select
            activity_status,
            activity_status = any (scored_statuses) as is_scored
        from rule_set
        cross join unnest(array['prospect', 'new', 'active', 'at_risk', 'lapsed', 'lost']) as activity_status
    ),
    cell as (
        select
            activity_status,
            r.score as r_score,
            f.score as f_score,
            m.score as m_score,
            t.score as t_score
        from status
        cross join score r
        cross join score f
        cross join score m
        cross join tenure_score t
        where is_scored
        union all
        select
            activity_status,
            null,
            null,
            null,
            null
        from status
        where not is_scored
    ),
    total as (
        select
            cell.*,
            weight_r * r_score + weight_f * f_score + weight_m * m_score + weight_t * t_score as rfmt_total,
            -- two-digit scores would run together
            case when greatest(score_bands, cardinality(tenure_bands)) > 9 then '-' else '' end as separator,
            coalesce(m_score = score_bands, false) as is_high_spender
        from cell
        cross join rule_set
    )
    select
        p_rule_set_id,
        activity_status,
        coalesce(r_score * 1000000 + f_score * 10000 + m_score * 100 + t_score, 0),
        r_score,
        f_score,
        m_score,
        t_score,
        r_score || separator || f_score || separator || m_score || separator || t_score,
        rfmt_total,
        coalesce(tier, 'none'),
        coalesce(tier_rank, 0),
        segment,
        is_high_spender
    from total
    left join lateral (
        select tier, tier_rank
        from crm.rule_tier
        where rule_set_id = p_rule_set_id and minimum_total <= total.rfmt_total
        order by tier_rank desc
        limit 1
    ) as tier on true
    left join lateral (
        select segment
        from crm.rule_segment
        where
            rule_set_id = p_rule_set_id
            and total.activity_status = any (statuses)
            and (r_from is null or total.r_score >= r_from)
            and (r_to is null or total.r_score <= r_to)
            and (f_from is null or total.f_score >= f_from)
            and (f_to is null or total.f_score <= f_to)
            and (m_from is null or total.m_score >= m_from)
            and (m_to is null or total.m_score <= m_to)
            and (t_from is null or total.t_score >= t_from)
            and (t_to is null or total.t_score <= t_to)
        order by position
        limit 1
    ) as segment on true;

    insert into crm.lifecycle_transition (
        rule_set_id,
        previous_status,
        activity_status,
        has_first_core_purchase,
        has_core_purchase,
        tier_change,
        lifecycle_event
    )
    select
        p_rule_set_id,
        previous_status,
        activity_status,
        has_first_core_purchase,
        has_core_purchase,
        tier_change,
        case
            when has_first_core_purchase then 'first_purchase'
            when has_core_purchase and previous_status in ('lapsed', 'lost') then 'reactivated'
            when has_core_purchase and previous_status = 'at_risk' then 'recovered'
            when
                activity_status in ('lost', 'lapsed', 'at_risk') and previous_status not in (activity_status, '')
                then activity_status
            when tier_change > 0 then 'upgraded'
            when tier_change < 0 then 'downgraded'
            when has_core_purchase then 'retained'
            when previous_status = '' then 'registered'
            else 'none'
        end
    from unnest(array['', 'prospect', 'new', 'active', 'at_risk', 'lapsed', 'lost']) as previous_status
    cross join unnest(array['prospect', 'new', 'active', 'at_risk', 'lapsed', 'lost']) as activity_status
    cross join unnest(array[false, true]) as has_first_core_purchase
    cross join unnest(array[false, true]) as has_core_purchase
    cross join unnest(array[-1, 0, 1]::smallint[]) as tier_change;
end
$$;

comment on procedure crm.compile_rule_set(integer) is
'Writes every cell of a rule set into crm.decision and every combination of facts into crm.lifecycle_transition. Called by crm.approve_rule_set.';
