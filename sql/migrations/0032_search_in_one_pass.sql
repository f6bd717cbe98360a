-- One text for every customer, with a space before id and name: a single pattern finds the beginning of a word, and the planner knows
-- how many there are. The view is made again from its file.
drop view if exists mart.customer_search;
alter table core.customer_version drop column search_text;
-- An entry of an index has room for 2,700 bytes, and a customer_id may have 2,000.
alter table core.customer_version add column search_text text generated always as (
    case
        when octet_length(customer_id || coalesce(full_name, '')) > 1000
        then normalize(
            regexp_replace(
                normalize(lower(left(' ' || customer_id || coalesce(E'\n ' || full_name, ''), 150)), nfd),
                '[\u0300-\u036f]+',
                '',
                'g'
            ),
            nfc
        )
        -- normalize() is slow
        when octet_length(customer_id || coalesce(full_name, '')) = length(customer_id || coalesce(full_name, ''))
        then lower(' ' || customer_id || coalesce(E'\n ' || full_name, ''))
        else normalize(
            regexp_replace(
                normalize(lower(' ' || customer_id || coalesce(E'\n ' || full_name, '')), nfd),
                '[\u0300-\u036f]+',
                '',
                'g'
            ),
            nfc
        )
    end
) stored;
comment on column core.customer_version.search_text is 'What customers are searched by: id and name as mart.searchable writes them, each a line that begins with a space; the first 150 characters where they are longer than 1,000 bytes (personal data).';
create index customer_version_search on core.customer_version (customer_id) include (search_text)
where version_to = 'infinity' and known_to = 'infinity';
