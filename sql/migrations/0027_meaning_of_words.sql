-- What a file's words mean, so that a company's own can be written into its contract. The contracts are written anew after
-- every migration.

alter table ops.feed_column alter column words type jsonb using null;
comment on column ops.feed_column.words is 'What the words of a word column mean: each meaning with the words for it, in any case.';
