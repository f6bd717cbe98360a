"""The SQL by which the summary is checked: statements over mart alone, with %(month)s bound."""

FILES = """
select
    file_name,
    feed,
    status,
    source_file.received_at at time zone 'UTC' as received_at,
    effective_date,
    rows_received,
    rows_loaded,
    rows_unchanged,
    rows_rejected,
    rows_duplicate,
    rows_superseded,
    amount_received,
    amount_loaded,
    amount_rejected,
    source_file.message
from mart.source_file
join mart.publication on publication.is_current and source_file.received_at <= publication.known_at
order by source_file.received_at, source_file.file_id
"""

# A row with several reasons counts under each of them.
REJECTS = """
with grouped as (
    select
        feed,
        reasons,
        count(*) as rows_rejected,
        count(*) filter (where resolved_by is null) as rows_open,
        sum(amount) filter (where resolved_by is null) as amount_open
    from mart.rejected_records
    join mart.publication on publication.is_current and rejected_records.rejected_at <= publication.known_at
    group by feed, reasons
)
select
    feed,
    reason,
    sum(rows_rejected) as rows_rejected,
    sum(rows_open) as rows_open,
    sum(amount_open) as amount_open
from grouped
cross join unnest(reasons) as reason
group by feed, reason
order by rows_open desc, feed, reason
"""

CHECKS = """
select
    contract,
    check_name,
    severity,
    outcome,
    measured,
    threshold,
    failed_rows,
    message
from mart.check_result
join mart.publication on publication.is_current and publication.run_id = check_result.run_id
order by outcome = 'passed', severity, contract, check_name
"""

# A total is a row of its own beside its parts, where an identity has one.
CONSERVATION = """
select
    identity,
    count(*) as comparisons,
    count(*) filter (where is_ok) as agreeing,
    coalesce(sum(left_value) filter (where scope = 'total'), sum(left_value)) as left_total,
    coalesce(sum(right_value) filter (where scope = 'total'), sum(right_value)) as right_total
from mart.conservation
join mart.publication on publication.is_current and publication.run_id = conservation.run_id
group by identity
order by identity
"""

# The month's totals, each by as many independent ways as there are.
CONTROL_TOTALS = """
with summary as (
    select
        sum(customers) as customers,
        sum(scored) as scored,
        sum(month_amount) as month_amount,
        sum(month_core_amount) as month_core_amount,
        sum(monetary) as monetary,
        sum(total_amount) as total_amount
    from mart.month_summary
    where month = %(month)s
),

snapshot as (
    select
        count(*) as customers,
        count(r_score) as scored,
        sum(month_amount) as month_amount,
        sum(month_core_amount) as month_core_amount,
        sum(monetary) as monetary,
        sum(total_amount) as total_amount
    from mart.customer_snapshot
    where month = %(month)s
),

line as (
    select
        coalesce(sum(net_amount), 0) as month_amount,
        coalesce(sum(net_amount) filter (where is_core), 0) as month_core_amount
    from mart.fact_sale_line
    where transaction_date >= %(month)s
        and transaction_date < (%(month)s + interval '1 month')::date
)
select
    total.total,
    total.summary,
    total.snapshot,
    total.lines,
    total.summary = total.snapshot and total.snapshot = coalesce(total.lines, total.snapshot) as is_equal
from summary
cross join snapshot
cross join line
cross join lateral (
    values
        (1, 'customers', summary.customers, snapshot.customers, null),
        (2, 'scored customers', summary.scored, snapshot.scored, null),
        (3, 'month_amount', summary.month_amount, snapshot.month_amount, line.month_amount),
        (4, 'month_core_amount', summary.month_core_amount, snapshot.month_core_amount, line.month_core_amount),
        (5, 'monetary', summary.monetary, snapshot.monetary, null),
        (6, 'total_amount', summary.total_amount, snapshot.total_amount, null)
) as total (position, total, summary, snapshot, lines)
order by total.position
"""
