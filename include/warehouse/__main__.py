"""`python -m include.warehouse VERB`."""

from include.warehouse.cli import app

app(prog_name="python -m include.warehouse")
