"""What a person reads where the database could not answer, on a page or in place of a file."""

import psycopg2

QUERY_CANCELED = "57014"
# classes of codes: the connection, and what an operator does to the server
UNREACHABLE = ("08", "57")
AWAY = (
    "It may be starting or stopped. {} in a moment; if it stays away, let an administrator run"
    " `python -m include.warehouse status`."
)
LOST = ("The connection to the warehouse was lost.", AWAY.format("Try again"))


def explained(cause: object) -> tuple[str, str]:
    """What has happened, and what to do about it; `cause` is the driver's error."""
    code = getattr(cause, "pgcode", None)
    if code == QUERY_CANCELED:
        return "This took too long and was stopped.", "Choose fewer customers or a shorter time, then try again."
    if isinstance(cause, psycopg2.ProgrammingError):
        return (
            "The warehouse does not have what this needs.",
            "It may be older than the dashboard: let an administrator run `python -m include.warehouse migrate`.",
        )
    if isinstance(cause, psycopg2.Error) and code and not code.startswith(UNREACHABLE):
        return (
            "The warehouse could not finish this.",
            f"Let an administrator look; the database says: {cause.diag.message_primary}",
        )
    return "The warehouse does not answer.", AWAY.format("Reload this page")
