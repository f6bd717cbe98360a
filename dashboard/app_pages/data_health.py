"""Data health: for everyone who doubts a number. What arrived, what became of it, and what the checks said."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import pandas
import streamlit as st

from dashboard.components import charts, colours, numbers, tables, take_away, words
from dashboard.components.cache import ask, ask_fresh, current
from dashboard.components.page import empty, title_only
from dashboard.components.session import signed_in
from dashboard.data import health, months
from dashboard.data.reject_files import prepare_rejects

RUNS = 20
EXPORTS = 500
SECTIONS = ("Files", "Rejects", "Checks", "Conservation", "Runs", "Exports")
FATES = {
    "rows_loaded": ("Loaded", "#117733"),
    "rows_unchanged": ("Unchanged", "#88ccee"),
    "rows_duplicate": ("Duplicate", "#ddcc77"),
    "rows_rejected": ("Rejected", "#cc6677"),
}
FILES_IN_CHART = 15
SEES_SOME = "You see some customers only. {} speak of all customers and are left out."
REASONS = {
    "undecodable": "Cannot be decoded",
    "wrong_column_count": "Wrong number of columns",
    "missing_transaction_id": "No transaction id",
    "missing_customer_id": "No customer id",
    "missing_product_id": "No product id",
    "missing_key": "No key",
    "invalid_date": "Date missing or unreadable",
    "date_outside_period": "Date outside the file's year",
    "future_date": "Date in the future",
    "invalid_number": "Number missing or unreadable",
    "non_positive_quantity": "Quantity not positive",
    "negative_price": "Negative price",
    "negative_net_amount": "Discount larger than the price",
    "invalid_transaction_type": "Unknown transaction type",
    "unknown_customer": "Customer not in the master",
    "unknown_product": "Product not in the master",
    "unknown_store": "Store not in the master",
    "unknown_promotion": "Promotion not in the master",
}
OUTCOMES = {"failed": "Failed", "not_evaluated": "Could not be evaluated", "warned": "Warned", "passed": "Passed"}
STEPS = {
    "received": "Received",
    "rejected": "\N{MINUS SIGN} Rejected",
    "duplicate": "\N{MINUS SIGN} Repeated in the same file",
    "unchanged": "\N{MINUS SIGN} Unchanged, known before",
    "loaded": "= Loaded",
    "superseded": "\N{MINUS SIGN} Superseded by later files",
    "current": "= Current lines",
    "customer_months": "= Customer-months",
    "published_months": "= Published months",
}
KINDS = {"refresh": "Publication", "rebuild": "Rebuild to inspect"}
STATUSES = {
    "building": "Being built",
    "refused": "Refused by the checks",
    "published": "Published",
    "abandoned": "Abandoned",
    "rebuilt": "Rebuilt",
}
# what a DAG asks for names the DAG, then Airflow's id of its run
DAGS = ("build_customer_snapshot", "rebuild_months")


def main() -> None:
    """Draws what is published, then files, rejects, checks, conservation and runs."""
    title_only(
        "Data health", "For everyone who doubts a number: what arrived, what became of it, what the checks said."
    )
    files = ask_fresh(health.files)
    runs = ask_fresh(health.runs, RUNS)
    _publication()
    if files.empty:
        empty("No file has been received yet.")
        return
    _attention(files, runs)
    sections = st.tabs(SECTIONS, on_change="rerun", key="section", bind="query-params")
    draw: list[Callable[[], None]] = [
        partial(_files, files),
        _rejects,
        _checks,
        _conservation,
        partial(_runs, runs),
        _exports,
    ]
    for section, content in zip(sections, draw, strict=True):
        if section.open:
            with section:
                content()


def _publication() -> None:
    published = current()
    if published is None:
        st.info("Nothing is published yet.", icon=":material/hourglass_empty:")
        return
    report = ask(months.months)[0]
    st.markdown(
        f"Readers see run **{published.run_id}**, published {_moment(published.published_at)}."
        f" It holds everything accepted until {_moment(published.known_at)}."
        f" The report month is {words.month(report.month)}."
    )


def _attention(files: pandas.DataFrame, runs: pandas.DataFrame) -> None:
    """Says what waits for somebody."""
    held = files[files["status"] == "held"]
    if len(held):
        names = words.listed([words.plain(name) for name in sorted(set(held["file_name"]))])
        st.warning(
            f"**{numbers.count(len(held))} held:** {names}. Somebody has to"
            " approve or discard, because much would be withdrawn.",
            icon=":material/pan_tool:",
        )
    newest = runs.iloc[0] if len(runs) else None
    if newest is not None and newest["status"] == "refused":
        st.error(
            f"**Run {newest['run_id']} was refused by the checks:** {words.plain(newest['message'] or 'see Checks')}."
            " Readers still see the last good state.",
            icon=":material/block:",
        )


def _files(files: pandas.DataFrame) -> None:
    if signed_in().is_restricted:
        st.caption(SEES_SOME.format("Rows, amounts and messages of a file"))
        files = files[["file_id", "file_name", "feed", "status", "received_at", "effective_date"]]
    else:
        _fates(files)
        st.caption(
            "Rows and amounts of a loaded file: received = loaded + unchanged + rejected + duplicate; returns count"
            " negative. Superseded are rows of earlier files that this one withdrew or replaced."
        )
    has_messages = "message" in files and bool(files["message"].fillna("").str.len().any())
    sign = numbers.currency_prefix().strip()
    # why a file was refused, held or skipped stands beside the word, not behind all its figures
    first = ["file_name", "feed", "status", *(["message"] if has_messages else [])]
    st.dataframe(
        files,
        hide_index=True,
        placeholder="",
        key="files",
        column_order=first + [name for name in files if name not in (*first, "file_id", "message")],
        column_config={
            "file_name": "File",
            "feed": "Feed",
            "status": "Status",
            "received_at": st.column_config.DatetimeColumn("Received, UTC", format="D MMM YYYY, HH:mm"),
            "effective_date": st.column_config.DateColumn("Effective", format="D MMM YYYY"),
            **{
                f"rows_{fate}": st.column_config.NumberColumn(fate.capitalize(), format="localized")
                for fate in ("received", "loaded", "unchanged", "rejected", "duplicate", "superseded")
            },
            **{
                f"amount_{fate}": st.column_config.NumberColumn(f"{fate.capitalize()}, {sign}", format="%,.2f")
                for fate in ("received", "loaded", "unchanged", "rejected", "duplicate")
            },
            "message": st.column_config.TextColumn("Message", width=480),
        },
    )


def _fates(files: pandas.DataFrame) -> None:
    """Draws what became of the rows of the newest loaded files."""
    loaded = files[files["status"] == "loaded"]
    received = int(loaded["rows_received"].sum())
    rejected = int(loaded["rows_rejected"].sum())
    shown = loaded[loaded["rows_received"] > 0].head(FILES_IN_CHART).iloc[::-1]
    if len(shown):
        # half of it holds the legend where that is a list, as on a telephone
        chart = charts.figure(max(200, 90 + 26 * len(shown)), barmode="stack")
        # bars are told apart by their place: a file may be sent again under its name, with as many rows
        places = list(range(len(shown)))
        names = [f"{charts.text(row.file_name)} · {numbers.count(row.rows_received)}" for row in shown.itertuples()]
        for column, (name, colour) in FATES.items():
            chart.add_bar(
                x=100 * shown[column].astype(float) / shown["rows_received"].astype(float),
                y=places,
                name=name,
                orientation="h",
                marker_color=colour,
                customdata=[numbers.count(value) for value in shown[column]],
                hovertemplate="%{customdata} rows (%{x:.1f} %)",
            )
        chart.update_xaxes(ticksuffix=" %", range=[0, 100])
        chart.update_yaxes(tickvals=places, ticktext=names, showgrid=False, zeroline=False)
        charts.show(
            f"{numbers.share(rejected, received)} of {numbers.count(received)} rows received were rejected",
            f"Rows of the newest {len(shown)} loaded files by what became of them.",
            chart,
            "fates",
        )


def _rejects() -> None:
    found = ask_fresh(health.rejects)
    if found.empty:
        empty("No row of your customers is rejected." if signed_in().is_restricted else "No row is rejected.")
        return
    by_reason = found.groupby("reason")["records"].sum().sort_values()
    chart = charts.figure(60 + 26 * len(by_reason), showlegend=False)
    chart.add_bar(
        x=by_reason.tolist(),
        y=[REASONS.get(reason, reason) for reason in by_reason.index],
        orientation="h",
        marker_color=colours.FALL,
        text=[numbers.count(value) for value in by_reason],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:,.0f}<extra></extra>",
    )
    chart.update_xaxes(visible=False, range=[0, 1.15 * float(by_reason.max())])
    top = str(by_reason.index[-1])
    charts.show(
        f"{REASONS.get(top, top)} is the most frequent reason: {numbers.count(by_reason.iloc[-1])} rows",
        "Rows that are still rejected; a row with several reasons counts in each. A row whose customer, product, store"
        " or promotion was unknown is accepted by itself once the master brings it.",
        chart,
        "reasons",
    )
    st.markdown("**Take the rows away, correct them, send them again**")
    st.caption(
        "The file's own columns, then the reasons. Correct the rows of a sales file and put the file into the inbox"
        " under the name that it has: it adds to what is there. Where its name begins with rejects_, the contract knows"
        " no daily files: correct and send the whole file. Where the file had no line numbers, line_no says which"
        " line of its receipt a row is: leave it, but give a row that you move to another receipt a number that no line"
        " there has. A row whose receipt was missing stays in this list until its whole file is sent again. A master is"
        " sent again whole, because it stands for all its rows. Text that a spreadsheet would take for a formula, also"
        " after a separator within it, has an apostrophe in front."
    )
    _take_rejects(found.drop_duplicates("file_id"))


def _take_rejects(files: pandas.DataFrame) -> None:
    """Draws the choice of a file and the button that takes its rejects away: daily files may be hundreds."""
    is_kept_back = files["feed"].isin(health.PERSONAL_FEEDS) & (not signed_in().may_see_contact)
    if is_kept_back.any():
        names = words.listed([words.plain(name) for name in sorted(set(files.loc[is_kept_back, "file_name"]))])
        st.caption(f"Not offered, because the rows hold personal data, which you may not see: {names}.")
    names_by_id = dict(files.loc[~is_kept_back, ["file_id", "file_name"]].itertuples(index=False))
    if not names_by_id:
        return
    file_id = st.selectbox("File", list(names_by_id), format_func=names_by_id.__getitem__, key="rejects of", width=360)
    take_away.button(
        f"Rejects of {words.plain(names_by_id[file_id])}",
        f"rejects {file_id}",
        "rejects",
        partial(prepare_rejects, int(file_id)),
    )
    take_away.offered("rejects")


def _checks() -> None:
    run_id = ask_fresh(health.newest_audited_run)
    if run_id is None:
        empty("No run has been checked yet.")
        return
    found = ask_fresh(health.checks, run_id)
    counted = found["outcome"].value_counts()
    parts = [f"{numbers.count(counted[name])} {word.lower()}" for name, word in OUTCOMES.items() if name in counted]
    st.markdown(f"**Run {run_id}: {words.listed(parts)}**")
    st.caption(
        "Checks of the unpublished months, before readers see them. A failed one keeps them back, a warning does not."
    )
    # the sentence first: beside the outcome it is read on a telephone too
    columns = ["outcome", "message", "measured", "threshold", "failed_rows", "contract", "check_name", "severity"]
    if signed_in().is_restricted:
        st.caption(SEES_SOME.format("What was measured, failed rows and messages"))
        columns = [name for name in columns if name not in ("measured", "failed_rows", "message")]
    st.dataframe(
        found.assign(outcome=found["outcome"].map(OUTCOMES))[columns],
        hide_index=True,
        placeholder="",
        key="checks",
        column_config={
            "outcome": "Outcome",
            "contract": "About",
            "check_name": "Check",
            "severity": "Severity",
            "measured": st.column_config.NumberColumn("Measured", format="localized"),
            "threshold": "Threshold",
            "failed_rows": st.column_config.NumberColumn("Failed rows", format="localized"),
            "message": st.column_config.TextColumn("What was checked", width=600),
        },
    )


def _conservation() -> None:
    run_id = ask_fresh(health.newest_audited_run)
    found = ask_fresh(health.conservation, run_id) if run_id is not None else pandas.DataFrame()
    if run_id is None or found.empty:
        empty("No run has been checked yet.")
        return
    if not signed_in().is_restricted:
        _chain(ask_fresh(health.chain, run_id))
    broken = int((~found["is_ok"].astype(bool)).sum())
    st.markdown(
        f"**{numbers.count(len(found))} sums compared, "
        + (f"{numbers.count(broken)} do not agree**" if broken else "all agree**")
    )
    st.caption(
        "Nothing is lost or doubled between a file and a published total: a row received has one fate, and the money"
        f" of the accepted lines is the money of the published months. Run {run_id}."
    )
    _compared(found)


def _chain(steps: pandas.DataFrame) -> None:
    """Rows and money of all sales files on their way to the published months."""
    rows, amounts = (dict(zip(steps["step"], steps[column], strict=True)) for column in ("records", "amount"))
    lines, published = numbers.money(amounts["current"], 2), numbers.money(amounts["published_months"], 2)
    st.markdown(
        f"**Of {numbers.count(rows['received'])} sales rows received {numbers.count(rows['current'])} are current; "
        + (f"their {lines} are the money of the published months**" if lines == published else "")
        + (f"they sum to {lines}, the published months to {published}**" if lines != published else "")
    )
    waiting = rows["loaded"] - rows["superseded"] != rows["current"]
    st.caption(
        "All sales files from their arrival to what readers see; returns count negative."
        + (" Rows accepted since then move on with the next run." if waiting else "")
    )
    tables.show(
        pandas.DataFrame(
            {
                "Step": [STEPS[step] for step in steps["step"]],
                "Rows": ["" if pandas.isna(value) else numbers.count(value) for value in steps["records"]],
                "Money": [numbers.money(value, 2) for value in steps["amount"]],
            }
        )
    )


def _compared(found: pandas.DataFrame) -> None:
    """Both sides of one identity at a time, under their names; those that are broken come first."""
    broken = set(found["identity"][~found["is_ok"].astype(bool)])
    identity = st.selectbox(
        "What must agree",
        list(found["identity"].unique()),
        format_func=lambda name: f"{name} (does not agree)" if name in broken else name,
        key="identity",
    )
    shown = found[found["identity"] == identity].drop(columns="identity")
    shown = shown.assign(is_ok=shown["is_ok"].map({True: "Agrees", False: "Does not agree"}))
    if signed_in().is_restricted:
        st.caption(SEES_SOME.format("The sums themselves"))
        shown = shown.drop(columns=["left_value", "right_value"])
    # money is compared with money: where one side names an amount, both are
    is_money = "amount" in identity
    sign, number_format = (f", {numbers.currency_prefix().strip()}", "%,.2f") if is_money else ("", "localized")
    sides = zip(("left_value", "right_value"), identity.split(" = "), strict=True)
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="",
        key=f"conservation {identity}",
        column_config={
            "scope": "Where",
            **{
                column: st.column_config.NumberColumn(f"{side[:1].upper()}{side[1:]}{sign}", format=number_format)
                for column, side in sides
            },
            "is_ok": "Result",
        },
    )


def _runs(runs: pandas.DataFrame) -> None:
    _idle()
    if runs.empty:
        empty("Nothing has been built yet.")
        return
    st.markdown(f"**The newest {len(runs)} runs**" if len(runs) > 1 else "**The only run so far**")
    st.dataframe(
        runs.assign(
            kind=runs["kind"].replace(KINDS),
            status=runs["status"].replace(STATUSES),
            requested_by=runs["requested_by"].map(_asked_by, na_action="ignore"),
            # the status says it already
            message=runs["message"].where(runs["message"] != runs["status"], ""),
        ),
        hide_index=True,
        placeholder="",
        key="runs",
        column_config={
            "run_id": "Run",
            "kind": "What",
            "status": "Outcome",
            "requested_by": "Asked by",
            "started_at": st.column_config.DatetimeColumn("Started, UTC", format="D MMM YYYY, HH:mm"),
            "published_at": st.column_config.DatetimeColumn("Published, UTC", format="D MMM YYYY, HH:mm"),
            "known_at": st.column_config.DatetimeColumn("Known until, UTC", format="D MMM YYYY, HH:mm"),
            "report_month": st.column_config.DateColumn("Report month", format="MMM YYYY"),
            "message": "Message",
        },
    )
    _steps(runs)


def _idle() -> None:
    """Says how often there was nothing to build, in place of a line for each time."""
    looks = ask_fresh(health.idle_looks)
    if looks.last_at is None:
        return
    such = "the only such check" if looks.times == 1 else f"{numbers.count(looks.times)} such checks"
    since = " since the last publication" if current() else ""
    st.caption(f"Last checked {_moment(looks.last_at)} with nothing new to build: {such}{since}.")


def _asked_by(name: str) -> str:
    """Who asked for a run; Airflow's own ids say nothing to readers."""
    return "Airflow" if name.partition(" ")[0] in DAGS else name


