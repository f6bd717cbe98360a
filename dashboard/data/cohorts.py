"""Cohorts by month of the first core purchase: who bought again, and the core revenue they have brought.

Retention of month k, of the customers of a cohort (k = 0 being the month of the first purchase):
recurring: the share with a core purchase in month k itself; cumulative: with one in any of the months 1 to k.
"""

from datetime import date

import pandas

from dashboard.data.frames import frame


def cohorts(month: date) -> pandas.DataFrame:
    """One row a cohort and month of age `k` up to `month`, from 0.

    Columns cohort, k, customers (of the cohort as `month` knows it), buyers (in month k), repeated (with a core
    purchase in any of the months 1 to k), amount (core net amount of month k).
    """
    return frame(
        """
        select
            size.cohort,
            (extract(year from month.month) - extract(year from size.cohort))::integer * 12
                + (extract(month from month.month) - extract(month from size.cohort))::integer as k,
            size.customers,
            coalesce(past.buyers, 0) as buyers,
            coalesce(past.repeated, 0) as repeated,
            coalesce(past.month_core_amount, 0) as amount
        from mart.month_cohort as size
        join mart.month on month.month between size.cohort and size.month
        left join mart.month_cohort as past on past.cohort = size.cohort and past.month = month.month
        where size.month = :month
        order by size.cohort, k
        """,
        month=month,
    )
