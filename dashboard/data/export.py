"""Lists of exactly the customers of an audience as files: written, noted, offered by a link; and the month's summary.

A CSV is written by the database (COPY); an Excel file by a process of its own, so that nobody's page waits for it.
"""

import json
import logging
import re
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from dashboard.data import downloads, saved
from dashboard.data.audience import Audience, Half
from dashboard.data.audience_sql import Asked, where
from dashboard.data.customers import Arrangement
from dashboard.data.downloads import Prepared
from dashboard.data.export_log import log_export
from dashboard.data.links import customers_link, left_out
from dashboard.data.warehouse import acting_as, connect, current_user
from include.warehouse.customer_filter import check_texts
from include.warehouse.errors import WarehouseError
from include.warehouse.export_customers import Export, Layout, Selection, every_column, write_selection
from include.warehouse.file_hash import sha256_of
from include.warehouse.published import published_month
from include.warehouse.settings import REPOSITORY
from include.warehouse.summary import read_figures, write_book
from include.warehouse.users import User

# What a campaign by each channel needs.
CONTACT = {"email": ("full_name", "email"), "sms": ("full_name", "phone"), "phone": ("full_name", "phone")}

REFUSED = "refused"

log = logging.getLogger(__name__)


def prepare(
    audience: Audience,
    file_format: str,
    *,
    with_contact: bool = False,
    arrangement: Arrangement | None = None,
    audience_id: int | None = None,
    page_url: str | None = None,
) -> Prepared:
    """Writes the list, csv or xlsx, and notes it in mart.export_log for who has signed in.

    It has every column of the snapshot, by customer_id, or the columns and the order of an `arrangement`;
    `with_contact` adds to the former the names and addresses that the audience's channel needs. `audience_id` is the
    saved audience that it came from; `page_url` is where the page of customers is, for the link that shows the list
    again. Raises WarehouseError for what cannot be written.
    """
    path = downloads.new_file(file_name(audience, file_format))
    contact = CONTACT[audience.channel] if with_contact and audience.channel else ()
    layout = arrangement.layout() if arrangement else every_column(contact)
    write = write_list if file_format == "csv" else _write_elsewhere
    written = write(audience, file_format, path, layout, _again(audience, arrangement, audience_id, page_url))
    _note(audience, file_format, written, layout.has_contact, audience_id)
    return Prepared(downloads.offer(written.path), downloads.offer(written.about_path), written.rows)


def _again(
    audience: Audience, arrangement: Arrangement | None, audience_id: int | None, page_url: str | None
) -> dict[str, Any]:
    """What the companion says about showing the list again on the page of customers."""
    link = customers_link(audience, audience_id, page_url, arrangement)
    if link is None:
        return {}
    beyond = left_out(audience, audience_id)
    return {"link": link} | ({"left_out_of_link": beyond} if beyond else {})


def write_list(
    audience: Audience,
    file_format: str,
    path: Path,
    layout: Layout,
    again: dict[str, Any] | None = None,
) -> Export:
    """Writes the list and its companion, which says how to show it again, in this process."""
    with connect() as connection:
        shown = published_month(connection, audience.filters.month)
        # a value that the month's rules do not know finds nobody, as on the page
        check_texts(audience.filters)
        asked = Asked(shown.month)
        conditions = where(audience, asked)
        selection = Selection(
            conditions, asked.parameters, audience.as_document(), layout, tuple(asked.joins), again or {}
        )
        return write_selection(connection, shown, selection, file_format, path)


def _write_elsewhere(audience: Audience, file_format: str, path: Path, layout: Layout, again: dict[str, Any]) -> Export:
    """As write_list, in a process of its own."""
    half = audience.half
    order = {
        "user": asdict(current_user()),
        "audience": saved.to_document(audience),
        "month": audience.filters.month.isoformat() if audience.filters.month else None,
        "channel": audience.channel,
        "half": [half.audience_id, str(half.percent), half.is_holdout] if half else None,
        "format": file_format,
        "path": str(path),
        "layout": asdict(layout),
        "again": again,
    }
    done = subprocess.run(
        [sys.executable, "-m", "dashboard.data.export_worker"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )
    if done.returncode:
        log.error("%s was not written, exit code %s: %s", path.name, done.returncode, done.stderr.strip())
        raise WarehouseError(f"Tell an administrator: the dashboard's log says why, below {path.name}.")
    answer = json.loads(done.stdout)
    if REFUSED in answer:
        raise WarehouseError(answer[REFUSED])
    return Export(**answer | {name: Path(answer[name]) for name in ("path", "about_path")})


def write_ordered(order: dict[str, Any]) -> dict[str, Any]:
    """What the process of its own does: writes the list that _write_elsewhere has described."""
    with acting_as(User(**order["user"])):
        asked = saved.complete(saved.from_document(order["audience"]))
        month = date.fromisoformat(order["month"]) if order["month"] else None
        audience = Audience(
            filters=replace(asked.filters, month=month),
            groups=asked.groups,
            is_any=asked.is_any,
            channel=order["channel"],
            half=Half(order["half"][0], Decimal(order["half"][1]), order["half"][2]) if order["half"] else None,
        )
        written = write_list(audience, order["format"], Path(order["path"]), Layout(**order["layout"]), order["again"])
    return asdict(written) | {"path": str(written.path), "about_path": str(written.about_path)}


def _note(audience: Audience, file_format: str, written: Export, has_contact: bool, audience_id: int | None) -> None:
    log_export(
        written.path,
        file_format,
        written.rows,
        written.sha256,
        month=audience.filters.month.isoformat() if audience.filters.month else None,
        run_id=written.run_id,
        audience_id=audience_id,
        channel=audience.channel,
        filters=audience.as_document(),
        has_contact=has_contact,
    )


def prepare_summary(month: date) -> Prepared:
    """Writes the Excel summary of a published month, and notes it in mart.export_log for who has signed in."""
    user = current_user()
    path = downloads.new_file(summary_name(month))
    with connect() as connection:
        seen_by = user.email if user.is_restricted else None
        figures = read_figures(connection, published_month(connection, month), seen_by)
    write_book(path, figures)
    log_export(
        path,
        "xlsx",
        figures.customers,
        sha256_of(path),
        month=month.isoformat(),
        run_id=figures.shown.run_id,
        filters={"summary_of": f"{month:%Y-%m}"},
        has_contact=False,
    )
    return Prepared(downloads.offer(path), None, None)


def summary_name(month: date) -> str:
    """Name under which a reader saves the summary: one of some customers is not taken for the company's."""
    user = current_user()
    whose = "_of_" + re.sub(r"[^-+.@\w]", "_", user.email) if user.is_restricted else ""
    return f"customer_summary_{month:%Y-%m}{whose}.xlsx"


def file_name(audience: Audience, file_format: str) -> str:
    """Name under which a reader saves the list."""
    kind = audience.channel or ("all" if audience.is_everybody else "filtered")
    if audience.half:
        kind += "_holdout" if audience.half.is_holdout else "_without_holdout"
    return f"customers_{audience.filters.month or date.min:%Y-%m}_{kind}.{file_format}"
