"""The tiers and segments that customers have in some months: those of each month's own rule set."""

from collections.abc import Sequence
from datetime import date

from dashboard.components.cache import ask
from dashboard.data import months as calendar
from dashboard.data import rules
from dashboard.data.months import Month


def months(last: date, first: date = date.min) -> list[Month]:
    """The published months from `first` to `last`, the latest first."""
    return [month for month in ask(calendar.months) if first <= month.month <= last]


def tiers(chosen: Sequence[Month]) -> list[str]:
    """Tiers of the months: those of the first, best first, then what else each next one has; then none."""
    return ask(rules.tiers, *_rule_sets(chosen))


def segments(chosen: Sequence[Month]) -> list[str]:
    """Segments of the months: those of the first in its rules' order, then what else each next one has."""
    return ask(rules.segments, *_rule_sets(chosen))


def _rule_sets(chosen: Sequence[Month]) -> list[int]:
    return list(dict.fromkeys(month.rule_set for month in chosen))
