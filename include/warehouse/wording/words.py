"""The words that readers see for the values of mart."""

from datetime import date

STATUS = {
    "prospect": "Prospect",
    "new": "New",
    "active": "Active",
    "at_risk": "At risk",
    "lapsed": "Lapsed",
    "lost": "Lost",
}
EVENT = {
    "first_purchase": "First purchase",
    "reactivated": "Reactivated",
    "recovered": "Recovered",
    "lost": "Became lost",
    "lapsed": "Became lapsed",
    "at_risk": "Became at risk",
    "upgraded": "Upgraded",
    "downgraded": "Downgraded",
    "retained": "Retained",
    "registered": "Registered",
    "none": "No event",
}
GROWTH = {
    "new": "New",
    "returning": "Returning",
    "resurrected": "Resurrected",
    "dormant": "Dormant",
    "inactive": "Inactive",
}
CHANNEL = {"email": "E-mail", "sms": "SMS", "phone": "Phone"}
UNKNOWN = "Unknown"
NOT_YET_KNOWN = "Not yet known"
NO_TIER = "No tier"


def tier(name: str | None) -> str:
    """A tier as a heading has it."""
    if name is None:
        return NOT_YET_KNOWN
    return NO_TIER if name == "none" else f"{name[0].upper()}{name[1:]}".replace("_", " ")


def status(name: str | None) -> str:
    """An activity status as a heading has it."""
    return STATUS.get(name or "", NOT_YET_KNOWN)


def month(day: date) -> str:
    """November 2025."""
    return f"{day:%B %Y}"


def short_month(day: date) -> str:
    """Nov 25."""
    return f"{day:%b %y}"


def day(value: date) -> str:
    """21 Nov 2025."""
    return f"{value.day} {value:%b %Y}"


def listed(names: list[str], last: str = "and") -> str:
    """a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"
