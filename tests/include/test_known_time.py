"""Known time: a month as it was known then, what was published from when until when, and a recut as a new beginning."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from include.warehouse import refresh, steps
from include.warehouse.database import engine
from include.warehouse.errors import InputError
from include.warehouse.load import approve, load_files
from include.warehouse.sample import write_sample
from include.warehouse.settings import Settings
from tests.fixtures.corrections import write_correction, write_until
from tests.fixtures.mart_rows import ACCEPTED, assert_same_rows, mart_rows

# Soda's own use of what it calls deprecated
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:soda_core", "ignore::DeprecationWarning:soda_postgres"
)

Key = tuple[date, str]


@dataclass(frozen=True)
class Published:
    """A publication, and a copy of every row that readers saw of it (without its run)."""

    run_id: int
    published_at: datetime
    known_at: datetime
    rows: dict[Key, str]

    def of(self, month: date) -> dict[Key, str]:
        """The rows of one month."""
        return {key: row for key, row in self.rows.items() if key[0] == month}


@dataclass(frozen=True)
class Told:
    """A warehouse, the files it was given in order, and what it published in between."""

    settings: Settings
    files: list[Path]
    publications: list[Published]


@pytest.fixture(scope="module")
def told(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Told]:
    """Six publications: an open month, more months, corrections of all kinds, a recut, a month taken away, a recut."""
    folder = tmp_path_factory.mktemp("told")
    sample = {path.stem: path for path in write_sample(folder / "sample", customers=120, months=12, seed=11)}
    customers = sorted(stem for stem in sample if stem.startswith("customers"))
    products = sorted(stem for stem in sample if stem.startswith("products"))
    others = [path for stem, path in sample.items() if stem.startswith(("stores", "promotions"))]
    year = sample["sales_2025"]
    for number, stem in enumerate(customers):
        # N1 becomes known by a registration in the last file, N2 never
        registered = "2025-04-10" if number == 2 else ""
        with sample[stem].open("a", encoding="utf-8") as file:
            file.write(
                f"N1,Nobody Known,,,Madrid,,,{registered},,,,\n" + "N2,Nobody Known,,,Madrid,,,,,,,\n" * (number > 0)
            )

    batches = [
        [
            *others,
            sample[customers[0]],
            sample[products[0]],
            write_until(year, folder / "1/sales_2025.csv", "2025-05-20"),
        ],
        [sample[customers[1]], sample[products[1]], write_until(year, folder / "2/sales_2025.csv", "2025-10-31")],
        [
            sample[customers[2]],
            write_other_types(sample[products[0]], folder / "3/products_2025-03-01.csv"),
            write_correction(year, folder / "3/sales_2025.csv", every=20),
        ],
        [],
        [write_until(year, folder / "5/sales_2025.csv", "2025-11-20")],
        [],
    ]
    with passing_warehouse() as settings:
        story = Told(settings, [], [])
        for batch in batches:
            for path in batch:
                accept(settings, path)
                story.files.append(path)
            assert steps.refresh(settings, recut=not batch).is_published
            story.publications.append(copy_published(settings))
        yield story


def write_other_types(source: Path, target: Path) -> Path:
    """A products file in which every third product has changed between consumable and device."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = source.read_text(encoding="utf-8").splitlines()
    swapped = {"consumable": "device", "device": "consumable"}
    for number in range(1, len(lines), 3):
        fields = lines[number].split(",")
        if len(fields) == 6:
            fields[4] = swapped.get(fields[4], fields[4])
            lines[number] = ",".join(fields)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


def accept(settings: Settings, path: Path) -> None:
    result = load_files(settings, [path])[-1]
    if result.status == "held":
        result = approve(settings, path.name)
    assert result.status == "loaded", result.message


def rows_of(settings: Settings, table: str, condition: str = "true", **values: object) -> dict[Key, str]:
    """Rows of a snapshot table by month and customer, as JSON text without the run."""
    with engine(settings).connect() as connection:
        found = connection.execute(
            text(f"select month, customer_id, (to_jsonb(s) - 'run_id')::text from {table} s where {condition}"), values
        )
        return {(month, customer_id): row for month, customer_id, row in found}


def copy_published(settings: Settings) -> Published:
    with engine(settings).connect() as connection:
        run = connection.execute(
            text("select run_id, published_at, known_at from mart.publication order by run_id desc limit 1")
        ).one()
    return Published(*run, rows=rows_of(settings, "crm.snapshot"))


