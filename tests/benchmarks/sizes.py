"""How much data each size holds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Customers, sale lines and months of one size."""

    name: str
    customers: int
    lines: int
    months: int = 36

    @property
    def folder(self) -> str:
        """Name of the size in paths."""
        return self.name.replace("/", "_")


TENTH = "S/10"  # peers that would need more than five minutes at S are measured here
SIZES = {
    size.name: size
    for size in (
        Size("XS", 10_000, 200_000, months=24),
        Size(TENTH, 20_000, 500_000),
        Size("S", 200_000, 5_000_000),
        Size("L", 1_000_000, 25_000_000),
    )
}
