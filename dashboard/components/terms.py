"""What terms mean that neither the rule set nor the catalog explains: one text each, for every page that uses it."""

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
