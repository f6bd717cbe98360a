-- Cut points of one month. Bands by mid-rank among the month's N scored customers:
-- band = 1 + floor(bands * (2 * below + equal) / 2N), where below = customers with a worse value and equal = customers with
-- the same value, oneself included (scipy: percentileofscore(kind="mean")). Whole numbers only. Version 1 says
-- the same of months that are built whole.

create or replace procedure crm.cut_month_v2(p_run_id bigint, p_month date)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
    v_statuses text[];
    v_bands integer;
    v_share_a numeric;
    v_share_b numeric;
    v_rows text := crm.month_rows(p_run_id, p_month, 'crm.measure', 'activity_status, recency_days, frequency, monetary_cents');
begin
    select r.scored_statuses, r.score_bands, r.abc_share_a, r.abc_share_b
    into v_statuses, v_bands, v_share_a, v_share_b
    from ops.run_month m
    join crm.rule_set r on r.rule_set_id = m.rule_set_id
    where m.run_id = p_run_id and m.month = p_month;

    delete from crm.cut_point where run_id = p_run_id and month = p_month;

    -- worse is larger for recency, smaller for the others: negated, recency sorts like them
    execute format(
        'insert into crm.cut_point (run_id, month, metric, band, limit_value)
        select $1, $2, ranked.metric, ranked.band, abs_limit.limit_value
        from (
            select
                counted.metric,
                1 + $5 * (2 * counted.below + counted.equal) / (2 * counted.total) as band,
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
                            when grouping(s.recency) = 0 then ''recency''
                            when grouping(s.frequency) = 0 then ''frequency''
                            else ''monetary''
                        end as metric,
                        coalesce(s.recency, s.frequency, s.monetary) as value,
                        count(*) as equal
                    from (
                        select
                            (-m.recency_days)::bigint as recency,
                            m.frequency::bigint as frequency,
                            m.monetary_cents as monetary
                        from (%s) as m
                        where m.activity_status = any ($4)
                    ) as s
                    group by grouping sets ((s.recency), (s.frequency), (s.monetary))
                ) as v
            ) as counted
            group by counted.metric, band
        ) as ranked
        cross join lateral (
            select case when ranked.metric = ''recency'' then -ranked.value else ranked.value end as limit_value
        ) as abs_limit',
        v_rows
    ) using p_run_id, p_month, p_month, v_statuses, v_bands;

    -- A: the share of those strictly above is below the first limit; B: below the second; C: the rest
    execute format(
        'insert into crm.cut_point (run_id, month, metric, band, limit_value)
        select $1, $2, ''abc'', class.band, min(above.value)
        from (
            select
                v.value,
                sum(v.amount) over (order by v.value desc) - v.amount as amount_above,
                sum(v.amount) over () as total
            from (
                select m.monetary_cents as value, sum(m.monetary_cents) as amount
                from (%s) as m
                where m.activity_status = any ($4) and m.monetary_cents > 0
                group by m.monetary_cents
            ) as v
        ) as above
        join (values (2, $5), (1, $6)) as class (band, share) on above.amount_above < class.share * above.total
        group by class.band',
        v_rows
    ) using p_run_id, p_month, p_month, v_statuses, v_share_a, v_share_b;

    update ops.run_month m set cut_run_id = p_run_id where m.run_id = p_run_id and m.month = p_month;
end
$$;
comment on procedure crm.cut_month_v2(bigint, date) is 'Computes the cut points of one month from its measures: as built, and as published where only touched customers are built.';
