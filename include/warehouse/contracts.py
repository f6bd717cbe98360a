"""Feed contracts: how the files of a feed are named, read and keyed."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal

from psycopg2.extras import Json
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from sqlalchemy import Connection, text

from include.warehouse.errors import InputError
from include.warehouse.feed_tables import FEED_TABLES
from include.warehouse.plain_yaml import read_yaml
from include.warehouse.settings import Settings

PLACEHOLDERS = {
    "{year}": r"(?P<year>\d{4})",
    "{part}": r"(?P<part>\d+)",
    "{day}": r"(?P<day>\d{4}-\d{2}-\d{2})",
}
IN_BRACES = re.compile(r"\{[^}]*\}?|\}")
# with one mark or none between its parts; without the usual one, a number is taken for a day only near the present
DAY_IN_NAME = re.compile(r"(?<!\d)(?:\d{4}-\d{2}-\d{2}|(?:19|20)\d{2}([_.]?)\d{2}\1\d{2})(?!\d)")
DATE_PART = re.compile("YYYY|MM|DD")
# as large as core.sale_line.source_part can be
HIGHEST_PART = 32_767
# kinds of pydantic's errors, for a person who edits a contract
FAULTS = {
    "missing": "is missing; add it",
    "extra_forbidden": "is no key of a contract; take it out or correct its name",
    "string_type": "write a text",
    "list_type": "write a list, such as [a, b]",
    "dict_type": "write keys with values, such as {sale: [sale], return: [return]}",
    "model_type": "write keys with values, such as {type: text, header_required: false}",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
}


class Column(BaseModel):
    """A canonical column: its type, the headers that name it and whether a file must have it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["text", "date", "number", "integer", "boolean", "word"]
    header_required: bool
    aliases: list[str] = Field(default_factory=list)
    # what is meant → the words for it
    words: dict[str, list[str]] | None = None

    @field_validator("words", mode="before")
    @classmethod
    def _words_of_a_list_mean_themselves(cls, words: object) -> object:
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return {word: [word] for word in words}
        return words

    @model_validator(mode="after")
    def _words_belong_to_word_columns(self) -> "Column":
        if (self.type == "word") != bool(self.words):
            raise ValueError("a column has `words` exactly where its type is `word`")
        return self


class Contract(BaseModel):
    """The contract of one feed, as its YAML file states it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feed: str = Field(pattern=r"^[a-z][a-z_]*$")
    title: str
    files: list[str] = Field(min_length=1)
    load_mode: Literal["replace_period", "snapshot"]
    natural_key: list[str] = Field(min_length=1)
    transaction_id_from: list[str] = Field(default_factory=list)
    encoding: Literal["auto", "utf-8", "cp1252"] = "auto"
    delimiter: Literal["auto", ",", ";", "tab"] = "auto"
    decimal_mark: Literal[".", ","] = "."
    date_formats: list[str] = Field(min_length=1)
    sheet: str | None = None
    wait_for_ready_marker: bool = False
    columns: dict[str, Column]

    @model_validator(mode="after")
    def _names_are_columns(self) -> "Contract":
        for field in ("natural_key", "transaction_id_from"):
            for name in getattr(self, field):
                if name not in self.columns:
                    raise ValueError(f"{field}: {name} is not one of the feed's columns; name those under `columns`")
        for date_format in self.date_formats:
            between = DATE_PART.sub("", date_format)
            if sorted(DATE_PART.findall(date_format)) != ["DD", "MM", "YYYY"] or re.search("[A-Z]", between):
                raise ValueError(f"date_formats: {date_format} is not a date format; use YYYY, MM and DD once each")
        for pattern in self.files:
            found = IN_BRACES.findall(pattern)
            if not set(found) <= PLACEHOLDERS.keys() or len(found) > len(set(found)):
                known = ", ".join(PLACEHOLDERS)
                raise ValueError(
                    f"files: {pattern} may have {known}, each once, and nothing else in braces; write * for any text"
                )
        return self


@dataclass(frozen=True)
class FilePeriod:
    """What a file's name says of its content."""

    year: int | None = None
    part: int | None = None
    delta_date: date | None = None
    day_in_name: date | None = None


def load_contracts(settings: Settings) -> dict[str, Contract]:
    """All contracts of the settings' folder by feed, as they are now.

    Raises InputError naming the file and the field.
    """
    try:
        paths = [path for ending in ("yml", "yaml") for path in sorted(settings.contracts.glob(f"*.{ending}"))]
        found = [(path, path.stat()) for path in paths]
    except OSError as error:
        raise InputError(f"{error.filename}: the contract cannot be read: {error.strerror}") from error
    if not found:
        raise InputError(f"{settings.contracts} has no feed contract (*.yml); set WAREHOUSE_CONTRACTS to its folder")
    # the triggerer runs for weeks: what has been edited meanwhile is read again
    return dict(_read(tuple((path, stat.st_ino, stat.st_size, stat.st_mtime_ns) for path, stat in found)))


