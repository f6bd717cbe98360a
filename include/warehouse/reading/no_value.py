"""Cells of an Excel sheet that have no value: an error such as #N/A, or a formula that nobody has computed.

calamine reads them as empty cells. So in the sheet's XML they are made into texts, which begin with a mark.
"""

import re
from functools import lru_cache

# no text of a cell begins with it
MARK = "\ue000"
MARK_IN_XML = b"&#xE000;"
CELL_TYPE = re.compile(rb"""\st=["']\w*["']""")


class NoValue(str):
    """What Excel shows of a cell without a value: the error, or the formula with = before it."""

    __slots__ = ()


def with_marks(xml: bytes, prefix: bytes) -> bytes:
    """The XML of rows (whose element names have the prefix) with all such cells as marked texts; itself if none is."""
    if b"<" + prefix + b"f" in xml:
        xml = _uncomputed(prefix).sub(lambda cell: _formula_as_text(cell, prefix), xml)
    if b't="e"' in xml or b"t='e'" in xml:
        xml = _error(prefix).sub(lambda rest: _error_as_text(rest, prefix), xml)
    return xml


def without_mark(cell: object) -> object:
    """The cell as it was before; a marked text as NoValue."""
    return NoValue(cell[len(MARK) :]) if isinstance(cell, str) and cell.startswith(MARK) else cell


def _formula(prefix: bytes) -> bytes:
    return rb"<%bf(?:[\s/][^>]*+)?>(?:(?<=/>)|([^<]*+)</%bf\s*>)\s*" % (prefix, prefix)


@lru_cache
def _uncomputed(prefix: bytes) -> re.Pattern[bytes]:
    """A cell with a formula and no value; one of the type of texts has an empty text for its value."""
    value = rb"(?:<%bv(?:[\s/][^>]*+)?>(?:(?<=/>)|\s*</%bv\s*>)\s*)?" % (prefix, prefix)
    cell = rb"""<%bc(?![^>]*?\st=["'][sid])(\s[^>]*+)?>\s*""" % prefix
    return re.compile(cell + _formula(prefix) + value + rb"</%bc\s*>" % prefix)


@lru_cache
def _error(prefix: bytes) -> re.Pattern[bytes]:
    """A cell with an error, from its type up to the error's text."""
    value = rb"<%bv(?:\s[^>]*+)?>(?=[^<])" % prefix
    # begins with the type, which few cells have: a search for cells would stop at each
    return re.compile(rb"""t=["']e["']([^>]*+>\s*(?:""" + _formula(prefix) + b")?" + value + b")")


@lru_cache
def _up_to_type(prefix: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"<%bc\s(?:[^>]*\s)?" % prefix)


def _formula_as_text(cell: re.Match[bytes], prefix: bytes) -> bytes:
    attributes = CELL_TYPE.sub(b"", cell[1] or b"")
    value = b"<%bv>%b=%b</%bv>" % (prefix, MARK_IN_XML, cell[2] or b"", prefix)
    return b'<%bc%b t="str">%b</%bc>' % (prefix, attributes, value, prefix)


def _error_as_text(rest: re.Match[bytes], prefix: bytes) -> bytes:
    begin = rest.string.rfind(b"<", 0, rest.start())
    if _up_to_type(prefix).fullmatch(rest.string, begin, rest.start()) is None:
        # a text in which these letters stand
        return rest[0]
    return b't="str"' + rest[1] + MARK_IN_XML
