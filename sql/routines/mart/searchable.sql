-- The generated column core.customer_version.search_text is made by the same expression (migration 0032).
create or replace function mart.searchable(p_text text)
returns text
language sql immutable parallel safe
return case
    when octet_length(p_text) = length(p_text) then lower(p_text)
    else normalize(regexp_replace(normalize(lower(p_text), nfd), '[\u0300-\u036f]+', '', 'g'), nfc)
end;
comment on function mart.searchable(text) is 'The text as searches compare it: in small letters, without accents (jose for José).';
