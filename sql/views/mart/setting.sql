create or replace view mart.setting as
select
    setting,
    value,
    description
from ops.setting;

comment on view mart.setting is 'Settings that are not business rules, such as the currency.';
comment on column mart.setting.setting is 'Name of the setting.';
comment on column mart.setting.value is 'Its value, as text.';
comment on column mart.setting.description is 'What it does and its unit.';
