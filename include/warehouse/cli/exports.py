"""Verbs for exports: customer lists and the Excel summary."""

from json import loads
from pathlib import Path
from typing import Annotated

import typer

from include.warehouse.cli.options import Json, Month, example
from include.warehouse.cli.ready import ready
from include.warehouse.console import answering

Out = Annotated[Path | None, typer.Option(help="The file to write; else a new one in exports/.")]

verbs = typer.Typer(help="Excel summary and customer lists.", no_args_is_help=True)


@verbs.command("customers", epilog=example("export customers --tier platinum --tier gold --opt-in email --format xlsx"))
def export_customers(
    month: Month = None,
    status: Annotated[list[str] | None, typer.Option(help="Activity status.")] = None,
    tier: Annotated[list[str] | None, typer.Option(help="Value tier.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="Lifecycle event.")] = None,
    segment: Annotated[list[str] | None, typer.Option(help="Segment.")] = None,
    opt_in: Annotated[list[str] | None, typer.Option(metavar="CHANNEL", help="Agreed to email, sms or phone.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="Customer group.")] = None,
    city: Annotated[list[str] | None, typer.Option(help="City.")] = None,
    store: Annotated[list[str] | None, typer.Option(help="Home store id.")] = None,
    search: Annotated[str | None, typer.Option(help="Part of an id or a name; one or two letters begin it.")] = None,
    contact: Annotated[bool, typer.Option("--contact", help="Add names, e-mail addresses and phone numbers.")] = False,
    file_format: Annotated[
        str | None, typer.Option("--format", help="csv or xlsx; else as the name of --out ends, else csv.")
    ] = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Write the customers of a month that match every filter; an option given twice matches either value."""
    from include.warehouse.customer_filter import CustomerFilter
    from include.warehouse.export_customers import export_customers as write_list

    with answering(json) as answer:
        filters = CustomerFilter(
            month=month,
            status=status or (),
            tier=tier or (),
            event=event or (),
            segment=segment or (),
            opt_in=opt_in or (),
            customer_group=group or (),
            city=city or (),
            home_store_id=store or (),
            search=search,
        )
        path = write_list(ready(), filters, file_format, out, contact=contact)
        about = path.with_name(f"{path.name}.about.json")
        answer.give({"file": str(path), "rows": loads(about.read_text(encoding="utf-8"))["rows"], "about": str(about)})


@verbs.command("summary", epilog=example("export summary --month 2025-11 --out summary.xlsx"))
def export_summary(month: Month = None, out: Out = None, json: Json = False) -> None:
    """Write the Excel summary of a month."""
    from include.warehouse.summary import write_summary

    with answering(json) as answer:
        path = write_summary(ready(), month, out)
        answer.give({"file": str(path), "bytes": path.stat().st_size})
