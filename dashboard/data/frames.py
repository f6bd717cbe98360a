"""Answers of the warehouse as tables for drawing. Apart from `warehouse`: who writes files need not load pandas."""

import pandas
from sqlalchemy import text

from dashboard.data.warehouse import connect


def frame(statement: str, **parameters: object) -> pandas.DataFrame:
    """The rows of a query for drawing: numeric becomes float, whole numbers with gaps stay whole."""
    with connect() as connection:
        found = pandas.read_sql_query(text(statement), connection, params=parameters)
    return with_nullable_types(found)


def with_nullable_types(found: pandas.DataFrame) -> pandas.DataFrame:
    """Whole numbers and flags in types that know gaps; fractions and text stay as pandas reads them."""
    nullable = found.convert_dtypes().select_dtypes(["integer", "boolean"])
    return found.infer_objects().assign(**nullable)
