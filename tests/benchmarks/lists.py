"""Which customers the exported lists hold: those of whole home stores, until there are about as many as wanted."""

from collections.abc import Iterable


def choose_stores(counts: Iterable[tuple[str, int]], rows: int) -> list[str]:
    """Stores in the order of their ids that together come nearest to `rows` customers; none for everybody."""
    ordered = sorted(counts)
    if rows >= sum(count for _, count in ordered):
        return []
    chosen, total = [], 0
    for store, count in ordered:
        # a store that leads further away than it helps stays out; a later, smaller one may still fit
        if abs(total + count - rows) < abs(total - rows):
            chosen.append(store)
            total += count
    return chosen
