-- An index holds all that the first branch reads. The second one has the few whose id and name are too long for it.
create or replace view mart.customer_search as
select
    customer_id,
    case when (select mart.may_read_contact()) then search_text else mart.searchable(customer_id) end as search_text
from core.customer_version
where version_to = 'infinity' and known_to = 'infinity' and search_text is not null
union all
select
    customer_id,
    mart.searchable(
        case when (select mart.may_read_contact()) then customer_id || coalesce(E'\n' || full_name, '') else customer_id end
    )
from core.customer_version
where version_to = 'infinity' and known_to = 'infinity' and search_text is null;

comment on view mart.customer_search is 'What every customer is found by, in small letters, without accents: search_text like ''%maria%''.';
comment on column mart.customer_search.customer_id is 'Customer, as the files give it.';
comment on column mart.customer_search.search_text is 'Id and, on a second line, the full name (personal data). Only the id for whoever may not read mart.customer_contact.';
