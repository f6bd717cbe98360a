-- Sale lines are kept in one partition a year, made when its first line arrives.

create or replace procedure core.ensure_year_partition(p_year integer)
language plpgsql
as $$
declare
    v_name text := 'sale_line_' || lpad(p_year::text, 4, '0');
begin
    if to_regclass('core.' || v_name) is null then
        execute format(
            'create table core.%I partition of core.sale_line for values from (%L) to (%L)',
            v_name, make_date(p_year, 1, 1), make_date(p_year + 1, 1, 1)
        );
        execute format('comment on table core.%I is %L', v_name, 'Sale lines of ' || p_year || '.');
    end if;
end
$$;
comment on procedure core.ensure_year_partition(integer) is 'Creates the partition of a year unless it is there; its index comes once the first file is in.';

create or replace procedure core.ensure_year_index(p_year integer, p_new_lines bigint)
language plpgsql
as $$
declare
    v_name text := 'sale_line_' || lpad(p_year::text, 4, '0');
begin
    execute format('create index if not exists %I on core.%I (customer_id)', v_name || '_customer', v_name);
    execute format('create index if not exists %I on core.%I using brin (transaction_date)', v_name || '_date', v_name);
    execute format('create index if not exists %I on core.%I using brin (known_from)', v_name || '_known', v_name);
    -- without statistics the build would take a bulk of lines for a handful
    if p_new_lines > 10000 then
        execute format('analyze core.%I', v_name);
    end if;
end
$$;
comment on procedure core.ensure_year_index(integer, bigint) is 'Indexes the partition of a year, and analyses it after many new lines; after the bulk of its lines, since that is several times faster.';
