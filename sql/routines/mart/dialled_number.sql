create or replace function mart.dialled_number(p_phone text) returns text
language sql immutable parallel safe
return regexp_replace(p_phone, '^[+](?=[ ().-]*[0-9][0-9 ().-]*$)', '00');

comment on function mart.dialled_number(text) is
    'A telephone number for a CSV file with 00 in place of a leading +: it means the same, and begins no formula, so that no apostrophe goes before it. Other text stays as it is.';
