"""Numbers for people: separators, units, signs."""

from decimal import ROUND_HALF_UP, Decimal

from dashboard.components.cache import ask
from dashboard.data import months

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
MINUS = "\N{MINUS SIGN}"
NO_CHANGE = "0.0 %"


def currency_prefix() -> str:
    """Sign or code of the warehouse's currency, to be written before an amount."""
    code = ask(months.currency)
    return SYMBOLS.get(code, f"{code} ")


def count(value: float | None) -> str:
    """12,345."""
    return "–" if value is None else _signed(_rounded(value), value)


def counted(value: float, thing: str) -> str:
    """1 day, 12,345 days."""
    return f"{count(value)} {thing}" if value == 1 else f"{count(value)} {thing}s"


def money(value: float | None, decimals: int = 0) -> str:
    """€12,345."""
    return "–" if value is None else _signed(f"{currency_prefix()}{_rounded(value, decimals)}", value)


def short_money(value: float) -> str:
    """€950, €12k or €3.4M, where there is little room."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if abs(value) >= size:
            decimals = 1 if abs(value) < 10 * size else 0
            return _signed(f"{currency_prefix()}{_rounded(value / size, decimals)}{unit}", value)
    return money(value)


def share(part: float, whole: float) -> str:
    """12.3 %, or a dash where there is no whole."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def ratio(value: float | None) -> str:
    """1.23."""
    return "–" if value is None else f"{value:,.2f}"


def size(of_bytes: int) -> str:
    """1.2 MB, 12.3 kB or 198 bytes."""
    for least, unit in ((1_000_000, "MB"), (1_000, "kB")):
        if of_bytes >= least:
            return f"{of_bytes / least:,.1f} {unit}"
    return counted(of_bytes, "byte")


def change(now: float, before: float | None) -> str | None:
    """+2.7 % or -2.7 %, with a hyphen as st.metric wants it; None where there is nothing to compare with."""
    if not before:
        return None
    percent = round(100 * (now - before) / abs(before), 1)
    # what comes to nothing has no sign: not +0.0, and not -0.0
    return f"{percent:+,.1f} %" if percent else NO_CHANGE


def difference(now: float, before: float) -> str:
    """+1,234."""
    return f"{'+' if now >= before else MINUS}{_rounded(now - before)}"


def _rounded(value: float, decimals: int = 0) -> str:
    """The size without its sign, halves rounded up as people do it; Python's own formats round them to even."""
    # a sum of fractions may lie a hair below the half that it stands for
    exact = Decimal(f"{abs(value):.6f}")
    return f"{exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):,f}"


def _signed(text: str, value: float) -> str:
    return f"{MINUS}{text}" if value < 0 and any(digit in text for digit in "123456789") else text
