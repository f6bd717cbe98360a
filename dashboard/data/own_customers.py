"""Users who see few customers: theirs are looked up one by one, in place of looking through everybody's."""

from functools import lru_cache

from dashboard.data.warehouse import connect, current_user

OWN = "{rows}.customer_id = any (array(select mart.my_customers()))"


def own() -> str | None:
    """What holds for all {rows} that the user may read, and lets an index find them; None for who sees many or all.

    {rows} is what the statement calls a table or view with a customer_id. Row security decides without it, too.
    """
    user = current_user()
    return OWN if user.is_restricted and _sees_few(user.email, user.visible) else None


def looked_up(rows: str) -> str:
    """The same as a condition on `rows`, `true` for who sees many or all."""
    return (own() or "true").format(rows=rows)


@lru_cache(maxsize=1000)
def _sees_few(email: str, visible: str) -> bool:
    """Of the current user `email`; asked again when `visible` says that they may see other customers."""
    with connect() as connection:
        return bool(connection.exec_driver_sql("select mart.sees_few_customers()").scalar_one())
