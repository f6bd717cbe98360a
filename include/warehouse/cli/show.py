"""How the command line shows a document to a person."""

from collections.abc import Callable

from rich.console import Console

from include.warehouse.console import Document, in_words, show_fields, show_table
from include.warehouse.wording import rules


def show_lines(name: str, otherwise: str = "Nothing to do.") -> Callable[[Console, Document], None]:
    """Shows the list `name` of a document, one item a line."""

    def show(console: Console, document: Document) -> None:
        for line in document[name] or [otherwise]:
            console.print(line, markup=False, soft_wrap=True)

    return show


def show_rows(name: str, title: str) -> Callable[[Console, Document], None]:
    """Shows the rows `name` of a document as a table."""

    def show(console: Console, document: Document) -> None:
        rows = document[name]
        show_table(console, title, rows, list(rows[0]) if rows else [])

    return show


def show_files(console: Console, document: Document) -> None:
    """What became of every file and of its rows."""
    from include.warehouse.status import FATES

    files = [
        {"file_name": file["file_name"], "status": file["status"], **{fate: file.get(f"rows_{fate}") for fate in FATES}}
        for file in document["files"]
    ]
    if files:
        show_table(console, "Files", files, list(files[0]))
    for file in document["files"]:
        for remark in dict.fromkeys((file.get("message"), *(file.get("warnings") or []))):
            if remark:
                name = file["file_name"]
                console.print(remark if remark.startswith(name) else f"{name}: {remark}", markup=False, soft_wrap=True)


def show_status(console: Console, document: Document) -> None:
    """The published run, then the files."""
    from include.warehouse.arrivals import UNREADABLE

    run = document["published_run"]
    console.print(f"warehouse: {document['warehouse_url']}", markup=False, soft_wrap=True)
    place = document["analyst_password_in"]
    where = f"analyst_password in {place}" if place else "as set by whoever made this role"
    console.print(f"SQL, read only: {document['analyst_url']} (password: {where})", markup=False, soft_wrap=True)
    console.print(f"home: {document['home']}", markup=False, soft_wrap=True)
    if run:
        console.print(
            f"report month: {run['report_month']:%Y-%m}, as of {run['as_of_date']};"
            f" run {run['run_id']}, published {in_words(run['published_at'])}",
            soft_wrap=True,
        )
    else:
        console.print("No month is published yet.")
    last = document["last_run"]
    if last and (run is None or last["run_id"] != run["run_id"]):
        console.print(f"last run: {last['run_id']}, {last['status']}: {last['message'] or '–'}", markup=False)
    show_files(console, document)
    for file in document["files"]:
        if file["status"] == "held":
            console.print(f"held: {file['file_name']}, receipt {file['file_id']}", markup=False, soft_wrap=True)
    for file in document["unfinished"]:
        name, receipt = file["file_name"], file["file_id"]
        why = file["message"] or (
            "it is being loaded, or its load was interrupted and the next one tries again;"
            f" to give it up: python -m include.warehouse discard {name} --receipt {receipt}"
        )
        console.print(
            f"not loaded to its end: {name}, receipt {receipt}, received {in_words(file['received_at'])}: {why}",
            markup=False,
            soft_wrap=True,
        )
    if document["pending"]:
        console.print(f"waiting in the inbox: {in_words(document['pending'])}", markup=False, soft_wrap=True)
    for name in document["unreadable"]:
        console.print(f"{name} {UNREADABLE}", markup=False, soft_wrap=True)
    for name in document["folders"]:
        why = "is a folder in the inbox, into which no load looks: move its files into the inbox itself"
        console.print(f"{name} {why}", markup=False, soft_wrap=True)


def show_refresh(console: Console, document: Document) -> None:
    """The outcome of a refresh in a few lines."""
    if document["status"] != "published":
        console.print(f"{document['status'].replace('_', ' ')}: {document['message']}", markup=False, soft_wrap=True)
        return
    console.print(
        f"Published: run {document['run_id']}, report month {document['report_month']:%Y-%m},"
        f" {document['months_built']} months built",
        soft_wrap=True,
    )
    for warning in document["warnings"]:
        console.print(f"warning: {warning}", markup=False, soft_wrap=True)
    console.print(f"Excel: {document['excel']}", markup=False, soft_wrap=True)


