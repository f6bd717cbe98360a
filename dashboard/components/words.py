"""The words that readers see for the values of mart: those of Excel as well, and what only pages say."""

import re

from include.warehouse.wording.words import (
    CHANNEL,
    EVENT,
    GROWTH,
    STATUS,
    UNKNOWN,
    day,
    listed,
    month,
    short_month,
    status,
    tier,
)

__all__ = [
    "CHANNEL",
    "EVENT",
    "FLAG",
    "GROWTH",
    "METRIC",
    "STATUS",
    "UNKNOWN",
    "day",
    "listed",
    "month",
    "plain",
    "short_month",
    "status",
    "tier",
]

FLAG = {True: "Yes", False: "No", None: UNKNOWN}
METRIC = {"recency": "Recency", "frequency": "Frequency", "monetary": "Monetary", "abc": "ABC"}


def plain(text: object) -> str:
    """Text of others, such as a name from a file, for where Streamlit reads Markdown: it shows as it was written."""
    shown = re.sub(r"([\\`*_\[\]<>~:$&!|^])", r"\\\1", " ".join(str(text).split()))
    return re.sub(r"^(\d*)([#+=.)-])", r"\1\\\2", shown)
