-- Whether a user still sees the customers of their prepared figures is told from a stamp; a hash of them is taken only where it differs.

alter table crm.user_month add column visible text not null default '';
alter table crm.user_month alter column visible drop default;
comment on column crm.user_month.visible is 'access.visible_stamp of the user when the figures were last found to be of the customers whom they see.';
