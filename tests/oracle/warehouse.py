"""The real warehouse behind the same calls as the oracle, and its results as the same frames."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import yaml
from sqlalchemy import text

from dashboard.data.audience import Audience
from dashboard.data.audience_sql import Asked, where
from include.warehouse import rules
from include.warehouse.database import engine
from include.warehouse.load import approve, discard, load_files
from include.warehouse.settings import Settings
from include.warehouse.steps import refresh

from .files import ReceivedFile
from .rule_strategies import as_document
from .rules import RuleSet

# the file's day of receipt is the event's, so that no result depends on the clock
DAY_OF_RECEIPT = """
create table public.day_of_receipt (day date not null);
create function public.set_day_of_receipt() returns trigger language plpgsql security definer as $$
begin
    select day into strict new.received_on from public.day_of_receipt;
    return new;
end
$$;
create trigger day_of_receipt before insert on ops.file for each row execute function public.set_day_of_receipt()
"""


def bring_into_force(settings: Settings, content: dict[str, Any], from_month: date) -> None:
    """Lets the rules of a file's content decide the months from one on."""
    with TemporaryDirectory() as folder, engine(settings).begin() as connection:
        path = Path(folder) / "rules.yml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        version = rules.draft(connection, path)
        rules.approve(connection, version)
        rules.activate(connection, version, from_month)


class RealWarehouse:
    """Loads files and publishes through the product itself, gate included."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        with engine(settings).begin() as connection:
            connection.exec_driver_sql(DAY_OF_RECEIPT)

    def load(self, file: ReceivedFile, approved: bool = False) -> object:
        """Loads one file as received on its day."""
        with engine(self.settings).begin() as connection:
            connection.execute(text("delete from public.day_of_receipt"))
            connection.execute(text("insert into public.day_of_receipt values (:day)"), {"day": file.received_on})
        with TemporaryDirectory() as folder:
            path = Path(folder) / file.name
            path.write_bytes(file.content)
            result = load_files(self.settings, [path], effective=file.effective, force=file.force)[-1]
        if approved and result.status == "held":
            return approve(self.settings, file.name)
        return result

    def approve(self, name: str) -> object:
        """Applies a held file."""
        return approve(self.settings, name)

    def discard(self, name: str) -> object:
        """Gives a held file up."""
        return discard(self.settings, name)

    def activate(self, rule_set: RuleSet, from_month: date) -> None:
        """Brings a rule set into force, from its file."""
        bring_into_force(self.settings, as_document(rule_set), from_month)

    def publish(self, recut: bool = False, recut_from: date | None = None) -> None:
        """Refreshes and publishes."""
        refresh(self.settings, recut=recut or recut_from is not None, from_month=recut_from)

    def audience(self, audience: Audience, month: date) -> set[str]:
        """Ids of the customers of an audience in a month, as the dashboard selects them."""
        asked = Asked(month)
        conditions = where(audience, asked)
        statement = f"select customer.customer_id from {asked.rows} where {conditions}"
        with engine(self.settings).connect() as connection:
            return set(connection.exec_driver_sql(statement, asked.parameters).scalars())

    def frame(self, view: str) -> pd.DataFrame:
        """All rows of a mart view, values as the driver gives them."""
        with engine(self.settings).connect() as connection:
            result = connection.execute(text(f"select * from mart.{view}"))
            return pd.DataFrame(result.all(), columns=list(result.keys()), dtype=object)
