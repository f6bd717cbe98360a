-- Approves a draft that the prover proves, and compiles it.
create or replace procedure crm.approve_rule_set(p_rule_set_id integer)
language plpgsql
as $$
declare
    v_state text;
    v_failed record;
    v_cells bigint;
    v_compiled bigint;
begin
    select state into v_state from crm.rule_set where rule_set_id = p_rule_set_id for update;
    if not found then
        raise exception 'rule set % does not exist; list them with: python -m include.warehouse rules show', p_rule_set_id;
    end if;
    if v_state <> 'draft' then
        raise exception 'rule set % is % already; only a draft can be approved', p_rule_set_id, v_state;
    end if;

    select * into v_failed from crm.prove_rule_set(p_rule_set_id) as proof where not proof.is_ok limit 1;
    if found then
        raise exception 'rule set % is not proved: %: %',
            p_rule_set_id,
            v_failed.check_name,
            concat_ws('; first failing cell: ', v_failed.message, v_failed.first_failing_cell);
    end if;

    call crm.compile_rule_set(p_rule_set_id);

    select
        cardinality(scored_statuses) * score_bands ^ 3 * cardinality(tenure_bands) + 6 - cardinality(scored_statuses)
    into v_cells
    from crm.rule_set
    where rule_set_id = p_rule_set_id;
    select count(*) into v_compiled from crm.decision where rule_set_id = p_rule_set_id;
    if v_compiled <> v_cells then
        raise exception 'rule set % was compiled to % cells instead of %', p_rule_set_id, v_compiled, v_cells;
    end if;

    update crm.rule_set
    set state = 'approved', approved_at = clock_timestamp()
    where rule_set_id = p_rule_set_id;
end
$$;

comment on procedure crm.approve_rule_set(integer) is
'Approves a draft: raises naming the first check and cell that fail, otherwise compiles the rule set.';
