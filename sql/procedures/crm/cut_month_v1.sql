-- Cut points of one month. Bands by mid-rank among the month's N scored customers:
-- band = 1 + floor(bands * (2 * below + equal) / 2N), where below = customers with a worse value and equal = customers with
-- the same value, oneself included (scipy: percentileofscore(kind="mean")). Whole numbers only.

create or replace procedure crm.cut_month_v1(p_run_id bigint, p_month date)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
    v_statuses text[];
    v_bands integer;
    v_share_a numeric;
    v_share_b numeric;
begin
    select r.scored_statuses, r.score_bands, r.abc_share_a, r.abc_share_b
    into v_statuses, v_bands, v_share_a, v_share_b
    from ops.run_month m
    join crm.rule_set r on r.rule_set_id = m.rule_set_id
    where m.run_id = p_run_id and m.month = p_month;

    delete from crm.cut_point where run_id = p_run_id and month = p_month;

    -- worse is larger for recency, smaller for the others: negated, recency sorts like them
    insert into crm.cut_point (run_id, month, metric, band, limit_value)
    select p_run_id, p_month, ranked.metric, ranked.band, abs_limit.limit_value
    from (
        select
            counted.metric,
            1 + v_bands * (2 * counted.below + counted.equal) / (2 * counted.total) as band,
            min(counted.value) as value
        from (
            select
                v.metric,
                v.value,
                v.equal,
                (sum(v.equal) over (partition by v.metric order by v.value) - v.equal)::bigint as below,
                (sum(v.equal) over (partition by v.metric))::bigint as total
            from (
                select
                    case
                        when grouping(s.recency) = 0 then 'recency'
                        when grouping(s.frequency) = 0 then 'frequency'
                        else 'monetary'
                    end as metric,
                    coalesce(s.recency, s.frequency, s.monetary) as value,
                    count(*) as equal
                from (
                    select
                        (-m.recency_days)::bigint as recency,
                        m.frequency::bigint as frequency,
                        m.monetary_cents as monetary
                    from crm.measure m
                    where m.run_id = p_run_id and m.month = p_month and m.activity_status = any (v_statuses)
                ) as s
                group by grouping sets ((s.recency), (s.frequency), (s.monetary))
            ) as v
        ) as counted
        group by counted.metric, band
    ) as ranked
    cross join lateral (
        select case when ranked.metric = 'recency' then -ranked.value else ranked.value end as limit_value
    ) as abs_limit;

    -- A: the share of those strictly above is below the first limit; B: below the second; C: the rest
    insert into crm.cut_point (run_id, month, metric, band, limit_value)
    select p_run_id, p_month, 'abc', class.band, min(above.value)
    from (
        select
            v.value,
            sum(v.amount) over (order by v.value desc) - v.amount as amount_above,
            sum(v.amount) over () as total
        from (
            select m.monetary_cents as value, sum(m.monetary_cents) as amount
            from crm.measure m
            where
                m.run_id = p_run_id
                and m.month = p_month
                and m.activity_status = any (v_statuses)
                and m.monetary_cents > 0
            group by m.monetary_cents
        ) as v
    ) as above
    join (values (2, v_share_a), (1, v_share_b)) as class (band, share) on above.amount_above < class.share * above.total
    group by class.band;

    update ops.run_month m set cut_run_id = p_run_id where m.run_id = p_run_id and m.month = p_month;
end
$$;
comment on procedure crm.cut_month_v1(bigint, date) is 'Computes the cut points of one month from its measures.';