def show_run_once(console: Console, document: Document) -> None:
    """Files, rejects by reason, the publication, and the report month's customers by tier and status."""
    from include.warehouse.stack_summary import show_customers

    show_files(console, document)
    for name in document["left_alone"]:
        why = "its name says that it is unfinished, or its contract waits for a marker"
        console.print(f"left alone: {name}: {why}, {name}.ready", markup=False, soft_wrap=True)
    for name in document["folders"]:
        console.print(
            f"left alone: {name}: it is a folder; give it to a run-once of its own", markup=False, soft_wrap=True
        )
    if document["rejects_by_reason"]:
        show_table(console, "Rejected rows by reason", document["rejects_by_reason"], ["reason", "rows_rejected"])
    if document["customers"]:
        show_customers(console, document["customers"], document["tiers"])
    show_refresh(console, document["refresh"])


def show_explanation(console: Console, document: Document) -> None:
    """The customer's row, the limits reached, the rules that decided, all rules of the month and the last lines."""
    customer = document["customer"]
    console.print(f"Customer {customer['customer_id']} in {customer['month']:%Y-%m}", style="bold", markup=False)
    show_fields(console, {name: value for name, value in customer.items() if name not in ("customer_id", "month")})
    if document["limits"]:
        show_table(console, "Limits", list(map(_limit, document["limits"])), list(document["limits"][0]))
    console.print("Why", style="bold")
    for line in _reasons(document):
        console.print(line, markup=False, soft_wrap=True)
    console.print("Rules", style="bold")
    hidden = ("tiers", "segments")
    show_fields(console, {name: value for name, value in _ruled(document["rule_set"]).items() if name not in hidden})
    if document["last_lines"]:
        show_table(console, "Last lines", document["last_lines"], list(document["last_lines"][0]))


def _limit(limit: Document) -> Document:
    """A metric's limits, in words where the value reaches none."""
    return limit | {"limit_reached": rules.NO_LIMIT_REACHED} if limit["limit_reached"] is None else limit


def _reasons(document: Document) -> list[str]:
    """What the rules ask of a customer's status, tier and segment, and where the ABC classes begin."""
    customer, ruled = document["customer"], document["rule_set"]
    status = customer["activity_status"]
    lines = [
        f"status {status}: {rules.status_rule(status, ruled)}",
        f"tier {customer['value_tier']}: {rules.tier_reason(customer, ruled)}",
        f"segment {customer['segment']}: {rules.segment_reason(customer, ruled)}",
    ]
    if document["abc_limits"]:
        classes = [f"{name} from {in_words(limit)}" for name, limit in document["abc_limits"].items()]
        lines.append(f"ABC classes: monetary, {', '.join([*classes, 'C below'])}")
    return lines


def show_rules(console: Console, document: Document) -> None:
    """Every rule set, its parameters, tiers and segments."""
    for rule_set in document["rule_sets"]:
        console.print(f"Rule set {rule_set['rule_set_id']}: {rule_set['title']}", style="bold", markup=False)
        hidden = ("rule_set_id", "title", "tiers", "segments")
        show_fields(console, {name: value for name, value in _ruled(rule_set).items() if name not in hidden})
        show_table(console, "Tiers", rule_set["tiers"], ["tier", "minimum_total"])
        segments = [{name: in_words(value) for name, value in segment.items()} for segment in rule_set["segments"]]
        columns = list(dict.fromkeys(name for segment in segments for name in segment))
        show_table(console, "Segments, first match", segments, columns)


def _ruled(rule_set: Document) -> Document:
    """A rule set whose first month is in words where it decides from the beginning."""
    decides_from_the_beginning = rule_set["active_from"] is None and rule_set["state"] in ("active", "retired")
    return rule_set | {"active_from": "the beginning"} if decides_from_the_beginning else rule_set


def show_proof(console: Console, document: Document) -> None:
    """Every check of the prover."""
    for check in document["checks"]:
        outcome = "passed" if check["is_ok"] else "FAILED"
        cell = f" ({check['first_failing_cell']})" if check["first_failing_cell"] else ""
        console.print(f"{outcome} {check['check_name']}: {check['message']}{cell}", markup=False, soft_wrap=True)
    verdict = "is proved" if document["is_ok"] else "cannot be approved"
    console.print(f"Rule set {document['rule_set']} {verdict}.")
