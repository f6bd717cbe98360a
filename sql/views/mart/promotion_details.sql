create or replace view mart.promotion_details as
select
    promotion_id,
    promotion_name,
    promotion_type,
    discount_percent,
    valid_from,
    valid_to,
    is_in_master,
    warnings
from core.promotion_version
where version_to = 'infinity' and known_to = 'infinity';

comment on view mart.promotion_details is 'Promotions as the newest accepted master has them.';
comment on column mart.promotion_details.promotion_id is 'Promotion, as the files give it.';
comment on column mart.promotion_details.promotion_name is 'Name.';
comment on column mart.promotion_details.promotion_type is 'Type.';
comment on column mart.promotion_details.discount_percent is 'Discount in percent.';
comment on column mart.promotion_details.valid_from is 'First day of the promotion.';
comment on column mart.promotion_details.valid_to is 'Last day of the promotion.';
comment on column mart.promotion_details.is_in_master is 'Whether the newest master lists the promotion; false = closed.';
comment on column mart.promotion_details.warnings is 'Values of its row in the newest file that could not be read and became unknown; null = none.';
