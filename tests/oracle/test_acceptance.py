"""What becomes of rows, files and masters in cases small enough to work out by hand."""

from collections.abc import Mapping
from datetime import date

import pytest

from .model import FileResult, Oracle, ReceivedFile

TODAY = date(2024, 6, 30)
HEADER = "transaction_id,line_no,transaction_date,customer_id,product_id,quantity,unit_price,store_id,transaction_type"
MASTERS = {
    "customers_2020-01-01.csv": "customer_id,city\nC1,Lima\nC2,Quito\n",
    "products_2020-01-01.csv": "product_id,product_type\nP1,consumable\nP2,device\n",
}


def load(oracle: Oracle, name: str, text: str, *, approved: bool = True, effective: date | None = None) -> FileResult:
    return oracle.load(ReceivedFile(name, text.encode(), TODAY, effective), approved=approved)


def opened(files: Mapping[str, str] = MASTERS) -> Oracle:
    oracle = Oracle()
    for name, text in files.items():
        load(oracle, name, text)
    return oracle


def sales(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


def line(transaction: str, *, day: str = "2024-01-05", customer: str = "C1", price: str = "10") -> str:
    return f"{transaction},1,{day},{customer},P1,1,{price},,"


def lines(oracle: Oracle) -> dict[str, str]:
    """transaction_id → net_amount of the current lines."""
    frame = oracle.sale_lines()
    return dict(zip(frame["transaction_id"], map(str, frame["net_amount"]), strict=True))


def fates(result: FileResult) -> tuple[int, int, int, int, int]:
    return (
        result.rows_loaded,
        result.rows_unchanged,
        result.rows_rejected,
        result.rows_duplicate,
        result.rows_superseded,
    )


@pytest.mark.parametrize(
    ("row", "reasons"),
    [
        (
            ",,,,,,,,sale",
            "missing_transaction_id missing_customer_id missing_product_id invalid_date invalid_number",
        ),
        ("T1,1,2023-12-31,C1,P1,1,1,,", "date_outside_period"),
        ("T1,1,2024-07-01,C1,P1,1,1,,", "future_date"),
        ("T1,1,2025-07-01,C1,P1,1,1,,", "date_outside_period future_date"),
        ("T1,1.5,2024-01-01,C1,P1,1,1,,", "invalid_number"),
        ("T1,,2024-01-01,C1,P1,1,1,,", "invalid_number"),
        ("T1,1,2024-01-01,C1,P1,0,1,,return", "non_positive_quantity"),
        ("T1,1,2024-01-01,C1,P1,-1,-1,,", "non_positive_quantity negative_price"),
        ("T1,1,2024-01-01,C1,P1,1,1,,gift", "invalid_transaction_type"),
        ("T1,1,2024-01-01,C9,P9,1,1,S1,", "unknown_customer unknown_product"),  # no stores file was ever loaded
        ("T1,1,2024-01-01,C9", "wrong_column_count"),
        ("T1,1,2024-01-01,C9,P1,\0,1,,", "undecodable"),
    ],
)
def test_reasons(row: str, reasons: str) -> None:
    oracle = opened()
    load(oracle, "sales_2024.csv", sales(row))
    assert oracle.rejected_records()["reasons"].tolist() == [tuple(reasons.split())]


def test_line_numbers_count_physical_lines_and_duplicates_leave_the_last() -> None:
    oracle = opened()
    text = "transaction_id,transaction_date,customer_id,product_id,quantity,unit_price,note\n"
    text += 'T1,2024-01-01,C1,P1,1,5,"two\nlines"\n,,,,,,\nT1,2024-01-01,C9,P1,1,6,\nT1,2024-01-01,C1,P1,1,7,\n'
    result = load(oracle, "sales_2024.csv", text)
    assert fates(result) == (2, 0, 1, 0, 0)
    assert oracle.sale_lines()["line_no"].tolist() == [1, 3]
    assert oracle.rejected_records()["line_number"].tolist() == [5]
    result = load(oracle, "sales_2024-01-01.csv", sales(line("T9", price="1"), line("T9", price="2")))
    assert fates(result) == (1, 0, 0, 1, 0)
    assert lines(oracle)["T9"] == "2.00"


def test_a_resent_year_supersedes_line_by_line_and_a_delta_withdraws_nothing() -> None:
    oracle = opened()
    load(oracle, "sales_2024.csv", sales(line("T1"), line("T2"), line("T3")))
    again = load(oracle, "sales_2024_v2.csv", sales(line("T1"), line("T2", price="11"), line("T3", price="x")))
    assert fates(again) == (1, 1, 1, 0, 2)  # the unacceptable row does not keep its old line
    assert lines(oracle) == {"T1": "10.00", "T2": "11.00"}
    delta = load(oracle, "sales_2024-02-01.csv", sales(line("T1", price="x"), line("T4", day="2023-05-05")))
    assert fates(delta) == (1, 0, 1, 0, 0)
    assert lines(oracle) == {"T1": "10.00", "T2": "11.00", "T4": "10.00"}


def test_parts_withdraw_only_what_they_brought() -> None:
    oracle = opened()
    load(oracle, "sales_2024_part1.csv", sales(line("T1"), line("T2")))
    load(oracle, "sales_2024_part2.csv", sales(line("T2"), line("T3")))  # T2 now belongs to part 2, though unchanged
    load(oracle, "sales_2024-02-01.csv", sales(line("T1"), line("T4")))  # the delta leaves T1 to part 1
    assert fates(load(oracle, "sales_2024_part1.csv", sales(line("T5")))) == (1, 0, 0, 0, 1)
    assert sorted(lines(oracle)) == ["T2", "T3", "T4", "T5"]
    assert fates(load(oracle, "sales_2024.csv", sales(line("T2")))) == (0, 1, 0, 0, 3)


def test_rejects_come_back_when_their_ids_become_known() -> None:
    oracle = opened()
    file = load(
        oracle,
        "sales_2024.csv",
        sales(line("T1", customer="C3"), line("T2", customer="C3"), line("T2", customer="C4"), line("T3")),
    )
    assert fates(file) == (1, 0, 3, 0, 0)
    load(oracle, "sales_2024-01-02.csv", sales(line("T1", price="x")))  # the key came again, if in vain
    load(oracle, "customers_2024-01-01.csv", "customer_id\nC1\nC2\nC3\nC4\n")
    assert fates(file) == (2, 0, 1, 1, 0)
    assert file.amount_loaded_cents == 2000
    frame = oracle.sale_lines()
    assert dict(zip(frame["transaction_id"], frame["customer_id"], strict=True)) == {"T2": "C4", "T3": "C1"}
    assert oracle.rejected_records()["resolved_by"].tolist() == [
        "sales_2024-01-02.csv",
        "customers_2024-01-01.csv",
        "customers_2024-01-01.csv",
        None,
    ]


def test_repeated_files_are_skipped_while_they_are_in_force() -> None:
    oracle = opened()
    first, second = sales(line("T1")), sales(line("T1", price="11"))
    statuses = [load(oracle, "sales_2024.csv", text).status for text in (first, first, second, first, first)]
    assert statuses == ["loaded", "skipped", "loaded", "loaded", "skipped"]
    load(oracle, "sales_2024-01-05.csv", sales(line("T2")))
    assert load(oracle, "sales_2024.csv", first).status == "loaded"  # a delta had touched the year
    assert load(oracle, "customers_2021-01-01.csv", MASTERS["customers_2020-01-01.csv"]).status == "skipped"


def test_the_shrink_guard_holds_more_than_five_percent() -> None:
    oracle = opened()
    rows = [line(f"T{i}") for i in range(20)]
    load(oracle, "sales_2024.csv", sales(*rows), approved=False)
    assert load(oracle, "sales_2024.csv", sales(*rows[1:]), approved=False).status == "loaded"  # 1 of 20
    held = load(oracle, "sales_2024.csv", sales(*rows[3:]), approved=False)
    assert (held.status, fates(held), len(lines(oracle))) == ("held", (0, 0, 0, 0, 0), 19)
    later = load(oracle, "sales_2024_v3.csv", sales(*rows[4:]), approved=False)
    assert (held.status, later.status) == ("discarded", "held")
    oracle.approve("sales_2024_v3.csv")
    assert (later.status, len(lines(oracle))) == ("loaded", 16)
    assert load(oracle, "customers_2022-01-01.csv", "customer_id\nC1\n", approved=False).status == "held"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sales_2024.csv", b""),
        ("sales_2024.csv", b"transaction_id\nT1\n"),
        ("customers.csv", "customer_id,City,cíty\nC1,a,b\n".encode()),
        ("customers.csv", b"customer_id\n" + b"x" * 1_100_000 + b"\n"),
        ("customers.xlsx", b"PK\x03\x04 no workbook"),
        ("suppliers.csv", b"supplier_id\n1\n"),
    ],
)
def test_unusable_files_are_refused_whole(name: str, content: bytes) -> None:
    oracle = opened()
    result = oracle.load(ReceivedFile(name, content, TODAY))
    assert (result.status, name in result.message, fates(result)) == ("refused", True, (0, 0, 0, 0, 0))


