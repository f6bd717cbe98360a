"""Writes one list in a process of its own, started by dashboard/data/export.py.

An order as JSON comes by standard input; the outcome, or why there is none in words for the reader, goes by standard
output.
"""

import json
import sys

from sqlalchemy.exc import DBAPIError

from dashboard.data.export import REFUSED, write_ordered
from include.warehouse.errors import WarehouseError
from include.warehouse.wording import failures

if __name__ == "__main__":
    try:
        outcome = write_ordered(json.load(sys.stdin))
    except DBAPIError as error:
        outcome = {REFUSED: " ".join(failures.explained(error.orig))}
    except (WarehouseError, ValueError, OSError) as error:
        outcome = {REFUSED: str(error)}
    json.dump(outcome, sys.stdout)
