"""Writes one list in a process of its own, started by dashboard/data/export.py.

An order as JSON comes by standard input, the outcome goes by standard output.
"""

import json
import sys

from sqlalchemy.exc import SQLAlchemyError

from dashboard.data.export import write_ordered
from include.warehouse.errors import WarehouseError

if __name__ == "__main__":
    try:
        json.dump(write_ordered(json.load(sys.stdin)), sys.stdout)
    except (WarehouseError, SQLAlchemyError, ValueError, OSError) as error:
        sys.exit(str(error))
