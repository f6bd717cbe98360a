-- How one text value of a file is read. Everything is trimmed; empty is unknown (null).

create or replace function core.trimmed(p_text text) returns text
language sql immutable parallel safe
return nullif(btrim(p_text, E' \t\n\r\x0b\f\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'), '');
comment on function core.trimmed(text) is 'The text without white space around it; null where nothing is left.';

create or replace function core.trimmed(p_text text, p_is_trimmed boolean) returns text
language sql immutable parallel safe
return case when p_is_trimmed then p_text else core.trimmed(p_text) end;
comment on function core.trimmed(text, boolean) is 'The trimmed text; where the loader has seen that a file has no white space around any value, the text itself.';

create or replace function core.number_text(p_text text, p_decimal_mark text) returns text
language sql immutable parallel safe
return case when p_decimal_mark = ',' then translate(p_text, ',.', '.x') else p_text end;
comment on function core.number_text(text, text) is 'A number''s text with a decimal point; a foreign mark makes it unreadable.';

-- pg_input_is_valid alone would also take exponents, NaN, hexadecimal digits and underscores.
create or replace function core.is_number(p_text text) returns boolean
language sql stable parallel safe
return translate(p_text, '0123456789+-.', '') = '' and pg_input_is_valid(p_text, 'numeric');
comment on function core.is_number(text) is 'Whether a text is sign, digits and one decimal point.';

create or replace function core.read_number(p_text text, p_decimal_mark text) returns numeric
language plpgsql stable parallel safe
as $$
declare
    v_text text := core.number_text(p_text, p_decimal_mark);
    v_number numeric;
begin
    if v_text is null or not core.is_number(v_text) then
        return null;
    end if;
    v_number := v_text::numeric;
    return case when abs(v_number) < 1e12 then v_number end;
end
$$;
comment on function core.read_number(text, text) is 'A number below 10^12, or null where the text is none.';

create or replace function core.read_boolean(p_text text) returns boolean
language sql immutable parallel safe
return case
    -- most are in lower case, and lower() is slow
    when p_text in ('1', 'true', 'yes', 'y', 't', 'si', 'sí') then true
    when p_text in ('0', 'false', 'no', 'n', 'f') then false
    when lower(p_text) in ('1', 'true', 'yes', 'y', 't', 'si', 'sí') then true
    when lower(p_text) in ('0', 'false', 'no', 'n', 'f') then false
end;
comment on function core.read_boolean(text) is 'A boolean from 1/0, true/false, yes/no, y/n, t/f, si/no in any case; null where the text is none.';

-- A pattern that keeps a group costs four times as much a row.
create or replace function core.day_text(p_text text) returns text
language sql immutable parallel safe
return case
    when octet_length(p_text) <= 10 then p_text
    when p_text ~ (
        -- the day, then hours, minutes, seconds and their fraction, half of the day, time zone
        '^[^\sT,]{6,10}(?:T\s*|,?[ \t\u00a0\u202f]+)\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?'
        || '[\s\u00a0\u202f]*(?:[AaPp]\.?[\s\u00a0\u202f]?[Mm]\.?)?\s*(?:[A-Z]{1,5})?(?:[+-]\d{2}:?\d{0,2})?$'
    )
    then split_part(translate(p_text, E'T,\t\u00a0\u202f', '     '), ' ', 1)
    else p_text
end;
comment on function core.day_text(text) is 'A date''s text without its time of day.';

create or replace function core.read_date(p_text text, p_formats text[]) returns date
language plpgsql immutable parallel safe
as $$
declare
    v_format text;
    v_pattern text;
    v_digits text;
    v_parts text[];
    v_order text[];
    v_iso text;
begin
    foreach v_format in array p_formats loop
        -- where nothing stands between day, month and year only their length tells them apart
        v_digits := case when v_format ~ '(YYYY|MM|DD)(YYYY|MM|DD)' then '(\\d{2})' else '(\\d{1,2})' end;
        v_pattern := '^' || regexp_replace(regexp_replace(regexp_replace(
            regexp_replace(v_format, '([^A-Z0-9])', '\\\1', 'g'),
            'YYYY', '(\\d{4})'), 'MM', v_digits), 'DD', v_digits) || '$';
        v_parts := regexp_match(p_text, v_pattern);
        if v_parts is not null then
            v_order := array(select m[1] from regexp_matches(v_format, '(YYYY|MM|DD)', 'g') as m);
            v_iso := v_parts[array_position(v_order, 'YYYY')]
                || '-' || lpad(v_parts[array_position(v_order, 'MM')], 2, '0')
                || '-' || lpad(v_parts[array_position(v_order, 'DD')], 2, '0');
            if v_iso not like '0000-%' and pg_input_is_valid(v_iso, 'date') then
                return v_iso::date;
            end if;
        end if;
    end loop;
    return null;
end
$$;
comment on function core.read_date(text, text[]) is 'A date by the first format that reads it, or null.';