def _steps(runs: pandas.DataFrame) -> None:
    published = current()
    choices = [int(run_id) for run_id in runs["run_id"]]
    if published and published.run_id not in choices:
        choices.append(published.run_id)
    run_id = st.selectbox(
        "Steps of run",
        choices,
        index=choices.index(published.run_id) if published else 0,
        format_func=lambda choice: f"{choice}, in force" if published and choice == published.run_id else str(choice),
        key="run",
        width=160,
    )
    steps = ask_fresh(health.steps, run_id)
    if steps.empty:
        empty("This run has noted no step yet.")
        return
    slowest = steps.loc[steps["seconds"].astype(float).idxmax()]
    chart = charts.figure(60 + 28 * len(steps), showlegend=False)
    chart.add_bar(
        x=steps["seconds"].astype(float)[::-1],
        y=steps["step"][::-1].map(charts.text),
        orientation="h",
        marker_color=colours.MAIN,
        text=[_step_text(row) for row in steps[::-1].itertuples()],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    chart.update_xaxes(visible=False, range=[0, 1.6 * float(steps["seconds"].max())])
    charts.show(
        f"The step “{words.plain(slowest['step'])}” took longest: {float(slowest['seconds']):,.1f} s",
        "Seconds of every step, its parts added up although they may run side by side"
        + (f". {SEES_SOME.format('Rows and bytes')}" if signed_in().is_restricted else ", with rows and bytes."),
        chart,
        "steps",
    )


def _step_text(row: Any) -> str:
    parts = [f"{float(row.seconds):,.2f} s"]
    if not pandas.isna(row.rows):
        parts.append(numbers.counted(int(row.rows), "row"))
    if not pandas.isna(row.bytes):
        parts.append(numbers.size(int(row.bytes)))
    return " · ".join(parts)


def _exports() -> None:
    """Draws who took which file away: all of them for administrators, one's own for everybody else."""
    user = signed_in()
    sees_all = user.role == "admin"
    found = ask_fresh(health.exports, None if sees_all else user.email, EXPORTS)
    if found.empty:
        empty(f"{'Nobody has' if sees_all else 'You have not'} taken a file away yet.")
        return
    st.markdown(
        f"**The newest {numbers.count(len(found))} exports**" if len(found) > 1 else "**The only export so far**"
    )
    st.caption(
        "Every list, summary and file of rejects that was taken away from these pages"
        + (", by whom." if sees_all else " by you.")
        + " The hash tells whether a file at hand is that one; the file beside each list says how to have it again."
    )
    st.dataframe(
        found.assign(
            filters=found["filters"].map(lambda filters: json.dumps(filters, ensure_ascii=False) if filters else "All"),
            channel=found["channel"].map(words.CHANNEL, na_action="ignore"),
        ),
        hide_index=True,
        placeholder="",
        key="exports",
        column_config={
            "exported_at": st.column_config.DatetimeColumn("When, UTC", format="D MMM YYYY, HH:mm"),
            "exported_by": "Who",
            "file_name": "File",
            "rows": st.column_config.NumberColumn("Rows", format="localized"),
            "month": st.column_config.DateColumn("Month", format="MMM YYYY"),
            "channel": "For a channel",
            "has_contact": st.column_config.CheckboxColumn("Contact data"),
            "filters": st.column_config.Column("What was asked for", width=300),
            "bytes": st.column_config.NumberColumn("Size", format="bytes"),
            "sha256": "SHA-256",
        },
    )


def _moment(moment: datetime) -> str:
    return f"{words.day(moment)} at {moment:%H:%M} UTC"


main()
