-- Facts per customer and month from accepted sale lines (definitions: frequency, monetary, month_* and dates).
-- An order is a distinct receipt with a sale; a core purchase is a sale line of a core product, by the product's
-- version valid on the transaction date. Returns lower the money, not recency or frequency.

create or replace procedure crm.aggregate_facts_v1(
    p_fact_set_id integer,
    p_from_month date,
    p_to_month date,
    p_run_id bigint
)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
    v_types text[];
    v_known_at timestamptz;
    v_from date := p_from_month;
    v_to date := (p_to_month + interval '1 month')::date;
begin
    select f.core_product_types, f.known_at into v_types, v_known_at from crm.fact_set f where f.fact_set_id = p_fact_set_id;

    insert into crm.customer_month (
        fact_set_id, month, customer_id, amount_cents, core_cents, orders, core_orders, items, first_date,
        first_core_date, last_core_date, last_purchase_date
    )
    select
        p_fact_set_id,
        receipt.month,
        receipt.customer_id,
        sum(receipt.amount_cents)::bigint,
        sum(receipt.core_cents)::bigint,
        count(receipt.last_purchase_date)::integer,
        count(receipt.last_core_date)::integer,
        coalesce(sum(receipt.items), 0),
        min(receipt.first_date),
        min(receipt.first_core_date),
        max(receipt.last_core_date),
        max(receipt.last_purchase_date)
    from (
        select
            c.month,
            l.customer_id,
            l.transaction_id,
            sum(l.net_cents)::bigint as amount_cents,
            coalesce(sum(l.net_cents) filter (where p.product_id is not null), 0)::bigint as core_cents,
            sum(l.quantity) filter (where not l.is_return) as items,
            min(l.transaction_date) as first_date,
            min(l.transaction_date) filter (where not l.is_return and p.product_id is not null) as first_core_date,
            max(l.transaction_date) filter (where not l.is_return and p.product_id is not null) as last_core_date,
            max(l.transaction_date) filter (where not l.is_return) as last_purchase_date
        from (
            select s.customer_id, s.transaction_id, s.transaction_date, s.product_id, s.quantity, s.is_return, s.net_cents
            from core.sale_line s
            where
                s.transaction_date >= v_from
                and s.transaction_date < v_to
                and (v_known_at is null or s.known_from <= v_known_at)
            union all
            select s.customer_id, s.transaction_id, s.transaction_date, s.product_id, s.quantity, s.is_return, s.net_cents
            from core.sale_line_superseded s
            where
                s.transaction_date >= v_from
                and s.transaction_date < v_to
                and s.known_from <= v_known_at
                and s.superseded_at > v_known_at
        ) as l
        join core.calendar c on c.day = l.transaction_date
        left join core.product_version p
            on p.product_id = l.product_id
            and lower(p.product_type) = any (v_types)
            and l.transaction_date >= p.version_from
            and l.transaction_date < p.version_to
            and p.known_from <= coalesce(v_known_at, p.known_from)
            and case when v_known_at is null then p.known_to = 'infinity' else p.known_to > v_known_at end
        where
            p_run_id is null
            or (l.customer_id, c.month) in (
                select f.customer_id, f.month from crm.touched_fact f where f.run_id = p_run_id
            )
        group by c.month, l.customer_id, l.transaction_id
    ) as receipt
    group by receipt.month, receipt.customer_id;
end
$$;
comment on procedure crm.aggregate_facts_v1(integer, date, date, bigint) is 'Writes crm.customer_month for the months from … to: of all customers, or only of the run''s touched facts where a run is given.';
