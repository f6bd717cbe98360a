-- Needed before the first migration: the schema of Alembic's own table, and what each applied file contained.

create schema if not exists ops;

create table if not exists ops.migration (
    file_name text primary key,
    sha256 text not null,
    applied_at timestamptz not null default clock_timestamp()
);
comment on table ops.migration is 'Applied migrations; an applied file never changes.';
comment on column ops.migration.file_name is 'File in sql/migrations.';
comment on column ops.migration.sha256 is 'SHA-256 of the file as it was applied.';
comment on column ops.migration.applied_at is 'When it was applied.';