@lru_cache(maxsize=8)
def _read(files: tuple[tuple[Path, int, int, int], ...]) -> tuple[tuple[str, Contract], ...]:
    contracts: dict[str, tuple[Path, Contract]] = {}
    for path, *_ in files:
        try:
            contract = Contract.model_validate(read_yaml(path))
        except ValidationError as error:
            faults = "; ".join(map(_in_words, error.errors()))
            raise InputError(f"{path.name}: the contract cannot be used: {faults}") from error
        misfit = next(_misfits(contract), None)
        if misfit:
            raise InputError(f"{path.name}: the contract cannot be used: {misfit}")
        if contract.feed in contracts:
            other = contracts[contract.feed][0].name
            raise InputError(f"{path.name}: feed: {other} is a contract of {contract.feed} too; take one of them away")
        contracts[contract.feed] = (path, contract)
    return tuple((feed, contract) for feed, (_, contract) in contracts.items())


def _in_words(fault: ErrorDetails) -> str:
    """A field of a contract and what is wrong with it."""
    if not fault["loc"] and fault["type"] == "model_type":
        return "it has no keys with values; begin with a copy of one in include/contracts/feeds"
    why = FAULTS.get(fault["type"], fault["msg"].removeprefix("Value error, "))
    return ": ".join([*([".".join(map(str, fault["loc"]))] if fault["loc"] else []), why])


def _misfits(contract: Contract) -> Iterator[str]:
    """What a contract asks of its feed's tables that they cannot do: field, why and remedy."""
    table = FEED_TABLES.get(contract.feed)
    if table is None:
        # its tables may be still to come; until then prepare() refuses its files
        return
    if contract.load_mode != table.load_mode:
        yield f"load_mode: {contract.feed} are loaded by {table.load_mode} alone; write load_mode: {table.load_mode}"
    if contract.natural_key != table.natural_key:
        key = f"[{', '.join(table.natural_key)}]"
        yield f"natural_key: {contract.feed} are told apart by {key} alone; write natural_key: {key}"
    for pattern in contract.files:
        if table.load_mode == "replace_period" and not ("{year}" in pattern or "{day}" in pattern):
            yield f"files: {pattern} does not say of which year or day a file is; put {{year}} or {{day}} into it"
    for name, column in contract.columns.items():
        if name not in table.types:
            yield (
                f"columns.{name}: the table of {contract.feed} has no such column; take it out: files may have it"
                f" nevertheless (the contract's columns can be {', '.join(table.types)})"
            )
        elif column.type != table.types[name]:
            yield f"columns.{name}.type: {name} is kept as {table.types[name]}; write type: {table.types[name]}"
        elif column.words is not None:
            yield from _misfits_of_words(f"columns.{name}.words", column.words, table.meanings[name])
    for name in table.needed:
        if name not in contract.columns:
            yield f"columns: {name} is missing, without which no row can be used; add it with the headers that name it"
    if len(contract.columns) < 2:
        yield f"columns: there is only {', '.join(contract.columns)}; add a column that says something of it"


def _misfits_of_words(field: str, words: dict[str, list[str]], meanings: tuple[str, ...]) -> Iterator[str]:
    example = f"{{{', '.join(f'{meaning}: [{meaning}]' for meaning in meanings)}}}"
    if set(words) != set(meanings) or not all(words.values()):
        yield f"{field}: say with which words {' and '.join(meanings)} are written, such as words: {example}"
    given = Counter(word for meant in words.values() for word in {each.lower() for each in meant})
    for word, count in given.items():
        if count > 1:
            yield f"{field}: {word} stands for {' and '.join(meanings)}; write it under one of them"
        if word != word.strip() or not word:
            yield f"{field}: '{word}' is never found, since values are trimmed; write it without spaces around it"


