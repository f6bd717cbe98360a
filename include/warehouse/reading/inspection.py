"""First look at a file: its hash, its size and its encoding."""

import codecs
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from include.warehouse.reading.file_format import UTF8_BOM, is_excel, open_file

BLOCK_SIZE = 4 << 20
SURVEY_SIZE = 1 << 20
LETTERS = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýŒœŠšŽžŸƒ"
SIGNS = "€‘’“”–—…•™§©®°±²³´·ªº¿¡«»£"


@dataclass(frozen=True)
class Inspection:
    """SHA-256 as hexadecimal digits, size in bytes, encoding 'utf-8' or 'cp1252'."""

    sha256: str
    size_bytes: int
    encoding: str


def inspect(path: Path, encoding: str = "auto") -> Inspection:
    """Reads the file once for its hash and, where `encoding` is auto, decides between utf-8 and cp1252.

    A file that is not all UTF-8 is read a second time. Raises InputError where it cannot be opened.
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
    # surrogateescape turns every invalid byte b into the one character 0xDC00 + b
    text = block.decode("utf-8", "surrogateescape").encode("utf-32-le", "surrogatepass")
    characters = np.frombuffer(text, np.uint32)
    line = np.cumsum(characters == 10, dtype=np.int32)
    is_invalid = (characters >= 0xDC80) & (characters <= 0xDCFF)
    invalid_lines = np.unique(line[is_invalid])
    valid_lines = np.setdiff1d(line[(characters >= 0x80) & ~is_invalid], invalid_lines)
    at = np.flatnonzero(is_invalid)
    padded = np.concatenate(([10], characters, [10]))
    unreadable = ~_reads_as_text(padded[at], (characters[at] & 0xFF).astype(np.uint8), padded[at + 2])
    unreadable_lines = np.unique(line[at[unreadable]])
    return len(valid_lines), len(invalid_lines), len(invalid_lines) - len(unreadable_lines)


def _table(characters: str, encoding: str) -> np.ndarray:
    table = np.zeros(256, bool)
    table[list(characters.encode(encoding))] = True
    return table


IS_LETTER = _table(LETTERS, "cp1252")
IS_SIGN = _table(SIGNS, "cp1252")
IS_LETTER_OR_SPACE = _table(" abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "ascii")
IS_DIGIT = _table("0123456789", "ascii")


def _reads_as_text(before: np.ndarray, byte: np.ndarray, after: np.ndarray) -> np.ndarray:
    """For each byte whether cp1252 has a letter beside a letter there, or a sign beside a letter, space or digit."""
    beside_letter = _holds(IS_LETTER_OR_SPACE, before) | _holds(IS_LETTER_OR_SPACE, after)
    beside_digit = _holds(IS_DIGIT, before) | _holds(IS_DIGIT, after)
    reads: np.ndarray = (IS_LETTER[byte] & beside_letter) | (IS_SIGN[byte] & (beside_letter | beside_digit))
    return reads


def _holds(table: np.ndarray, characters: np.ndarray) -> np.ndarray:
    held: np.ndarray = table[np.minimum(characters, 255)] & (characters < 256)
    return held
