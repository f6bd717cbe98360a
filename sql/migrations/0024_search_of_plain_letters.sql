-- As 0020, but most names are plain letters, which need no normalising. The view is made again from its file.
drop view if exists mart.customer_search;
alter table core.customer_version drop column search_text;
alter table core.customer_version add column search_text text generated always as (
    case
        when octet_length(lower(customer_id || coalesce(E'\n' || full_name, ''))) > 600 then null
        -- normalize() is slow
        when octet_length(customer_id || coalesce(full_name, '')) = length(customer_id || coalesce(full_name, ''))
        then lower(customer_id || coalesce(E'\n' || full_name, ''))
        else normalize(
            regexp_replace(
                normalize(lower(customer_id || coalesce(E'\n' || full_name, '')), nfd),
                '[\u0300-\u036f]+',
                '',
                'g'
            ),
            nfc
        )
    end
) stored;
comment on column core.customer_version.search_text is 'What customers are searched by: id and name as mart.searchable writes them, each a line; null where they are longer than 600 bytes (personal data).';
create index customer_version_search on core.customer_version (customer_id) include (search_text)
where version_to = 'infinity' and known_to = 'infinity';
create index customer_version_search_long on core.customer_version (customer_id)
where version_to = 'infinity' and known_to = 'infinity' and search_text is null;
