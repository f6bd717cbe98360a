"""Three years of the sample against the oracle: a first publication, then another year, a correction and a recut."""

from pathlib import Path

import pytest

from include.warehouse.sample import write_sample
from include.warehouse.settings import Settings
from tests.oracle.agreement import assert_equal_results
from tests.oracle.files import RECEIVED_ON, ReceivedFile
from tests.oracle.model import Oracle
from tests.oracle.warehouse import RealWarehouse
from tests.oracle.worlds import Arrival, Event, Publication

CUSTOMERS = 1_500


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The sample's files by name."""
    folder: Path = tmp_path_factory.mktemp("sample")
    return {path.name: path.read_bytes() for path in write_sample(folder, customers=CUSTOMERS, months=36, seed=7)}


def test_sample_year_by_year(fresh_warehouse: Settings, sample: dict[str, bytes]) -> None:
    def arrive(name: str, content: bytes | None = None) -> Arrival:
        return Arrival(ReceivedFile(name, content or sample[name], RECEIVED_ON))

    masters = [arrive(name) for name in sorted(sample) if not name.startswith("sales")]
    corrected = sample["sales_2024.csv"].replace(b",1,2024-03-", b",2,2024-03-", 40)
    events: list[Event] = [
        *masters,
        arrive("sales_2023.csv"),
        arrive("sales_2024.csv"),
        Publication(),
        arrive("sales_2025.csv"),
        Publication(),
        arrive("sales_2024_corrected.csv", corrected),
        Publication(),
        Publication(recut=True),
    ]
    oracle, real = Oracle(), RealWarehouse(fresh_warehouse)
    for event in events:
        event.happen(oracle)
        event.happen(real)
        if isinstance(event, Publication):
            assert_equal_results(oracle, real)
