"""Brings the rows of one file into PostgreSQL as text: inspect, read_header, copy_rows, in this order.

Regular CSV passes in blocks that are only looked at, never taken apart row by row; memory does not grow with the file.
"""

from include.warehouse.reading.copy_rows import CopyOutcome, Place, copy_rows
from include.warehouse.reading.header import Header, read_header
from include.warehouse.reading.inspection import Inspection, begins_with, inspect

__all__ = ["CopyOutcome", "Header", "Inspection", "Place", "begins_with", "copy_rows", "inspect", "read_header"]
