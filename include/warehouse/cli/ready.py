"""The warehouse that most verbs work on: running, with its tables."""

from include.warehouse.settings import Settings, load_settings


def ready() -> Settings:
    """Settings of a warehouse that runs and has its tables."""
    from include.warehouse.database import connect
    from include.warehouse.migrate import migrate

    settings = load_settings()
    with connect(settings) as connection:
        is_migrated = connection.exec_driver_sql("select to_regclass('ops.setting') is not null").scalar_one()
    if not is_migrated:
        migrate(settings)
    return settings
