"""How the columns of a customer list are headed and drawn."""

from typing import Any

import pandas
import streamlit as st

from dashboard.components import numbers, words

LABELS = {
    "customer_id": "Customer",
    "customer_group": "Group",
    "city": "City",
    "home_store_id": "Home store",
    "opt_in_email": "E-mail opt-in",
    "opt_in_sms": "SMS opt-in",
    "opt_in_phone": "Phone opt-in",
    "is_in_master": "In master",
    "first_core_date": "First core purchase",
    "last_core_date": "Last core purchase",
    "last_purchase_date": "Last purchase",
    "recency_days": "Recency, days",
    "frequency": "Frequency",
    "monetary": "Monetary",
    "total_amount": "Amount in window",
    "month_amount": "Amount of month",
    "month_core_amount": "Core amount of month",
    "month_orders": "Orders of month",
    "month_items": "Items of month",
    "tenure_months": "Tenure, months",
    "activity_status": "Status",
    "r_score": "R",
    "f_score": "F",
    "m_score": "M",
    "t_score": "T",
    "rfmt_score": "RFMT",
    "rfmt_total": "RFMT total",
    "value_tier": "Tier",
    "segment": "Segment",
    "is_high_spender": "High spender",
    "last_scored_month": "Last scored",
    "last_scored_tier": "Tier when last scored",
    "lifecycle_event": "Event",
    "growth_state": "Growth",
    "abc_class": "ABC class",
    "previous_status": "Status before",
    "previous_tier": "Tier before",
    "previous_segment": "Segment before",
    "rule_set": "Rule set",
    "as_of_date": "As of",
    "run_id": "Run",
}
MASTER_LABELS = {
    "current_city": "City now",
    "current_customer_group": "Group now",
    "current_home_store_id": "Home store now",
    "current_opt_in_email": "E-mail opt-in now",
    "current_opt_in_sms": "SMS opt-in now",
    "current_opt_in_phone": "Phone opt-in now",
    "current_is_in_master": "In master now",
    "registration_date": "Registered",
    "responsible_email": "Responsible seller",
    "current_full_name": "Name now",
    "current_email": "E-mail address now",
    "current_phone": "Phone number now",
    "audience": "Saved audience",
}
MONEY = {"monetary", "total_amount", "month_amount", "month_core_amount"}
COUNTS = {"recency_days", "frequency", "month_orders", "month_items", "tenure_months"}
DATES = {"first_core_date", "last_core_date", "last_purchase_date", "last_scored_month", "registration_date"}
FLAGS = {"opt_in_email", "opt_in_sms", "opt_in_phone", "is_in_master", "is_high_spender"} | {
    "current_opt_in_email",
    "current_opt_in_sms",
    "current_opt_in_phone",
    "current_is_in_master",
}
WIDE = {"segment", "previous_segment", "lifecycle_event"}
STATUSES = {"activity_status", "previous_status"}
TIERS = {"value_tier", "last_scored_tier", "previous_tier"}


def label(column: str) -> str:
    """Heading of a column of the snapshot or of a master attribute."""
    return LABELS.get(column) or MASTER_LABELS[column]


def configuration(columns: list[str]) -> dict[str, Any]:
    """Streamlit's settings of the columns: heading, number format, unit."""
    return {column: _configured(column) for column in columns}


def in_words(page: pandas.DataFrame) -> pandas.DataFrame:
    """The page with the words of readers for statuses, tiers, events and flags."""
    shown = page.copy()
    for column in shown.columns:
        if column in STATUSES:
            shown[column] = shown[column].map(lambda value: "" if pandas.isna(value) else words.status(value))
        elif column in TIERS:
            shown[column] = shown[column].map(lambda value: "" if pandas.isna(value) else words.tier(value))
        elif column == "lifecycle_event":
            shown[column] = shown[column].map(words.EVENT)
        elif column == "growth_state":
            shown[column] = shown[column].map(words.GROWTH)
        elif column in FLAGS:
            shown[column] = shown[column].map(_yes_or_no)
    return shown


def _yes_or_no(value: Any) -> str:
    return "Unknown" if pandas.isna(value) else "Yes" if value else "No"


def _configured(column: str) -> Any:
    heading = label(column)
    if column in MONEY:
        return st.column_config.NumberColumn(f"{heading}, {numbers.currency_prefix().strip()}", format="%,.2f")
    if column in COUNTS:
        return st.column_config.NumberColumn(heading, format="localized")
    if column in DATES:
        return st.column_config.DateColumn(heading, format="D MMM YYYY")
    return st.column_config.Column(heading, width=145 if column in WIDE else None)
