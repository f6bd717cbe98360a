-- Every month knows the procedures that built it, and what a cluster needs stands as it is asked for.

alter table ops.run_month add column procedures text[];
comment on column ops.run_month.procedures is 'Procedures, with their versions, that its facts, measures, cut points and scores come from; null where that was not yet written down when they were built.';

-- no query looks for a file by its hash
drop index ops.file_sha256;
