"""Files go through a real COPY; what arrives is compared with what was written, not with another reader."""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from pathlib import Path

import openpyxl
import psycopg2
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg2 import extensions
from sqlalchemy.engine import make_url

from include.warehouse import server
from include.warehouse.contracts import Contract, load_contracts
from include.warehouse.errors import InputError
from include.warehouse.reading import CopyOutcome, Header, Place, begins_with, copy_rows, inspect, read_header
from include.warehouse.reading.excel_sheet import sheet_rows
from include.warehouse.reading.no_value import NoValue
from include.warehouse.settings import Settings, load_settings

FILE_ID = 9_000_000
TABLE = "raw.reading_test"
STORES = ["store_id", "store_name", "city", "region"]
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def connection(warehouse: Settings) -> Iterator[extensions.connection]:
    """A connection whose transactions no test commits."""
    url = make_url(server.ensure_running(warehouse)).set(drivername="postgresql")
    opened = psycopg2.connect(url.render_as_string(hide_password=False))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    """The contracts as they are shipped."""
    return load_contracts(load_settings())


@pytest.fixture
def stores(contracts: dict[str, Contract]) -> Contract:
    """A feed of four text columns."""
    return contracts["stores"]


@dataclass
class Arrived:
    """What a file became: line → fields, line → (reason, text)."""

    rows: list[tuple[int, tuple[str | None, ...]]]
    unreadable: list[tuple[int, str, str]]
    outcome: CopyOutcome
    header: Header
    encoding: str


def bring(
    connection: extensions.connection,
    path: Path,
    contract: Contract,
    block_size: int = 1 << 22,
    encoding: str = "auto",
    *,
    after: Place | None = None,
) -> Arrived:
    """Reads the file into an empty table and gives what is there afterwards; everything is rolled back."""
    inspection = inspect(path, encoding)
    header = read_header(path, contract, inspection)
    columns = [column for _, column in header.column_map]
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                f"create table {TABLE} (file_id bigint default {FILE_ID},"
                f" row_number bigint generated always as identity (start with {after.rows + 1 if after else 1}),"
                f" {', '.join(f'{name} text' for name in columns)})"
            )
            outcome = copy_rows(cursor, path, contract, inspection, header, TABLE, FILE_ID, block_size, after)
            cursor.execute(
                f"select t.row_number + (select shift from raw.line_shift s"
                f" where s.file_id = t.file_id and s.from_row_number <= t.row_number"
                f" order by s.from_row_number desc limit 1), {', '.join(columns)}"
                f" from {TABLE} t order by t.row_number"
            )
            rows = [(line, tuple(fields)) for line, *fields in cursor.fetchall()]
            cursor.execute(
                "select line_number, reason, raw_text from raw.unreadable_row where file_id = %s order by line_number",
                [FILE_ID],
            )
            unreadable = cursor.fetchall()
    finally:
        connection.rollback()
    return Arrived(rows, unreadable, outcome, header, inspection.encoding)


# CSV of any content, in blocks of any size


@dataclass(frozen=True)
class Written:
    """One record as it is written: the fields and whether each is quoted."""

    fields: tuple[str, ...]
    quoted: tuple[bool, ...]

    def text(self, delimiter: str) -> str:
        """The record in CSV; a field that would be read otherwise without quotes gets them in any case."""
        parts = []
        for value, quoted in zip(self.fields, self.quoted, strict=True):
            needed = value.startswith('"') or any(mark in value for mark in (delimiter, "\n", "\r"))
            parts.append('"' + value.replace('"', '""') + '"' if quoted or needed else value)
        return delimiter.join(parts)


