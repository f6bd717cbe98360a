"""First look at a file: its hash, its size and its encoding."""

import codecs
import hashlib
import string
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from include.warehouse.reading.file_format import UTF8_BOM, is_excel, open_file

BLOCK_SIZE = 4 << 20
SURVEY_SIZE = 1 << 20
NEWLINE = ord("\n")
LETTERS = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþŒœŠšŽžŸƒ"
SIGNS = "\xa0€‘’‚“”„‹›–—…•™§©®°±¹²³¼½¾µ×÷´·ªº¿¡«»£¢¥"


@dataclass(frozen=True)
class Inspection:
    """SHA-256 as hexadecimal digits, size in bytes, encoding 'utf-8' or 'cp1252'."""

    sha256: str
    size_bytes: int
    encoding: str


def inspect(path: Path, encoding: str = "auto") -> Inspection:
    """Reads the file once for its hash and, where `encoding` is auto, decides between utf-8 and cp1252.

    A file that is not all UTF-8 is read a second time.
    """
    digest = hashlib.sha256()
    size = 0
    must_decode = encoding == "auto" and not is_excel(path)
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8 = True
    with open_file(path) as file:
        has_bom = False
        while block := file.read(BLOCK_SIZE):
            has_bom = has_bom or (size == 0 and block.startswith(UTF8_BOM))
            digest.update(block)
            size += len(block)
            if must_decode and is_utf8:
                is_utf8 = _continues_utf8(decoder, block)
        is_utf8 = is_utf8 and _continues_utf8(decoder, b"", final=True)
        if has_bom or encoding == "utf-8" or (must_decode and is_utf8):
            decided = "utf-8"
        elif encoding == "cp1252":
            decided = "cp1252"
        else:
            decided = _survey(file) if must_decode else "utf-8"
    return Inspection(digest.hexdigest(), size, decided)


def begins_with(path: Path, size_bytes: int, sha256: str) -> bool:
    """Whether the file's first `size_bytes` end with a line and have this SHA-256: those of another file."""
    digest = hashlib.sha256()
    left = size_bytes
    block = b""
    with open_file(path) as file:
        while left and (block := file.read(min(left, BLOCK_SIZE))):
            digest.update(block)
            left -= len(block)
    return not left and block.endswith(b"\n") and digest.hexdigest() == sha256


def _continues_utf8(decoder: codecs.IncrementalDecoder, block: bytes, final: bool = False) -> bool:
    """Whether the block goes on as valid UTF-8; a character may lie across two blocks."""
    if not final and block.isascii() and decoder.getstate()[0] == b"":
        return True
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _survey(file: BinaryIO) -> str:
    """Decides by lines: valid UTF-8 characters outweigh; else cp1252 where its characters look like written text."""
    file.seek(0)
    valid = invalid = readable = 0
    rest = b""
    while block := file.read(SURVEY_SIZE):
        block = rest + block
        end = block.rfind(b"\n") + 1 or len(block)
        rest = block[end:]
        counts = _count_lines(block[:end])
        valid, invalid, readable = valid + counts[0], invalid + counts[1], readable + counts[2]
    counts = _count_lines(rest)
    valid, invalid, readable = valid + counts[0], invalid + counts[1], readable + counts[2]
    return "cp1252" if invalid > valid and 2 * readable > invalid else "utf-8"


def _count_lines(block: bytes) -> tuple[int, int, int]:
    """Lines with valid non-ASCII UTF-8 only; lines with invalid UTF-8; those of them that read as cp1252 text."""
    if block.isascii():
        return 0, 0, 0
    array = np.frombuffer(block, np.uint8)
    position, is_invalid = _characters_beyond_ascii(array)
    line = np.searchsorted(np.flatnonzero(array == NEWLINE), position)
    invalid_lines = np.unique(line[is_invalid])
    valid_lines = np.setdiff1d(line[~is_invalid], invalid_lines)
    unreadable_lines = np.unique(line[is_invalid][~_reads_as_text(array, position[is_invalid])])
    return len(valid_lines), len(invalid_lines), len(invalid_lines) - len(unreadable_lines)


def _characters_beyond_ascii(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each non-ASCII character of UTF-8 begins, and whether it is a byte that is not valid there."""
    beyond = np.flatnonzero(array >= 0x80)
    # a run of such bytes is valid or not whatever ASCII is around it, so one line end between two runs will do
    run_start = np.flatnonzero(np.diff(beyond) > 1) + 1
    runs = np.insert(array[beyond], run_start, NEWLINE)
    place = np.insert(beyond, run_start, -1)
    # surrogateescape turns every invalid byte b into the one character 0xDC00 + b
    text = runs.tobytes().decode("utf-8", "surrogateescape").encode("utf-32-le", "surrogatepass")
    character = np.frombuffer(text, np.uint32)
    is_invalid = (character >= 0xDC80) & (character <= 0xDCFF)
    is_beyond = character != NEWLINE
    size = np.where(is_invalid, 1, 1 + sum((character >= least).astype(np.int8) for least in (0x80, 0x800, 0x10000)))
    return place[np.cumsum(size) - size][is_beyond], is_invalid[is_beyond]


def _table(characters: str, encoding: str) -> np.ndarray:
    table = np.zeros(256, bool)
    table[list(characters.encode(encoding))] = True
    return table


IS_LETTER = _table(LETTERS, "cp1252")
IS_SIGN = _table(SIGNS, "cp1252")
IS_SPACE = _table("\xa0", "cp1252")
IS_PLAIN = IS_SPACE | _table(" " + string.ascii_letters + string.digits, "ascii")
IS_ASCII_TEXT = _table(string.printable, "ascii")


def _reads_as_text(array: np.ndarray, position: np.ndarray) -> np.ndarray:
    """For each position whether cp1252 has a letter or a sign there that stands in written text.

    That is by itself between characters of ASCII, or beside a letter or digit of ASCII or a space, or a letter or a
    space beside a letter that is. Words with more such letters in a row are of another code page.
    """
    padded = np.concatenate(([NEWLINE, NEWLINE], array, [NEWLINE, NEWLINE]))
    far_before, before, byte, after, far_after = (padded[position + offset] for offset in range(5))
    by_itself = IS_ASCII_TEXT[before] & IS_ASCII_TEXT[after]
    beside_plain = IS_PLAIN[before] | IS_PLAIN[after]
    beside_letter = (IS_LETTER[before] & IS_PLAIN[far_before]) | (IS_LETTER[after] & IS_PLAIN[far_after])
    is_letter, is_space = IS_LETTER[byte], IS_SPACE[byte]
    reads: np.ndarray = (is_letter | IS_SIGN[byte]) & (by_itself | beside_plain) | (
        is_letter | is_space
    ) & beside_letter
    return reads
