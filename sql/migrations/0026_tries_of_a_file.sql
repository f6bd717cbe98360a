-- How often a load has taken a file up: one that has ended loads must not keep all others from being loaded.

alter table ops.file add column tries integer not null default 0;
comment on column ops.file.tries is 'How often loading it has begun; more than once where it was interrupted or failed.';