@dataclass
class File:
    """A CSV file with all that may be expected of it."""

    width: int
    delimiter: str
    line_end: str
    encoding: str
    byte_order_mark: bool
    ends_with_line_end: bool
    records: list[Written] = field(default_factory=list)

    def content(self) -> bytes:
        header = self.delimiter.join([*STORES, "note"][: self.width])
        text = self.line_end.join([header, *(record.text(self.delimiter) for record in self.records)])
        mark = b"\xef\xbb\xbf" if self.byte_order_mark else b""
        return mark + self.bytes_of(text + (self.line_end if self.ends_with_line_end else ""))

    def bytes_of(self, text: str) -> bytes:
        codec = self.encoding
        # a lone surrogate stands for a byte that is no text
        return b"".join(
            bytes([ord(letter) - 0xDC00]) if 0xDC80 <= ord(letter) <= 0xDCFF else letter.encode(codec)
            for letter in text
        )

    def expected(self) -> tuple[list[tuple[int, tuple[str | None, ...]]], list[tuple[int, str, str]]]:
        rows: list[tuple[int, tuple[str | None, ...]]] = []
        unreadable = []
        line = 2
        for record in self.records:
            text = with_newlines(record.text(self.delimiter))
            is_undecodable = any(letter == "\0" or 0xDC80 <= ord(letter) <= 0xDCFF for letter in text)
            is_empty = set(text) <= {*' \t\n"', self.delimiter}
            if is_undecodable or (len(record.fields) != self.width and not is_empty):
                shown = self.bytes_of(text).decode(self.encoding, "backslashreplace").replace("\0", "\\x00")
                unreadable.append((line, "undecodable" if is_undecodable else "wrong_column_count", shown))
            elif text and len(record.fields) == self.width:
                rows.append((line, tuple(with_newlines(value) or None for value in record.fields)))
            line += 1 + text.count("\n")
        return rows, unreadable


def with_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@st.composite
def csv_files(draw: st.DrawFn) -> File:
    """Files with quotes anywhere, newlines in fields, ragged and blank records, bytes that are no text."""
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "cp1252"]))
    delimiter = draw(st.sampled_from([",", ";", "\t"]))
    alphabet = [*'ab",;\t \n\r\\.é€', "\0", "\udc81"] + (["漢", "🎁"] if encoding == "utf-8" else [])
    has_dirt = draw(st.booleans())
    values = st.text(st.sampled_from(alphabet if has_dirt else [*'ab",;\t \n\\.é']), max_size=6)
    width = draw(st.sampled_from([1, 2, 2, 3, 5]))
    is_regular = draw(st.sampled_from([True, True, False]))

    @st.composite
    def records(draw: st.DrawFn) -> Written:
        count = draw(st.sampled_from([width] * 6 + [0, 1, width + 1])) if has_dirt else width
        fields = tuple(draw(values) for _ in range(count))
        return Written(fields, tuple(draw(st.booleans()) or (is_regular and '"' in value) for value in fields))

    return File(
        width=width,
        delimiter=delimiter,
        line_end=draw(st.sampled_from(["\n", "\n", "\r\n", "\r"])),
        encoding=encoding,
        byte_order_mark=encoding == "utf-8" and draw(st.booleans()),
        ends_with_line_end=draw(st.booleans()),
        records=draw(st.lists(records(), max_size=12)),
    )


def plain_file(*records: tuple[str, ...], width: int = 2) -> File:
    written = [Written(fields, tuple(False for _ in fields)) for fields in records]
    return File(width, ",", "\n", "utf-8", byte_order_mark=False, ends_with_line_end=True, records=written)


