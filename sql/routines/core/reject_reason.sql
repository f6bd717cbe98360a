-- Reasons of rejection as bits, so that a row is judged by adding them up; bit order is the documented order.

create or replace function core.reject_reasons(p_bits integer) returns text[]
language sql immutable parallel safe
return array(
    select reason.name
    from unnest(array[
        'missing_transaction_id',
        'missing_customer_id',
        'missing_product_id',
        'missing_key',
        'invalid_date',
        'date_outside_period',
        'future_date',
        'invalid_number',
        'non_positive_quantity',
        'negative_price',
        'negative_net_amount',
        'invalid_transaction_type',
        'unknown_customer',
        'unknown_product',
        'unknown_store',
        'unknown_promotion'
    ]) with ordinality as reason (name, position)
    where p_bits & (1 << (reason.position::integer - 1)) <> 0
    order by reason.position
);
comment on function core.reject_reasons(integer) is 'Names of the reasons whose bits are set, in the documented order.';
