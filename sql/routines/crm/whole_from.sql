create or replace function crm.whole_from() returns date
language sql stable
return (
    greatest(
        (select max(m.month) from crm.published_month m),
        -- a run that builds while a load goes on will have published its months
        (select max(r.report_month) from ops.run r where r.kind = 'refresh' and r.status in ('building', 'refused'))
    ) + interval '1 month'
)::date;
comment on function crm.whole_from() is 'The month from which on every later refresh computes all customers: changes before it have to be noted. Null before the first build.';
