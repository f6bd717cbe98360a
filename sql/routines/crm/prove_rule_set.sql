-- Proves a rule set by counting, for every cell, how many statuses, tiers and segments claim it. It shares nothing with
-- crm.compile_rule_set, which takes the first match and would never notice a second.
create or replace function crm.prove_rule_set(p_rule_set_id integer)
returns table (check_name text, is_ok boolean, first_failing_cell text, message text)
language plpgsql
stable
as $$
#variable_conflict use_column
declare
    c_statuses constant text[] := array['prospect', 'new', 'active', 'at_risk', 'lapsed', 'lost'];
    -- more cells than this would make a table that no month's build should join
    c_most_cells constant integer := 1000000;
    v_rule_set crm.rule_set;
    v_cells numeric;
    v_segments bigint;
    v_faulty_segment text;
begin
    select * into v_rule_set from crm.rule_set where rule_set_id = p_rule_set_id;
    if not found then
        raise exception 'rule set % does not exist; list them with: python -m include.warehouse rules show', p_rule_set_id;
    end if;
    v_cells :=
        cardinality(v_rule_set.scored_statuses)
        * v_rule_set.score_bands::numeric ^ 3
        * cardinality(v_rule_set.tenure_bands)
        + cardinality(c_statuses) - cardinality(v_rule_set.scored_statuses);

    select count(*) into v_segments from crm.rule_segment where rule_set_id = p_rule_set_id;

    select
        format(
            '%s has statuses %s, r %s to %s, f %s to %s, m %s to %s, t %s to %s',
            quote_literal(segment), statuses, r_from, r_to, f_from, f_to, m_from, m_to, t_from, t_to
        )
    into v_faulty_segment
    from crm.rule_segment
    where
        rule_set_id = p_rule_set_id
        and not (
            trim(segment) <> ''
            and cardinality(statuses) > 0
            and statuses <@ c_statuses
            and coalesce(least(r_from, r_to, f_from, f_to, m_from, m_to, t_from, t_to) >= 1, true)
            and coalesce(greatest(r_from, r_to, f_from, f_to, m_from, m_to) <= v_rule_set.score_bands, true)
            and coalesce(greatest(t_from, t_to) <= cardinality(v_rule_set.tenure_bands), true)
            and coalesce(r_from <= r_to, true)
            and coalesce(f_from <= f_to, true)
            and coalesce(m_from <= m_to, true)
            and coalesce(t_from <= t_to, true)
        )
    order by position
    limit 1;

    -- 1. parameters, one by one
    return query
    select
        parameter.check_name,
        coalesce(parameter.is_ok, false),
        null::text,
        case
            when coalesce(parameter.is_ok, false) then parameter.demand
            else format('%s, but %s', parameter.demand, parameter.found)
        end
    from (
        values
        (
            'core_product_types',
            cardinality(v_rule_set.core_product_types) > 0
            and not exists (
                select from unnest(v_rule_set.core_product_types) as product_type
                where coalesce(trim(product_type), '') = ''
            ),
            'core_product_types must name at least one product type, none of them empty',
            format('it is %s', v_rule_set.core_product_types)
        ),
        (
            'window_months',
            v_rule_set.window_months between 1 and 600,
            'window_months must be between 1 and 600',
            format('it is %s', v_rule_set.window_months)
        ),
        (
            'status_thresholds_ordered',
            -- new_days counts from the first core purchase, and stands in no order with the others
            v_rule_set.new_days >= 0
            and v_rule_set.active_days >= 0
            and v_rule_set.active_days < v_rule_set.at_risk_days
            and v_rule_set.at_risk_days < v_rule_set.lapsed_days,
            'active_days < at_risk_days < lapsed_days must hold, and no days may be negative',
            format(
                'new_days is %s, active_days %s, at_risk_days %s, lapsed_days %s',
                v_rule_set.new_days, v_rule_set.active_days, v_rule_set.at_risk_days, v_rule_set.lapsed_days
            )
        ),
        (
            'scored_statuses',
            cardinality(v_rule_set.scored_statuses) > 0
            and v_rule_set.scored_statuses <@ c_statuses
            and cardinality(v_rule_set.scored_statuses)
            = (select count(distinct status) from unnest(v_rule_set.scored_statuses) as status)
            and not 'prospect' = any (v_rule_set.scored_statuses),
            'scored_statuses must name at least one of new, active, at_risk, lapsed, lost, each once'
            || ' (a prospect has no recency to score)',
            format('it is %s', v_rule_set.scored_statuses)
        ),
        (
            'score_bands',
            v_rule_set.score_bands between 2 and 99,
            'score_bands must be between 2 and 99',
            format('it is %s', v_rule_set.score_bands)
        ),
        (
            'tenure_bands_ordered',
            cardinality(v_rule_set.tenure_bands) between 1 and 99
            and v_rule_set.tenure_bands[1] = 0
            and v_rule_set.tenure_bands
            = array(select distinct months from unnest(v_rule_set.tenure_bands) as months order by months),
            'tenure_bands must start at 0 and increase, with at most 99 values',
            format('it is %s', v_rule_set.tenure_bands)
        ),
        (
            'weights',
            least(v_rule_set.weight_r, v_rule_set.weight_f, v_rule_set.weight_m, v_rule_set.weight_t) >= 0
            and greatest(v_rule_set.weight_r, v_rule_set.weight_f, v_rule_set.weight_m, v_rule_set.weight_t) > 0
            and 'NaN' not in (v_rule_set.weight_r, v_rule_set.weight_f, v_rule_set.weight_m, v_rule_set.weight_t),
            'weights must not be negative and at least one must be above 0',
            format(
                'r is %s, f %s, m %s, t %s',
                v_rule_set.weight_r, v_rule_set.weight_f, v_rule_set.weight_m, v_rule_set.weight_t
            )
        ),
        (
            'tiers_ordered',
            (
                select
                    count(*) > 0
                    and min(tier_rank) = 1
                    and max(tier_rank) = count(*)
                    and bool_and(coalesce(minimum_total > minimum_below, true))
                from (
                    select
                        tier_rank,
                        minimum_total,
                        lag(minimum_total) over (order by tier_rank) as minimum_below
                    from crm.rule_tier
                    where rule_set_id = p_rule_set_id
                ) as tier
            ),
            'tiers must be listed best first, each with a smaller minimum_total than the one before',
            coalesce(
                (
                    select 'they are ' || string_agg(format('%s ≥ %s', tier, minimum_total), ', ' order by tier_rank desc)
                    from crm.rule_tier
                    where rule_set_id = p_rule_set_id
                ),
                'there is none'
            )
        ),
        (
            'tier_names',
            not exists (
                select from crm.rule_tier
                where rule_set_id = p_rule_set_id and (tier = 'none' or trim(tier) = '')
            ),
            'every tier must have a name, and none of them the name none, which stands for customers without scores',
            (
                select 'they are ' || string_agg(quote_literal(tier), ', ' order by tier_rank desc)
                from crm.rule_tier
                where rule_set_id = p_rule_set_id
            )
        ),
        (
            'segment_limits',
            v_segments > 0 and v_faulty_segment is null,
            'every segment must name known statuses and limits within the bands, _from not above _to',
            coalesce(v_faulty_segment, 'there is no segment')
        ),
        (
            'min_scored_customers',
            v_rule_set.min_scored_customers >= 0,
            'min_scored_customers must not be negative',
            format('it is %s', v_rule_set.min_scored_customers)
        ),
        (
            'abc_shares_ordered',
            0 < v_rule_set.abc_share_a
            and v_rule_set.abc_share_a < v_rule_set.abc_share_b
            and v_rule_set.abc_share_b < 1,
            '0 < share A < share B < 1 must hold',
            format('A is %s, B %s', v_rule_set.abc_share_a, v_rule_set.abc_share_b)
        ),
        (
            'number_of_cells',
            v_cells between 1 and c_most_cells,
            format('a rule set may have at most %s cells', to_char(c_most_cells, 'FM9,999,999')),
            format('score_bands, tenure_bands and scored_statuses give %s; use fewer bands', trunc(v_cells))
        )
    ) as parameter (check_name, is_ok, demand, found);

    -- 2. statuses: days since the latest and the first core purchase, around every threshold
    return query
    with
    threshold as (
        select unnest(
            array[
                0, v_rule_set.new_days, v_rule_set.active_days, v_rule_set.at_risk_days, v_rule_set.lapsed_days
            ]
        )::bigint as days
    ),
    point as (
        select distinct days + distance as days
        from threshold
        cross join generate_series(-1, 1) as distance
        where days + distance >= 0
    ),
    customer as (
        select
            latest.days as recency,
            first.days as age
        from point latest
        join point first on first.days >= latest.days
    ),
    claim as (
        select
            recency,
            age,
            (recency <= v_rule_set.active_days and age <= v_rule_set.new_days)::integer
            + (recency <= v_rule_set.active_days and age > v_rule_set.new_days)::integer
            + (recency > v_rule_set.active_days and recency <= v_rule_set.at_risk_days)::integer
            + (recency > v_rule_set.at_risk_days and recency <= v_rule_set.lapsed_days)::integer
            + (recency > v_rule_set.lapsed_days)::integer as claims
        from customer
    ),
    failing as (
        select * from claim where claims <> 1 order by recency, age limit 1
    )
    select
        'one_status',
        failing.claims is null,
        'latest core purchase ' || failing.recency || ' days ago, first ' || failing.age || ' days ago',
        case
            when failing.claims is null then 'every customer with a core purchase has exactly one status'
            else format('%s statuses claim this customer', failing.claims)
        end
    from (values (1)) as always (one)
    left join failing on true;

    -- 3. tenure scores: every month around a band's start
    return query
    with
    band as (
        select
            from_month,
            lead(from_month) over (order by score) as below_month
        from unnest(v_rule_set.tenure_bands) with ordinality as band (from_month, score)
    ),
    point as (
        select distinct greatest(from_month::bigint + distance, 0) as months
        from (select from_month from band union all select 0) as start
        cross join generate_series(-1, 1) as distance
    ),
    failing as (
        select
            months,
            count(from_month) as claims
        from point
        left join band on months >= from_month and (below_month is null or months < below_month)
        group by months
        having count(from_month) <> 1
        order by months
        limit 1
    )
    select
        'one_tenure_score',
        failing.months is null,
        'tenure ' || failing.months || ' months',
        case
            when failing.months is null then 'every tenure has exactly one score'
            else format('%s tenure bands claim this tenure', failing.claims)
        end
    from (values (1)) as always (one)
    left join failing on true;

    -- cells can be enumerated only where there is a sane number of them
    if v_rule_set.score_bands not between 1 and 99 or coalesce(v_cells, 0) not between 1 and c_most_cells then
        return;
    end if;

    -- 4. tiers and segments: every cell
    return query
    with
    status as (
        select
            status,
            position,
            status = any (v_rule_set.scored_statuses) as is_scored
        from unnest(c_statuses) with ordinality as status (status, position)
    ),
    cell as (
        select
            row_number() over (order by position, r, f, m, t) as cell_number,
            status,
            is_scored,
            r,
            f,
            m,
            t,
            v_rule_set.weight_r * r + v_rule_set.weight_f * f + v_rule_set.weight_m * m
            + v_rule_set.weight_t * t as total,
            case
                when is_scored then format('%s, R %s, F %s, M %s, T %s', status, r, f, m, t)
                else status || ', not scored'
            end as cell
        from status
        left join generate_series(1, v_rule_set.score_bands) as r on is_scored
        left join generate_series(1, v_rule_set.score_bands) as f on is_scored
        left join generate_series(1, v_rule_set.score_bands) as m on is_scored
        left join generate_series(1, cardinality(v_rule_set.tenure_bands)) as t on is_scored
    ),
    tier as (
        select
            tier,
            tier_rank,
            minimum_total,
            lead(minimum_total) over (order by tier_rank) as below_total
        from crm.rule_tier
        where rule_set_id = p_rule_set_id
    ),
    tier_claim as (
        select
            cell_number,
            cell,
            total,
            tier
        from cell
        left join tier on total >= minimum_total and (below_total is null or total < below_total)
        where is_scored
    ),
    tier_count as (
        select
            cell_number,
            cell,
            total,
            count(tier) as claims
        from tier_claim
        group by cell_number, cell, total
    ),
    tier_failing as (
        select * from tier_count where claims <> 1 order by cell_number limit 1
    ),
    best_cell as (
        select cell, total from cell where is_scored order by total desc, cell_number limit 1
    ),
    tier_unreached as (
        select
            tier,
            minimum_total
        from tier
        where not exists (select from tier_claim where tier_claim.tier = tier.tier)
        order by tier_rank desc
        limit 1
    ),
    segment_claim as (
        select
            cell_number,
            cell,
            position,
            segment
        from cell
        left join crm.rule_segment
            on rule_set_id = p_rule_set_id
            and array_position(statuses, cell.status) is not null
            and coalesce(r, 0) between coalesce(r_from, 0) and coalesce(r_to, 99)
            and coalesce(f, 0) between coalesce(f_from, 0) and coalesce(f_to, 99)
            and coalesce(m, 0) between coalesce(m_from, 0) and coalesce(m_to, 99)
            and coalesce(t, 0) between coalesce(t_from, 0) and coalesce(t_to, 99)
            -- a cell without scores meets no limit
            and (is_scored or coalesce(r_from, r_to, f_from, f_to, m_from, m_to, t_from, t_to) is null)
    ),
    first_claim as (
        select
            segment_claim.*,
            min(position) over (partition by cell_number) as first_position
        from segment_claim
    ),
    segment_count as (
        select
            cell_number,
            cell,
            count(segment) filter (where position = first_position) as claims
        from first_claim
        group by cell_number, cell
    ),
    segment_failing as (
        select * from segment_count where claims <> 1 order by cell_number limit 1
    ),
    segment_unreached as (
        select
            segment.segment,
            taken.cell,
            taken.taken_by
        from crm.rule_segment segment
        left join lateral (
            select
                first_claim.cell,
                earlier.segment as taken_by
            from first_claim
            join crm.rule_segment earlier
                on earlier.rule_set_id = p_rule_set_id and earlier.position = first_claim.first_position
            where first_claim.position = segment.position
            order by first_claim.cell_number
            limit 1
        ) as taken on true
        where
            segment.rule_set_id = p_rule_set_id
            and not exists (
                select from first_claim
                where first_claim.position = segment.position and first_claim.first_position = segment.position
            )
        order by segment.position
        limit 1
    )
    select
        'one_tier',
        failing.cell is null,
        failing.cell,
        case
            when failing.cell is null
                then (select format('each of %s scored cells has exactly one tier', count(*)) from tier_count)
            else format('%s tiers claim this cell, whose rfmt_total is %s', failing.claims, failing.total)
        end
    from (values (1)) as always (one)
    left join tier_failing failing on true
    union all
    select
        'tiers_reachable',
        unreached.tier is null,
        case when unreached.tier is not null then best_cell.cell end,
        case
            when unreached.tier is null then 'every tier can be reached'
            else format(
                'no cell reaches tier %s from rfmt_total %s; the best cell has %s',
                quote_literal(unreached.tier), unreached.minimum_total, best_cell.total
            )
        end
    from (values (1)) as always (one)
    left join tier_unreached unreached on true
    left join best_cell on true
    union all
    select
        'one_segment',
        failing.cell is null,
        failing.cell,
        case
            when failing.cell is null
                then (select format('each of %s cells has exactly one segment', count(*)) from segment_count)
            else format('%s segments claim this cell', failing.claims)
        end
    from (values (1)) as always (one)
    left join segment_failing failing on true
    union all
    select
        'segments_reachable',
        unreached.segment is null,
        unreached.cell,
        case
            when unreached.segment is null then 'every segment can be reached'
            when unreached.cell is null then format('segment %s fits no cell', quote_literal(unreached.segment))
            else format(
                'every cell of segment %s is taken by an earlier one, this cell by %s',
                quote_literal(unreached.segment), quote_literal(unreached.taken_by)
            )
        end
    from (values (1)) as always (one)
    left join segment_unreached unreached on true;
end
$$;

comment on function crm.prove_rule_set(integer) is
'Proves a rule set: one row a check, with the first cell that fails. A rule set is proved when every row is_ok.';
