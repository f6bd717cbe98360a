"""What the catalog's comments say of the views of mart."""

from sqlalchemy import Connection, text

COMMENTS = """
select
    relname::text || coalesce('.' || attname::text, '') as name,
    coalesce(col_description(relation.oid, attnum), obj_description(relation.oid, 'pg_class')) as meaning
from pg_class as relation
cross join lateral (
    select null as attname, null::smallint as attnum
    union all
    select attname, attnum
    from pg_attribute
    where attrelid = relation.oid and attnum > 0 and not attisdropped
) as part
where relnamespace = 'mart'::regnamespace and relkind in ('v', 'm', 'r')
"""


def comments(connection: Connection) -> dict[str, str]:
    """The catalog's comment on every view of mart and each of its columns, by view or view.column."""
    return {row.name: row.meaning for row in connection.execute(text(COMMENTS)) if row.meaning}