def match_feed(contracts: dict[str, Contract], file_name: str, feed: str | None = None) -> tuple[Contract, FilePeriod]:
    """The contract whose pattern a file name matches, and the period in the name.

    With `feed` given only that feed's patterns are tried. Raises InputError where none matches, and for a day in the
    name that is none.
    """
    if feed is not None and feed not in contracts:
        raise InputError(f"{file_name}: there is no feed {feed}; feeds are {', '.join(contracts)}")
    for contract in contracts.values():
        if feed not in (None, contract.feed):
            continue
        # a name that says a part or a day is not taken for one of a whole year, whatever stands first
        for pattern in sorted(contract.files, key=lambda one: ("{day}" not in one, "{part}" not in one)):
            match = _pattern(pattern).fullmatch(file_name)
            if match:
                return contract, _period(contract, file_name, match)
    if feed is not None and contracts[feed].load_mode == "snapshot":
        return contracts[feed], FilePeriod(day_in_name=_day_of_master(contracts[feed], file_name))
    patterns = [pattern for name, c in contracts.items() if feed in (None, name) for pattern in c.files]
    raise InputError(f"{file_name}: the name matches no feed's pattern; patterns are {', '.join(patterns)}")


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    expression = re.escape(pattern).replace(r"\*", ".*")
    for placeholder, group in PLACEHOLDERS.items():
        expression = expression.replace(re.escape(placeholder), group)
    return re.compile(expression, re.IGNORECASE)


def _period(contract: Contract, file_name: str, match: re.Match[str]) -> FilePeriod:
    if contract.load_mode == "snapshot":
        return FilePeriod(day_in_name=_day_of_master(contract, file_name))
    found = match.groupdict()
    if found.get("day"):
        day = _day(found["day"])
        if day is None:
            raise InputError(f"{file_name}: {found['day']} is not a day; name a delta like sales_2025-03-01.csv")
        return FilePeriod(year=None, delta_date=day, day_in_name=day)
    year = int(found["year"]) if found.get("year") else None
    part = int(found["part"]) if found.get("part") else None
    if part is not None and part > HIGHEST_PART:
        raise InputError(f"{file_name}: a part's number is at most {HIGHEST_PART}; number the parts of a year from 1")
    return FilePeriod(year=year, part=part)


def _day_of_master(contract: Contract, file_name: str) -> date | None:
    """The first day in the name; None where it has no date."""
    texts = [match.group() for match in DAY_IN_NAME.finditer(file_name)]
    days = [day for text in texts if (day := _day(text))]
    if texts and not days:
        example = f"{contract.feed}_2025-03-01.csv"
        raise InputError(f"{file_name}: {texts[0]} is not a day; name the file like {example}, or without a date")
    return days[0] if days else None


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(re.sub("[-_.]", "", written))
    except ValueError:
        return None


def sync_edited(connection: Connection, settings: Settings) -> dict[str, Contract]:
    """As sync, if any contract is not as the database has it; gives them.

    What reads a file and what judges it follow the same: whoever loads goes by these, whatever is edited meanwhile.
    """
    contracts = load_contracts(settings)
    found = connection.execute(text("select feed, contract from ops.feed"))
    known = {row.feed: row.contract for row in found}
    if any(known.get(feed) != contract.model_dump(mode="json") for feed, contract in contracts.items()):
        _write(connection, contracts)
    return contracts


def sync(connection: Connection, settings: Settings) -> None:
    """Writes the contracts into ops.feed and ops.feed_column, which the validating SQL reads."""
    _write(connection, load_contracts(settings))


def _write(connection: Connection, contracts: dict[str, Contract]) -> None:
    for contract in contracts.values():
        connection.execute(
            text(
                "insert into ops.feed (feed, title, load_mode, natural_key, date_formats, decimal_mark, contract)"
                " values (:feed, :title, :load_mode, :natural_key, :date_formats, :decimal_mark, :contract)"
                " on conflict (feed) do update set title = excluded.title, load_mode = excluded.load_mode,"
                " natural_key = excluded.natural_key, date_formats = excluded.date_formats,"
                " decimal_mark = excluded.decimal_mark, contract = excluded.contract"
            ),
            {
                "feed": contract.feed,
                "title": contract.title,
                "load_mode": contract.load_mode,
                "natural_key": contract.natural_key,
                "date_formats": contract.date_formats,
                "decimal_mark": contract.decimal_mark,
                "contract": Json(contract.model_dump()),
            },
        )
        connection.execute(text("delete from ops.feed_column where feed = :feed"), {"feed": contract.feed})
        connection.execute(
            text(
                "insert into ops.feed_column (feed, column_name, position, data_type, words, is_header_required)"
                " values (:feed, :column_name, :position, :data_type, :words, :is_header_required)"
            ),
            [
                {
                    "feed": contract.feed,
                    "column_name": name,
                    "position": position,
                    "data_type": column.type,
                    "words": None if column.words is None else Json(column.words),
                    "is_header_required": column.header_required,
                }
                for position, (name, column) in enumerate(contract.columns.items(), start=1)
            ],
        )
