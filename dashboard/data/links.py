"""Links to the page of customers that show a list again, as the page's own address would."""

from urllib.parse import urlencode

from dashboard.data.audience import Audience, to_text
from dashboard.data.customers import Arrangement
from include.warehouse.customer_filter import LIST_COLUMNS

PAGE = "customers"
# a browser or a proxy may cut a longer address off, and one without its conditions means other customers
LONGEST_LINK = 6_000


def customers_link(
    audience: Audience,
    audience_id: int | None = None,
    page_url: str | None = None,
    arrangement: Arrangement | None = None,
) -> str | None:
    """The link to a list that came from the saved audience `audience_id`, or from none; None where it is too long.

    Without the page's own URL it begins with the page's name, without an arrangement the list has the usual one. What
    no link says is told by left_out.
    """
    parts = [("month", f"{audience.filters.month:%Y-%m}")] if audience.filters.month else []
    for name in (*LIST_COLUMNS, "opt_in"):
        parts += [(name, value or "") for value in getattr(audience.filters, name)]
    parts += [("search", audience.filters.search)] if audience.filters.search else []
    parts += [("where", to_text(audience.groups, audience.is_any))] if audience.groups else []
    if audience_id is not None:
        # an audience of everybody that its owner changes later would mean others
        is_everybody = not audience.filters.as_document() and not audience.groups
        parts += [("audience", str(audience_id)), *([("changed", "yes")] if is_everybody else [])]
        if audience.half and audience.half.audience_id == audience_id:
            parts.append(("half", "held" if audience.half.is_holdout else "rest"))
    parts += _arranged(arrangement) if arrangement else []
    link = f"{page_url or PAGE}?{urlencode(parts)}"
    return link if len(link) <= LONGEST_LINK else None


def _arranged(arrangement: Arrangement) -> list[tuple[str, str]]:
    usual = Arrangement()
    parts = [] if arrangement.sort == usual.sort else [("sort", arrangement.sort)]
    parts += [] if arrangement.is_descending else [("order", "asc")]
    return parts + ([] if arrangement.columns == usual.columns else [("columns", name) for name in arrangement.columns])


def left_out(audience: Audience, audience_id: int | None = None) -> list[str]:
    """What the list asks for beyond its link, by the names that Audience.as_document uses."""
    has_own_half = audience.half is not None and audience.half.audience_id != audience_id
    return [*(["opted_in_now_to"] if audience.channel else []), *(["holdout"] if has_own_half else [])]
