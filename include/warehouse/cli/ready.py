"""The warehouse that most verbs work on: running, with the tables of this checkout."""

from include.warehouse.settings import Settings, load_settings

NAMED = 3


def ready() -> Settings:
    """Settings of a warehouse that runs and has its tables; a new one gets them.

    Raises MigrationError where the database has tables, but not those of this checkout; `migrate` changes them.
    """
    from include.warehouse.database import connect
    from include.warehouse.migrate import MigrationError, has_tables, migrate, not_applied, rights_explained

    settings = load_settings()
    with connect(settings) as connection, rights_explained(connection):
        is_new = not has_tables(connection)
        lacking = [] if is_new else not_applied(connection)
    if lacking:
        more = f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
        raise MigrationError(
            f"the database is not as this checkout needs it: {', '.join(lacking[:NAMED])}{more} not applied;"
            " run: python -m include.warehouse migrate"
        )
    if is_new:
        migrate(settings)
    return settings
