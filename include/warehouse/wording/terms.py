"""What terms mean that neither the rule set nor the catalog explains: one text each, for every page and sheet."""


def sentence(meaning: str) -> str:
    """The text where it stands alone."""
    return f"{meaning[0].upper()}{meaning[1:]}."


# the first that fits, in this order
EVENTS = {
    "first_purchase": "the first core purchase falls in this month",
    "reactivated": "core purchase in this month, and lapsed or lost the month before",
    "recovered": "core purchase in this month, and at risk the month before",
    "lost": "the status became lost",
    "lapsed": "the status became lapsed",
    "at_risk": "the status became at risk",
    "upgraded": "scored in both months, and a higher tier now",
    "downgraded": "scored in both months, and a lower tier now",
    "retained": "core purchase in this month",
    "registered": "first month in the snapshot",
    "none": "none of these",
}
GROWTH = {
    "new": "the first core purchase falls in this month",
    "returning": "core purchase in this month and in the month before",
    "resurrected": "core purchase in this month, none in the month before, not new",
    "dormant": "core purchase in the month before, none in this",
    "inactive": "none of these",
}
# the views of a cohort's months, k months after the first
COHORTS = {
    "recurring": "share of the cohort with a core purchase in that very month",
    "cumulative": "share of the cohort that has bought again at least once after its first month, up to that one",
    "revenue": "core net amount from the first month up to that one, divided by the customers of the cohort",
    "total": "core net amount of the cohort from the first month up to that one",
}

MONETARY = "net amount of core lines in the trailing window, returns taken off"
REACH = "customers opted in to the channel by the master's version valid at the end of the month; unknown counts as no"
CHANNEL_REACH = "only customers who are in the current master and opted in to the channel there; unknown counts as no"
PHONE_IN_CSV = (
    "in a CSV telephone numbers begin with 00 in place of +, which a spreadsheet would take for a formula;"
    " an Excel file keeps the +"
)
HOLDOUT = "share of an audience that is left out of its campaigns, so that their effect can be measured"
HOLDOUT_IS_STABLE = "decided by a hash of audience and customer: the same customer is always in the same half"
# figures that pages and Excel show
OF_FIGURES = {
    "Buyers": "customers with a core purchase in the month",
    "Core revenue": "net amount of lines of core products, returns taken off",
    "Growth accounting": "buyers of the month before + new + resurrected − dormant = buyers of this month",
    "Items": "quantity sold in the month, returns not taken off",
    "Orders": "receipts with a sale in the month",
    "Reach": REACH,
    "Revenue": "net amount of all lines of the month, returns taken off",
    "Won back": "recovered (were at risk the month before) and reactivated (were lapsed or lost)",
}
# what the pages compute from the views, and name themselves
OF_PAGES = {
    "Audience": "filters and conditions over a month's customers, saved under a name; opened in another month it may"
    " have other customers",
    "Channel export": CHANNEL_REACH,
    "Holdout": f"{HOLDOUT}; {HOLDOUT_IS_STABLE}",
    "Revenue tree": "revenue as customers × orders per customer × items per order × price per item; the change between"
    " two months is divided among the four so that the parts add up to it",
    "Revenue tree: customers": "customers with an order in the month",
    "Revenue tree: orders": "orders of each of these customers",
    "Revenue tree: items": "quantity sold in an order",
    "Revenue tree: price": "net amount, returns taken off, of an item sold",
}
