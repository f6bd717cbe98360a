"""Whether the warehouse has accepted what the oracle says."""

from .compare import assert_same
from .model import Oracle
from .warehouse import RealWarehouse

# words are not compared; a row as received is the reader's test
WITHOUT_WORDS = ["message", "received_at", "rejected_at", "raw_row"]


def assert_accepted_alike(oracle: Oracle, real: RealWarehouse) -> None:
    """Every file's counts and money, every reject with its reasons and who resolved it, every current line."""
    assert_same(
        oracle.source_files().drop(columns=WITHOUT_WORDS, errors="ignore").reset_index(names="number"),
        real.frame("source_file order by file_id").reset_index(names="number"),
        ["number"],
    )
    assert_same(
        oracle.rejected_records().drop(columns=WITHOUT_WORDS, errors="ignore"),
        real.frame("rejected_records"),
        ["file_name", "line_number"],
    )
    assert_same(oracle.sale_lines(), real.frame("sale_line"), ["transaction_id", "line_no"])
