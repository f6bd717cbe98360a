-- Cut points of one month. Bands by mid-rank among the month's N scored customers:
-- band = 1 + floor(bands * (2 * below + equal) / 2N), where below = customers with a worse value and equal = customers with
-- the same value, oneself included (scipy: percentileofscore(kind="mean")). Whole numbers only. As version 2, but money is
-- counted once for its bands and for ABC, and recency and frequency together: of their pairs there are few.

create or replace procedure crm.cut_month_v3(p_run_id bigint, p_month date)
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

    -- worse is larger for recency, smaller for frequency: negated, recency sorts like it
    execute format(
        'with pair as (
            select m.recency_days, m.frequency, count(*) as customers
            from (%s) as m
            where m.activity_status = any ($4)
            group by m.recency_days, m.frequency
        ),
        counted as (
            select ''recency'' as metric, -p.recency_days as value, sum(p.customers)::bigint as equal
            from pair p
            group by p.recency_days
            union all
            select ''frequency'', p.frequency, sum(p.customers)::bigint
            from pair p
            group by p.frequency
        ),
        ranked as (
            select
                c.metric,
                c.value,
                2 * sum(c.equal) over (partition by c.metric order by c.value) - c.equal as rank_twice,
                2 * sum(c.equal) over (partition by c.metric) as total_twice
            from counted c
        ),
        banded as (
            select r.metric, r.value, 1 + div($5 * r.rank_twice, r.total_twice) as band
            from ranked r
        )
        insert into crm.cut_point (run_id, month, metric, band, limit_value)
        select $1, $2, b.metric, b.band, case when b.metric = ''recency'' then -min(b.value) else min(b.value) end
        from banded b
        group by b.metric, b.band',
        v_rows
    ) using p_run_id, p_month, p_month, v_statuses, v_bands;

    -- A: those strictly above have less than the first share, so the others more than the rest; B: the second; C: what is left
    execute format(
        'with counted as (
            select m.monetary_cents as value, count(*)::integer as equal
            from (%s) as m
            where m.activity_status = any ($4)
            group by m.monetary_cents
        ),
        total as (
            select
                sum(c.equal) as customers,
                (1 - $6) * sum(c.value * c.equal) filter (where c.value > 0) as outside_a,
                (1 - $7) * sum(c.value * c.equal) filter (where c.value > 0) as outside_b
            from counted c
        ),
        ranked as (
            select
                c.value,
                1 + $5 * (2 * sum(c.equal) over value_order - c.equal) / (2 * t.customers) as band,
                sum(c.value * c.equal) filter (where c.value > 0) over value_order > t.outside_a as is_a,
                sum(c.value * c.equal) filter (where c.value > 0) over value_order > t.outside_b as is_a_or_b
            from counted c
            cross join total t
            window value_order as (order by c.value)
        )
        insert into crm.cut_point (run_id, month, metric, band, limit_value)
        select $1, $2, ''monetary'', r.band, min(r.value)
        from ranked r
        group by r.band
        union all
        select $1, $2, ''abc'', 2, min(r.value)
        from ranked r
        where r.is_a
        having count(*) > 0
        union all
        select $1, $2, ''abc'', 1, min(r.value)
        from ranked r
        where r.is_a_or_b
        having count(*) > 0',
        v_rows
    ) using p_run_id, p_month, p_month, v_statuses, v_bands, v_share_a, v_share_b;

    update ops.run_month m set cut_run_id = p_run_id where m.run_id = p_run_id and m.month = p_month;
end
$$;
comment on procedure crm.cut_month_v3(bigint, date) is 'Computes the cut points of one month from its measures: as built, and as published where only touched customers are built.';
