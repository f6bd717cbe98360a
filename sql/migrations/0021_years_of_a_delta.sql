-- A waiting line that is accepted later touches its year then, not when its file was loaded; and a yearly file also speaks
-- for the lines of a delta that were rejected.

alter table ops.file_year add column touched_at timestamptz;

update ops.file_year y set touched_at = f.loaded_at from ops.file f where f.file_id = y.file_id;

insert into ops.file_year as y (file_id, period_year, touched_at)
select
    f.file_id,
    (extract(year from x.transaction_date))::integer,
    max(m.loaded_at) filter (where x.resolution = 'replayed')
from ops.file f
join ops.rejected_record x on x.file_id = f.file_id
left join ops.file m on m.file_id = x.resolved_by
where f.delta_date is not null and f.status = 'loaded' and x.transaction_date is not null
group by f.file_id, (extract(year from x.transaction_date))::integer
on conflict (file_id, period_year) do update set touched_at = greatest(y.touched_at, excluded.touched_at);

comment on table ops.file_year is 'Years that a daily delta has rows for, accepted or not.';
comment on column ops.file_year.period_year is 'Year of a row of it, or of a line that it replaced.';
comment on column ops.file_year.touched_at is 'When it last touched current lines of the year, a replay included; null where it never did.';
