"""Cohorts by month of the first core purchase: who bought again, and the core revenue they have brought.

Retention of month k, of the customers of a cohort (k = 0 being the month of the first purchase):
recurring: the share with a core purchase in month k itself; cumulative: with one in any of the months 1 to k.
"""

from datetime import date

import pandas

from dashboard.data.warehouse import frame


def cohorts(month: date) -> pandas.DataFrame:
    """One row a cohort and month of age `k` up to `month`.

    Columns cohort, k, customers (of the cohort), buyers (in month k), first_repeats (who bought again in k for the
    first time), amount (core net amount of month k). First purchases are as they are known in `month`.
    """
    return frame(
        """
        with member as (
            select customer_id, date_trunc('month', first_core_date::timestamp)::date as cohort
            from mart.customer_snapshot
            where month = :month and first_core_date is not null
        ),
        active as (
            select
                member.cohort,
                activity.month,
                activity.growth_state in ('new', 'returning', 'resurrected') as has_bought,
                activity.month_core_amount,
                activity.growth_state in ('returning', 'resurrected')
                    and activity.month = min(activity.month) filter (
                        where activity.growth_state in ('returning', 'resurrected')
                    ) over (partition by activity.customer_id) as is_first_repeat
            from mart.customer_snapshot as activity
            join member on member.customer_id = activity.customer_id
            where activity.month <= :month
                and (activity.month_core_amount <> 0 or activity.growth_state in ('new', 'returning', 'resurrected'))
        ),
        activity as (
            select
                cohort,
                month,
                count(*) filter (where has_bought) as buyers,
                count(*) filter (where is_first_repeat) as first_repeats,
                sum(month_core_amount) as amount
            from active
            group by cohort, month
        ),
        size as (
            select cohort, count(*) as customers from member group by cohort
        )
        select
            size.cohort,
            (extract(year from month.month) - extract(year from size.cohort))::integer * 12
                + (extract(month from month.month) - extract(month from size.cohort))::integer as k,
            size.customers,
            coalesce(activity.buyers, 0) as buyers,
            coalesce(activity.first_repeats, 0) as first_repeats,
            coalesce(activity.amount, 0) as amount
        from size
        join mart.month on month.month between size.cohort and :month
        left join activity on activity.cohort = size.cohort and activity.month = month.month
        order by size.cohort, k
        """,
        month=month,
    )
