-- An index holds all that this reads.
create or replace view mart.customer_search as
select
    customer_id,
    case when (select mart.may_read_contact()) then search_text else ' ' || mart.searchable(customer_id) end as search_text
from core.customer_version
where version_to = 'infinity' and known_to = 'infinity';

comment on view mart.customer_search is 'What every customer is found by, in small letters, without accents: search_text like ''%maria%''; a space before the text finds the beginning of a word.';
comment on column mart.customer_search.customer_id is 'Customer, as the files give it.';
comment on column mart.customer_search.search_text is 'Id and, on a second line, the full name (personal data), each after a space; the first 150 characters where both are longer than 1,000 bytes. Only the id for whoever may not read mart.customer_contact.';
