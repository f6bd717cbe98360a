-- Tables of a run that another took over are dropped at once; those of a dry run and of a month as known are kept.

update ops.setting
set description = 'Days for which the tables of a refused run, and of one that was built only to be looked at, are kept.'
where setting = 'unpublished_retention_days';

comment on column ops.run.status is 'building, refused (by the gate), published, abandoned (another run took over), nothing_to_do or rebuilt (to inspect: as known at a time, or a dry run).';
