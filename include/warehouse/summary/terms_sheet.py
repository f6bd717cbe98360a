"""The sheet that says what the terms of the others mean, in the words of the dashboard's glossary."""

from include.warehouse.summary.figures import Figures
from include.warehouse.summary.parts import subtitle
from include.warehouse.wording.glossary import (
    OF_CATALOG,
    by_name,
    terms_of_catalog,
    terms_of_figures,
    terms_of_rules,
)
from include.warehouse.workbook import FIRST_TABLE_ROW, Book, Column


def draw_terms(book: Book, figures: Figures) -> None:
    """Every term with its meaning, and whether the month's rule set, the catalog or the calculation says so."""
    sheet = book.sheet(
        "Terms",
        "What the terms mean",
        subtitle(figures),
        "The dashboard uses the same words. What a rule set says holds for the months that it computes.",
    )
    columns = [Column("name", "Term"), Column("meaning", "Meaning", "long_text"), Column("source", "From")]
    known = by_name(
        [
            *terms_of_rules(figures.rules),
            *terms_of_catalog(figures.comments, OF_CATALOG | {"Monetary": "customer_snapshot.monetary"}),
            *terms_of_figures("Calculation"),
        ]
    )
    sheet.table(FIRST_TABLE_ROW, "terms", columns, [vars(term) for term in known])