@hypothesis_settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=csv_files(), block_size=st.sampled_from([1, 7, 40, 1 << 22, 1 << 22, 1 << 22]))
@example(file=plain_file(("\\.",), ("1",), width=1), block_size=1 << 22)
@example(file=plain_file(("\\.", ""), ("", ""), ("1", "2")), block_size=1 << 22)
@example(file=plain_file(("1", "a"), ("\0", "b"), ("\udc81", "c"), ("4", "d")), block_size=1 << 22)
@example(file=plain_file(("1", '5" pipe'), ("2", '4" pipe'), ("3", "none")), block_size=12)
@example(file=plain_file(("1", "two\nlines"), (), ("2", "b"), ("x",), ("3", "c")), block_size=7)
def test_every_record_arrives_as_written_with_its_line_number(
    file: File, block_size: int, connection: extensions.connection, stores: Contract, tmp_path: Path
) -> None:
    path = tmp_path / "stores.csv"
    path.write_bytes(file.content())
    # the delimiter cannot be told from a header of one column
    contract = stores.model_copy(update={"delimiter": "tab" if file.delimiter == "\t" else file.delimiter})
    arrived = bring(connection, path, contract, block_size, file.encoding)
    rows, unreadable = file.expected()
    assert arrived.rows == rows
    assert arrived.unreadable == unreadable
    assert (arrived.outcome.rows, arrived.outcome.unreadable) == (len(rows), len(unreadable))


@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    file=csv_files().filter(lambda file: file.line_end.endswith("\n")),
    records=st.integers(0, 12),
    known_rows=st.integers(0, 12),
    block_size=st.sampled_from([7, 1 << 22]),
)
def test_what_follows_another_file_arrives_as_in_the_whole(
    *,
    file: File,
    records: int,
    known_rows: int,
    block_size: int,
    connection: extensions.connection,
    stores: Contract,
    tmp_path: Path,
) -> None:
    contract = stores.model_copy(update={"delimiter": "tab" if file.delimiter == "\t" else file.delimiter})
    earlier = replace(file, records=file.records[:records], ends_with_line_end=True)
    whole = replace(file, ends_with_line_end=True)
    path = tmp_path / "stores.csv"
    path.write_bytes(earlier.content())
    end = bring(connection, path, contract, block_size, file.encoding).outcome.lines
    size, digest = path.stat().st_size, inspect(path).sha256
    path.write_bytes(whole.content())
    assert begins_with(path, size, digest)

    place = Place(bytes=size, lines=end, rows=known_rows)
    arrived = bring(connection, path, contract, block_size, file.encoding, after=place)
    rows, unreadable = whole.expected()
    earlier_rows, earlier_unreadable = earlier.expected()
    assert arrived.rows == rows[len(earlier_rows) :]
    assert arrived.unreadable == unreadable[len(earlier_unreadable) :]
    assert arrived.outcome.rows == len(rows) - len(earlier_rows)


def test_a_file_begins_with_another_where_that_one_ends_with_a_line(tmp_path: Path) -> None:
    path = tmp_path / "stores.csv"

    def digest_of(content: bytes) -> tuple[int, str]:
        path.write_bytes(content)
        return len(content), inspect(path).sha256

    earlier = {content: digest_of(content) for content in (b"a\n1\n", b"a\n1", b"a\r1\r", b"a\n2\n", b"a\n1\n2\n3\n")}
    path.write_bytes(b"a\n1\n2\n")
    assert [content for content, (size, digest) in earlier.items() if begins_with(path, size, digest)] == [b"a\n1\n"]


@pytest.mark.parametrize(
    ("written", "read"),
    [('"Main" street', "Main street"), (' "Side"', ' "Side"'), ('"a ""b"" c"', 'a "b" c'), ('"x"""', 'x"')],
)
def test_quotes_are_read_as_spreadsheets_read_them(
    connection: extensions.connection, stores: Contract, tmp_path: Path, written: str, read: str
) -> None:
    path = tmp_path / "stores.csv"
    path.write_text(f"store_id,store_name,city\n1,{written},x\n2,y,{written}\n")
    arrived = bring(connection, path, stores)
    assert arrived.rows == [(2, ("1", read, "x")), (3, ("2", "y", read))]


def test_a_header_over_several_lines_and_blank_lines_before_it_count(
    connection: extensions.connection, stores: Contract, tmp_path: Path
) -> None:
    path = tmp_path / "stores.csv"
    path.write_bytes(b'\r\n\r\nstore_id;"the\r\nname";city\r\n1;a;b\r\n')
    for block_size in (1, 1 << 22):
        arrived = bring(connection, path, stores, block_size)
        assert arrived.header.names == ["store_id", "the\nname", "city"]
        assert arrived.rows == [(5, ("1", "a", "b"))]


