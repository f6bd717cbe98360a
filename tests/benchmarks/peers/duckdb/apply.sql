-- The acceptable rows become current: new, unchanged or replaced; of a whole year the lines left out are withdrawn.
create or replace temp table change as
with
key_range as (
    select min(transaction_id) as lowest, max(transaction_id) as highest from judged where reason_bits = 0
),
acceptable as (
    select j.* from judged j anti join duplicate_row d on d.row_number = j.row_number where j.reason_bits = 0
)
select
    l.line,
    a.row_number,
    case
        when a.row_number is null then 'withdrawn'
        when
            l.net_cents = a.net_cents
            and l.customer_no = a.customer_no
            and l.transaction_date = a.transaction_date
            and l.product_id = a.product_id
            and l.quantity = a.quantity
            and l.unit_price = a.unit_price
            and l.is_return = a.is_return
            and l.store_id is not distinct from a.store_id
            and l.discount_amount is not distinct from a.discount_amount
            and l.promotion_id is not distinct from a.promotion_id
            then 'unchanged'
        else 'replaced'
    end as kind
from (
    select rowid as line, *
    from sale_line
    where
        period_year = $year
        or transaction_id between (select lowest from key_range) and (select highest from key_range)
) l
left join acceptable a on a.transaction_id = l.transaction_id and a.line_no = l.line_no
where a.row_number is not null or l.period_year = $year;

create or replace temp table moved as
select j.row_number, j.customer_no, date_trunc('month', j.transaction_date)::date as month
from judged j
anti join duplicate_row d on d.row_number = j.row_number
anti join (select row_number from change where kind = 'unchanged') u on u.row_number = j.row_number
where j.reason_bits = 0;

insert into pending_change
select distinct customer_no, month
from (
    select customer_no, month from moved
    union all
    select l.customer_no, date_trunc('month', l.transaction_date)::date
    from sale_line l
    where l.rowid in (select line from change where kind <> 'unchanged')
)
where month <= (select max(month) from snapshot);

insert into sale_line_superseded
select *, $file_name
from sale_line
where rowid in (select line from change where kind <> 'unchanged');

delete from sale_line where rowid in (select line from change where kind <> 'unchanged');

insert into sale_line
select
    j.transaction_id, j.line_no, j.transaction_date, j.customer_no, j.product_id, j.store_id, j.quantity, j.unit_price,
    j.discount_amount, j.promotion_id, j.is_return, j.net_cents, year(j.transaction_date)
from judged j
semi join moved m on m.row_number = j.row_number;

insert into rejected_record
select $file_name, j.row_number, to_json(r), reject_reasons(j.reason_bits)
from judged j
join received r on r.rowid = j.row_number
where j.reason_bits <> 0;

insert into source_file
select
    $file_name,
    judged.received + unreadable.received,
    judged.received - judged.rejected - duplicate.rows - change.unchanged,
    change.unchanged,
    judged.rejected + unreadable.received,
    duplicate.rows,
    change.superseded
from
    (select count(*) as received, count(*) filter (where reason_bits <> 0) as rejected from judged) as judged,
    (select count(distinct line) as received from reject_errors) as unreadable,
    (select count(*) as rows from duplicate_row) as duplicate,
    (
        select
            count(*) filter (where kind = 'unchanged') as unchanged,
            count(*) filter (where kind <> 'unchanged') as superseded
        from change
    ) as change;
