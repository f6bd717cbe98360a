create or replace function mart.holdout_position(p_audience_id bigint, p_customer_id text) returns numeric
language sql immutable parallel safe
return ((hashtextextended(p_customer_id, p_audience_id) & 9223372036854775807) % 10000) * 0.01;

comment on function mart.holdout_position(bigint, text) is
    'Place of a customer in an audience, 0.00 to 99.99, by a hash of both: below the audience''s holdout_percent the customer is held out. The same pair always has the same place, whatever the month and whoever else is in the audience; a larger share holds out the same customers and more.';