def test_a_header_without_rows_is_an_empty_file_of_its_feed(
    connection: extensions.connection, stores: Contract, tmp_path: Path
) -> None:
    path = tmp_path / "stores.csv"
    for content in (b"store_id,city", b"store_id,city\r\n", b"\xef\xbb\xbfstore_id,city\n\n"):
        path.write_bytes(content)
        assert bring(connection, path, stores).rows == []


def test_memory_does_not_grow_with_the_file(warehouse: Settings, tmp_path: Path) -> None:
    path = tmp_path / "sales_2024.csv"
    header = b"transaction_id,line_no,transaction_date,customer_id,product_id,quantity,unit_price\n"
    chunks = [b'T%d,1,2024-01-01,"C%d",P1,1,9.99\n' % (number, number) for number in range(20_000)]
    chunks += [b"T%d,1,2024-01-01,C%d,P1,1,9.99\n" % (number, number) for number in range(60_000)]
    with path.open("wb") as file:
        file.write(header)
        for _ in range(20):
            file.writelines(chunks)
    script = r"""
import re, sys
from pathlib import Path
from tests.include.test_reading import bring, load_contracts, load_settings, make_url, psycopg2, server
url = make_url(server.ensure_running(load_settings())).set(drivername="postgresql")
connection = psycopg2.connect(url.render_as_string(hide_password=False))
from include.warehouse.reading import copy_rows, inspect, read_header
path, contract = Path(sys.argv[1]), load_contracts(load_settings())["sales"]
inspection = inspect(path)
header = read_header(path, contract, inspection)
with connection.cursor() as cursor:
    cursor.execute("create temporary table t (%s)" % ", ".join(f"{c} text" for _, c in header.column_map))
    print(copy_rows(cursor, path, contract, inspection, header, "t", 9000001).rows)
# ru_maxrss would begin with the peak of the process that started this one
print(int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        cwd=REPOSITORY,
        env={**os.environ, "WAREHOUSE_HOME": str(warehouse.home)},
        capture_output=True,
        text=True,
        check=True,
    )
    rows, megabytes = map(int, done.stdout.split())
    assert rows == 1_600_000
    assert megabytes < 250


# Headers


def header_of(tmp_path: Path, contract: Contract, content: bytes, name: str = "stores.csv") -> Header:
    path = tmp_path / name
    path.write_bytes(content)
    return read_header(path, contract, inspect(path, contract.encoding))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"store_id,City ,REGION\n", ["store_id", "city", "region"]),
        ("Tienda,CIUDAD,Región,id_tienda\n".encode(), ["extra_1", "city", "region", "store_id"]),
        (b"store_id;branch_id\n", ["store_id", "extra_1"]),
        (b"store_id\tcity,region\tname\n", ["store_id", "extra_1", "store_name"]),
        (b"store_id,,city,\n", ["store_id", "extra_1", "city", "extra_2"]),
        ("branch_id;CIÚDAD\n".encode("cp1252"), ["store_id", "city"]),
    ],
)
def test_headers_are_found_by_name_and_alias(
    tmp_path: Path, stores: Contract, content: bytes, expected: list[str]
) -> None:
    header = header_of(tmp_path, stores, content)
    assert [column for _, column in header.column_map] == expected


def test_an_empty_header_is_named_by_its_position(tmp_path: Path, stores: Contract) -> None:
    header = header_of(tmp_path, stores, b"store_id,,city,\n")
    assert header.names == ["store_id", "column_2", "city", "column_4"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "only blank lines"),
        (b"\n\n  \n", "only blank lines"),
        (b"name,city\n1,2\n", r"line 1: the required column store_id \(or store, .*\) is missing.*name, city"),
        (b"\nname,city\n1,2\n", "line 2: the required column store_id"),
        (b"store_id,City,city\n", "two columns have one name: City, city"),
        ("store_id,note,NÓTE\n".encode(), "two columns have one name"),
        (b"branch_id,shop_id\n", "several columns mean store_id: branch_id, shop_id"),
        (b'store_id,"city\n1,2\n', "quote is opened in the header"),
        (b"store_id,ci\0ty\n", "no text"),
        (b"PK\x03\x04rest of a zip file", "give it the ending .xlsx"),
        ("store_id,city\n".encode("utf-16"), "UTF-16"),
        (b"store_id," + b"x" * (2 << 20), "larger than 1 MB"),
        (b"store_id" + b",x" * 3000, "columns"),
    ],
)
def test_a_header_that_cannot_serve_refuses_the_file(
    tmp_path: Path, stores: Contract, content: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=rf"stores\.csv.*{message}"):
        header_of(tmp_path, stores, content)


def test_a_line_without_the_contracts_delimiter_says_so(tmp_path: Path, stores: Contract) -> None:
    with pytest.raises(InputError, match=r"nor is the contract's delimiter \(;\) in it"):
        header_of(tmp_path, stores.model_copy(update={"delimiter": ";"}), b"store_id,city\n1,2\n")


@pytest.mark.parametrize(
    ("name", "message"), [("stores.xls", "save the file as .xlsx"), ("stores.pdf", "files end in")]
)
def test_other_formats_are_refused_by_name(tmp_path: Path, stores: Contract, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        header_of(tmp_path, stores, b"store_id\n", name)


def test_a_composed_transaction_id_needs_its_parts_only(tmp_path: Path, contracts: dict[str, Contract]) -> None:
    composed = contracts["sales"].model_copy(update={"transaction_id_from": ["store_id", "transaction_date"]})
    rest = b"customer_id,product_id,quantity,unit_price"
    header = header_of(tmp_path, composed, b"store_id,transaction_date," + rest, "sales_2024.csv")
    assert len(header.names) == 6
    with pytest.raises(InputError, match="required column store_id"):
        header_of(tmp_path, composed, b"transaction_date," + rest, "sales_2024.csv")


# Encodings


def cp1252_bytes(text: str) -> bytes:
    return text.encode("cp1252")


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"plain\nascii\n", "utf-8"),
        ("José\nMüller\n".encode(), "utf-8"),
        ("José\nMüller\n".encode("cp1252"), "cp1252"),
        ("12,50 €\n‘quoted’ – “so”\n".encode("cp1252"), "cp1252"),
        ("1,½ litro\n2,½ litro\n".encode("cp1252"), "cp1252"),
        ("1,Å\n2,Øster\n".encode("cp1252"), "cp1252"),
        ("Ñ1,x\nÑ2,x\n".encode("cp1252"), "cp1252"),
        ("1,Þórshöfn\n2,Garðabær\n".encode("cp1252"), "cp1252"),
        (b"S1,x\xa0y\n", "cp1252"),
        (b"S1\xa0,Madrid\nS2,caf\xe9\xa0\nS3,12.50\xa0\x80\n", "cp1252"),
        (b"S1,\xc1. Garc\n", "cp1252"),
        (b"S1,10-\xd1\n", "cp1252"),
        (b"S1,(\xa9)\n", "cp1252"),
        ("café\u00a0\n10-Ñ\n".encode() + b"caf\xe9\xa0\n", "utf-8"),
        ("1,Москва\n2,Омск\n".encode("cp1251"), "utf-8"),
        (b"\xef\xbb\xbfJos\xe9\n", "utf-8"),
        (b"plain\nsome \xff\xfe bytes\n", "utf-8"),
        (b"plain\nsome \x81 byte\n", "utf-8"),
        ("José\nMüller\n".encode() + b"Jos\xe9\n", "utf-8"),
        ("José\n".encode() + "Müller\nPeña\n".encode("cp1252"), "cp1252"),
        ("漢".encode()[:2], "utf-8"),
    ],
)
def test_the_encoding_is_told_from_the_lines(tmp_path: Path, content: bytes, encoding: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    assert inspect(path).encoding == encoding


@given(
    lines=st.lists(
        st.one_of(
            st.text("aé€漢🎁 ", max_size=4).map(str.encode), st.text("aé€ñ ÿ1\xa0.", max_size=4).map(cp1252_bytes)
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_encoding_is_what_counting_line_by_line_gives(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("encoding") / "file.csv"
    path.write_bytes(b"\n".join(lines))
    assert inspect(path).encoding == counted_encoding(lines)


def counted_encoding(lines: list[bytes]) -> str:
    valid = invalid = readable = 0
    for line in lines:
        try:
            valid += not line.decode().isascii()
        except UnicodeDecodeError:
            invalid += 1
            readable += reads_as_cp1252(line)
    return "cp1252" if invalid > valid and 2 * readable > invalid else "utf-8"


def reads_as_cp1252(line: bytes) -> bool:
    text = "\n\n" + line.decode("utf-8", "surrogateescape") + "\n\n"
    for place, letter in enumerate(text):
        if 0xDC80 <= ord(letter) <= 0xDCFF:
            meant = bytes([ord(letter) - 0xDC00]).decode("cp1252")
            before = text[:place].encode("utf-8", "surrogateescape").decode("cp1252", "replace")[:-3:-1]
            after = text[place + 1 :].encode("utf-8", "surrogateescape").decode("cp1252", "replace")[:2]
            is_beside = any(re.match("[a-z0-9 \xa0]", near, re.IGNORECASE) for near in (before, after))
            near_letter = "[^\\W_\\x00-\\x7fª-ºÿ][a-z0-9 \xa0]"
            is_near = any(re.match(near_letter, near, re.IGNORECASE) for near in (before, after))
            is_alone = (before[0] + after[0]).isascii()
            if not (is_beside or is_alone or (is_near and meant != "€") if meant in "éñ€\xa0" else False):
                return False
    return True


def test_a_character_across_two_blocks_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"x" * ((4 << 20) - 1) + "é".encode() + b"\n")
    assert inspect(path).encoding == "utf-8"


# Refused whole


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (b"1,a\n2," + b"x" * (10 << 20) + b"\n3,c\n", "line 3: a field is larger than 1 MB"),
        (b'1,a\n2,"' + b"x\n" * (5 << 20) + b'"\n3,c\n', "line 3: a field is larger than 1 MB"),
        (b'1,a\n2,"b\n3,c\n4,d\n', "line 3: a quote is opened here and never closed"),
        (b'1,"a\nb"\n2,"b\n3,c', "line 4: a quote is opened here and never closed"),
        (b'1,5" pipe\n2,"b\n3,c', "line 3: a quote is opened here and never closed"),
        (b"1,a\n2," + (b"x" * 500_000 + b",") * 50 + b"\n", "line 3: a record is larger than 16 MB"),
    ],
)
@pytest.mark.parametrize("block_size", [1 << 20, 1 << 22])
def test_what_cannot_be_a_table_is_refused_whole(  # noqa: PLR0917
    connection: extensions.connection, stores: Contract, tmp_path: Path, rows: bytes, message: str, block_size: int
) -> None:
    path = tmp_path / "stores.csv"
    path.write_bytes(b"store_id,city\n" + rows)
    with pytest.raises(InputError, match=rf"stores\.csv {message}"):
        bring(connection, path, stores, block_size)


def test_a_field_of_one_megabyte_is_read(connection: extensions.connection, stores: Contract, tmp_path: Path) -> None:
    path = tmp_path / "stores.csv"
    path.write_bytes(b"store_id,city\n1," + b"x" * (1 << 20) + b"\n")
    assert [len(fields[1] or "") for _, fields in bring(connection, path, stores).rows] == [1 << 20]


# Excel


def save_workbook(path: Path, rows: list[list[object]], title: str = "stores") -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    workbook.save(path)


def test_cells_become_the_text_of_the_contract(
    connection: extensions.connection, stores: Contract, tmp_path: Path
) -> None:
    path = tmp_path / "stores.xlsx"
    values: list[object] = [1001, 0.1, 1e-7, 1e22, -2.50, True, date(2024, 1, 2), datetime(2024, 1, 2, 13, 5), time(9)]  # noqa: DTZ001 - Excel knows no time zones
    save_workbook(path, [["store_id", "store_name"], *([number, value] for number, value in enumerate(values))])
    spanish = stores.model_copy(update={"decimal_mark": ",", "date_formats": ["DD/MM/YYYY"]})
    texts = ["1001", "0,1", "0,0000001", "10000000000000000000000", "-2,5", "true", "02/01/2024", "02/01/2024"]
    arrived = bring(connection, path, spanish)
    assert [fields[1] for _, fields in arrived.rows] == [*texts, "09:00:00"]
    assert [fields[0] for _, fields in arrived.rows] == [str(number) for number in range(len(values))]


def test_excel_rows_keep_their_numbers(connection: extensions.connection, stores: Contract, tmp_path: Path) -> None:
    path = tmp_path / "stores.xlsx"
    save_workbook(
        path,
        [
            [],
            [None, "store_id", None, "city", " "],
            [None, 1, None, 'x,"y"\nz'],
            [None, None, "  "],
            [None, 2],
            [None, 3, None, "c", None, "stray"],
            [None, 4, None, "a_x0000_b"],
            [None, "\\."],
        ],
    )
    arrived = bring(connection, path, stores)
    assert arrived.header.names == ["column_1", "store_id", "column_3", "city"]
    assert arrived.rows == [
        (3, (None, "1", None, 'x,"y"\nz')),
        (5, (None, "2", None, None)),
        (8, (None, "\\.", None, None)),
    ]
    assert arrived.unreadable == [
        (6, "wrong_column_count", ",3,,c,,stray"),
        (7, "undecodable", ",4,,a\\x00b"),
    ]


def test_the_sheet_of_the_contract_is_read(tmp_path: Path, stores: Contract) -> None:
    path = tmp_path / "stores.xlsx"
    workbook = openpyxl.Workbook()
    first = workbook.active
    assert first is not None
    first.append(["city"])
    workbook.create_sheet("list").append(["store_id"])
    workbook.save(path)
    named = stores.model_copy(update={"sheet": "list"})
    assert read_header(path, named, inspect(path)).names == ["store_id"]
    with pytest.raises(InputError, match=r"column store_id .*; the sheet Sheet was read: to read list name it as"):
        read_header(path, stores, inspect(path))
    first.delete_rows(1)
    workbook.save(path)
    with pytest.raises(InputError, match=r"no header.*; the sheet Sheet was read: to read list name it as"):
        read_header(path, stores, inspect(path))
    with pytest.raises(InputError, match="the sheet other is missing; the workbook has: Sheet, list"):
        read_header(path, stores.model_copy(update={"sheet": "other"}), inspect(path))


def test_a_large_sheet_reads_the_same_in_pieces(tmp_path: Path) -> None:
    numbered, plain = tmp_path / "numbered.xlsx", tmp_path / "plain.xlsx"
    rows = [[f"text {n}", n, date(2024, 1, 1 + n % 28), n % 7 / 4, n % 2 == 0] for n in range(2_000)]
    save_workbook(numbered, [["store_id"], *rows])
    without_positions(numbered, plain)
    whole = list(sheet_rows(numbered, None))
    assert [number for number, _ in whole] == list(range(1, 2_002))
    assert whole[2][1][:3] == ["text 1", 1.0, date(2024, 1, 2)]
    for piece_size in (10_000, 50_000):
        assert list(sheet_rows(numbered, None, piece_size)) == whole
        assert list(sheet_rows(plain, None, piece_size)) == whole


def test_a_cell_without_a_value_is_what_excel_shows_there(tmp_path: Path) -> None:
    cells: list[tuple[str, object]] = [
        ('<c r="A{0}" t="e"><v>#N/A</v></c>', NoValue("#N/A")),
        ('<c r="B{0}" s="0" t="e"><f>1/0</f><v>#DIV/0!</v></c>', NoValue("#DIV/0!")),
        ('<c r="C{0}"><f>SUM(A1:A2)</f></c>', NoValue("=SUM(A1:A2)")),
        ('<c r="D{0}" s="0"><f aca="false">A1&amp;"x"</f><v /></c>', NoValue('=A1&"x"')),
        ('<c r="E{0}" t="n"><f t="shared" si="0"/><v></v></c>', NoValue("=")),
        ('<c r="F{0}" t="e"><f>B1</f></c>', NoValue("=B1")),
        ('<c r="G{0}"><f>1+1</f><v>2</v></c>', 2.0),
        ('<c r="H{0}" t="str"><f>""</f><v></v></c>', ""),
        ('<c r="I{0}" t="str"><f>A1</f><v> t="e">&amp;</v></c>', ' t="e">&'),
        ('<c r="J{0}" t="inlineStr"><is><t>#N/A</t></is></c>', "#N/A"),
        ('<c r="K{0}" t="b"><f>TRUE()</f><v>1</v></c>', True),
        ('<c r="L{0}"/>', ""),
        ('<c r="M{0}"><v>7</v></c>', 7.0),
    ]
    empty, numbered, plain = (tmp_path / name for name in ("empty.xlsx", "numbered.xlsx", "plain.xlsx"))
    save_workbook(empty, [["store_id"]])
    rows = "".join(f'<row r="{n}">{"".join(cell.format(n) for cell, _ in cells)}</row>' for n in range(1, 101))
    with zipfile.ZipFile(empty) as before, zipfile.ZipFile(numbered, "w") as after:
        for part in before.namelist():
            xml = before.read(part)
            if part.startswith("xl/worksheets/"):
                xml = re.sub(rb"(<sheetData>).*(</sheetData>)", lambda data: data[1] + rows.encode() + data[2], xml)
            after.writestr(part, xml)
    without_positions(numbered, plain)
    expected = [(n, [(type(value), value) for _, value in cells]) for n in range(1, 101)]
    for path in (numbered, plain):
        for piece_size in (1 << 20, 20_000, 5_000):
            found = sheet_rows(path, None, piece_size)
            assert [(n, [(type(value), value) for value in row]) for n, row in found] == expected


def without_positions(source: Path, target: Path) -> None:
    """The workbook as some programs write it: rows and cells without a position of their own, names with a prefix."""
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for part in before.namelist():
            xml = before.read(part)
            if part.startswith("xl/worksheets/"):
                xml = re.sub(rb'(<(?:row|c)\b[^>]*?) r="\w+"', rb"\1", xml)
                xml = re.sub(rb"<(/?)(?=[a-z])", rb"<\1x:", xml).replace(b" xmlns=", b" xmlns:x=")
            after.writestr(part, xml)


def zip_file(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("stores.csv", "store_id\n1\n")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (zip_file, "cannot be read as an Excel workbook"),
        (lambda path: path.write_bytes(b"store_id\n1\n"), "cannot be read as an Excel workbook"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: save_workbook(path, []), "no header"),
        (lambda path: save_workbook(path, [["name"], ["a"]]), "line 1: the required column store_id"),
    ],
)
def test_what_is_no_workbook_is_refused(
    tmp_path: Path, stores: Contract, make: Callable[[Path], None], message: str
) -> None:
    path = tmp_path / "stores.xlsx"
    make(path)
    with pytest.raises(InputError, match=rf"stores\.xlsx.*{message}"):
        read_header(path, stores, inspect(path))
