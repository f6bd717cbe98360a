-- What asks for a name or an address holds a part of it. The barrier keeps a reader's own conditions from seeing rows that are not
-- theirs to see: a cast that fails would tell what is in them.
create or replace view mart.audience with (security_barrier = true) as
select
    audience_id,
    name,
    owner,
    definition,
    holdout_percent,
    created_at,
    changed_at
from crm.audience
where
    not mart.asks_for_contact(definition)
    or owner = access.current_email()
    or (mart.may_read_contact() and not (select access.is_restricted()));

comment on view mart.audience is 'Saved audiences: conditions over a month''s customers. Those that ask for a name, an address or a number are shown to their owner, and to who may read them of all customers. The holdout of a customer is decided by mart.holdout_position.';
comment on column mart.audience.audience_id is 'Key; the dashboard opens it by ?audience=KEY.';
comment on column mart.audience.name is 'Name that its owner gave it.';
comment on column mart.audience.owner is 'Who saved it.';
comment on column mart.audience.definition is 'Filters and groups of conditions, as the dashboard''s links have them.';
comment on column mart.audience.holdout_percent is 'Share of its customers that is held out of a campaign, in percent.';
comment on column mart.audience.created_at is 'When it was saved first.';
comment on column mart.audience.changed_at is 'When it was saved last.';