@pytest.mark.parametrize(
    ("publication", "month"),
    [
        (0, date(2025, 2, 1)),
        (0, date(2025, 5, 1)),
        (1, date(2025, 8, 1)),
        (1, date(2025, 10, 1)),
        (3, date(2025, 4, 1)),
        (3, date(2025, 12, 1)),
    ],
)
def test_a_rebuilt_month_is_what_was_published_then(told: Told, publication: int, month: date) -> None:
    """Only months whose cut points that publication computed: later corrections meet frozen ones."""
    then = told.publications[publication]
    answer = refresh.rebuild(told.settings, month, then.known_at)
    rebuilt = rows_of(
        told.settings,
        "crm.snapshot_unpublished",
        "run_id = :run_id and month = :month",
        run_id=answer["run_id"],
        month=month,
    )
    assert rebuilt == then.of(month)
    assert answer["rows"] == len(rebuilt) > 0
    now = told.publications[-1].of(month)
    assert answer["rows_differing"] == sum(rebuilt.get(key) != now.get(key) for key in rebuilt.keys() | now.keys()) > 0
    assert copy_published(told.settings) == told.publications[-1], "a rebuild publishes nothing"


def test_a_month_that_was_not_known_cannot_be_rebuilt(told: Told) -> None:
    with pytest.raises(InputError, match="2025-06 was not known"):
        refresh.rebuild(told.settings, date(2025, 6, 1), told.publications[0].known_at)


def test_a_rebuild_waits_for_a_load_and_knows_nothing_of_times_to_come(told: Told) -> None:
    known_at = told.publications[0].known_at
    with pytest.raises(InputError, match="is still to come"):
        refresh.rebuild(told.settings, date(2025, 5, 1), datetime.now(UTC) + timedelta(days=1))
    with engine(told.settings).connect() as loading, engine(told.settings).connect() as planning:
        loading.execute(text("select pg_advisory_xact_lock(ops.lock_key('load'))"))
        planning.execute(text("set local lock_timeout = '50ms'"))
        with pytest.raises(OperationalError, match="lock timeout"):
            planning.execute(text("select crm.plan_rebuild('2025-05-01', :known_at)"), {"known_at": known_at})
        planning.rollback()


def test_history_says_what_was_published_from_when_until_when(told: Told) -> None:
    """Against the copies: every stretch of publications in which a row was the same, and which ended."""
    expected = []
    for key in {key for publication in told.publications for key in publication.rows}:
        seen = [(publication.rows.get(key), publication) for publication in told.publications]
        stretches = [(row, next(same)[1]) for row, same in groupby(seen, key=lambda pair: pair[0])]
        expected += [
            (row, begin.published_at, end.published_at, begin.run_id, end.run_id)
            for (row, begin), (_, end) in pairwise(stretches)
            if row is not None
        ]
    of_history = "array['run_id', 'published_from', 'published_until', 'replaced_by']"
    with engine(told.settings).connect() as connection:
        kept = connection.execute(
            text(
                f"select (to_jsonb(h) - {of_history})::text, published_from, published_until, run_id, replaced_by"
                " from crm.snapshot_history h"
            )
        ).all()
    assert len(kept) > 1000
    assert sorted(tuple(row) for row in kept) == sorted(expected)


def test_a_recut_of_all_months_is_a_new_beginning(told: Told, fresh_warehouse: Settings) -> None:
    for path in told.files:
        accept(fresh_warehouse, path)
    assert steps.refresh(fresh_warehouse).is_published
    for view in (*ACCEPTED, "cut_point"):
        assert_same_rows(mart_rows(told.settings, view), mart_rows(fresh_warehouse, view), view)

    first_seen = {"N2": date(2025, 10, 31)}
    ours, theirs = told.publications[-1], copy_published(fresh_warehouse)
    assert {row for key, row in ours.rows.items() if key[1] not in first_seen} == {
        row for key, row in theirs.rows.items() if key[1] not in first_seen
    }
    # known by neither registration nor transaction: from the publication after they were accepted
    assert sorted(month for month, customer_id in ours.rows if customer_id == "N2") == [
        date(2025, 10, 1),
        date(2025, 11, 1),
    ]
    assert [month for month, customer_id in theirs.rows if customer_id == "N2"] == [date(2025, 11, 1)]
    assert min(month for month, customer_id in ours.rows if customer_id == "N1") == date(2025, 4, 1)
