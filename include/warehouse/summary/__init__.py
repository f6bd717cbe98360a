"""The Excel summary of a month: what marketing reads, with what it takes to check every number of it.

The figures come from SQL alone (*_queries.py); the sheets say what is placed where (*_sheets.py).
"""

from include.warehouse.summary.book import summary_path, write_book, write_summary
from include.warehouse.summary.figures import read_figures

__all__ = ["read_figures", "summary_path", "write_book", "write_summary"]
