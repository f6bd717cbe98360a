-- Lets an approved rule set decide months from p_from_month on, until a later one takes over.
create or replace function crm.activate_rule_set(p_rule_set_id integer, p_from_month date)
returns text
language plpgsql
as $$
declare
    v_state text;
    v_from_month date := date_trunc('month', p_from_month);
    v_until_month date;
    v_retired text;
    v_published text;
    v_built text;
    v_message text;
begin
    -- one activation at a time: each looks at all active sets
    perform pg_advisory_xact_lock(ops.lock_key('rules'));

    select state into v_state from crm.rule_set where rule_set_id = p_rule_set_id;
    if not found then
        raise exception 'rule set % does not exist; list them with: python -m include.warehouse rules show', p_rule_set_id;
    end if;
    if v_state <> 'approved' then
        raise exception 'rule set % is %; only an approved rule set can be activated', p_rule_set_id, v_state;
    end if;

    -- the first rule set decides everything until another takes over: no month may be without one
    if not exists (select from crm.rule_set where state = 'active') then
        v_from_month := '-infinity';
    elsif v_from_month is null then
        raise exception 'rule set % needs the first month that it decides: --from YYYY-MM', p_rule_set_id;
    end if;

    -- an active set decides the months from its own first to the next set's: the same first month leaves it none
    update crm.rule_set
    set state = 'retired'
    where state = 'active' and active_from = v_from_month
    returning 'rule set ' || rule_set_id || ' is retired' into v_retired;

    update crm.rule_set
    set state = 'active', active_from = v_from_month
    where rule_set_id = p_rule_set_id;

    select min(active_from) into v_until_month
    from crm.rule_set
    where state = 'active' and active_from > v_from_month;

    select format(
        'months %s to %s are already published and stay as they are; to restate them%s run:'
        || ' python -m include.warehouse refresh --from %s --recut',
        to_char(min(month), 'YYYY-MM'),
        to_char(max(month), 'YYYY-MM'),
        -- a restatement runs to the report month, as each month reads the one before
        (
            select format(', and with them those published from %s on, by the rules active there,', to_char(min(p.month), 'YYYY-MM'))
            from crm.published_month p
            where p.month >= v_until_month
            having count(*) > 0
        ),
        to_char(min(month), 'YYYY-MM')
    )
    into v_published
    from crm.published_month
    where
        month >= v_from_month
        and (v_until_month is null or month < v_until_month)
        and rule_set_id <> p_rule_set_id
    having count(*) > 0;

    select format('run %s, not yet published, was planned by other rules and is refused at the end; start a new refresh', r.run_id)
    into v_built
    from ops.run r
    where r.kind = 'refresh' and r.status = 'building' and crm.superseded_rules(r.run_id) is not null
    order by r.run_id desc
    limit 1;

    v_message := case
        when v_from_month = '-infinity' then format('rule set %s decides all months', p_rule_set_id)
        else format('rule set %s decides months from %s', p_rule_set_id, to_char(v_from_month, 'YYYY-MM'))
    end;
    return concat_ws('; ', concat(v_message, to_char(v_until_month, '" until before "YYYY-MM')), v_retired, v_published, v_built);
end
$$;

comment on function crm.activate_rule_set(integer, date) is
'Makes an approved rule set decide months from p_from_month on; retires the one it takes every month from. Published months change only when a refresh is asked to restate them. Gives a sentence on what happens.';