def test_pending_files_are_taken_masters_first() -> None:
    names = ["sales_2024-01-02.csv", "sales_2024.csv", "sales_2024-01-01.csv", *reversed(MASTERS)]
    texts = MASTERS | {name: sales(line(name)) for name in names if name.startswith("sales")}
    oracle = Oracle()
    oracle.load_batch(ReceivedFile(name, texts[name].encode(), TODAY) for name in names)
    assert oracle.source_files()["file_name"].tolist() == [*names[:2:-1][::-1], names[1], names[2], names[0]]
    assert len(lines(oracle)) == 3


def test_master_versions_by_effective_date() -> None:
    oracle = opened(MASTERS | {"sales_2024.csv": sales(*(line(f"T{m}", day=f"2024-0{m}-15") for m in range(1, 6)))})
    head = "customer_id,city,opt_in_email\n"
    load(oracle, "customers_2024-04-10.csv", head + "C1,April,1\n")  # C2 is closed
    load(oracle, "customers_2024-02-10.csv", head + "C1,February,1\nC2,February,1\n")  # late: fills up to April
    load(oracle, "customers_2024-03-10.csv", head + "C1,wrong,1\nC2,wrong,1\n")
    load(oracle, "customers_2024-03-10.csv", head + "C1,March,1\nC2,March,1\n")  # of one date the last one counts
    load(oracle, "customers_2020-01-01.csv", head + "C1,first,\nC2,first,1\nC5,first,1\n")
    oracle.publish()
    frame = oracle.snapshot().pivot(index="customer_id", columns="month", values="city")
    assert frame.loc["C1"].tolist() == ["first", "February", "March", "April", "April"]
    rows = oracle.snapshot().set_index("customer_id").loc["C1"]
    assert rows["is_in_master"].all()
    assert oracle.customers().set_index("customer_id").loc["C2"].to_dict() == {
        "city": "March",
        "opt_in_email": None,
        "is_in_master": False,
        **dict.fromkeys(
            ("full_name", "email", "phone", "customer_group", "home_store_id", "registration_date", "opt_in_sms")
        ),
        **dict.fromkeys(("opt_in_phone", "responsible_email")),
    }
