"""The bytes of a CSV file in blocks whose lines all end in LF."""

from collections.abc import Iterator
from typing import BinaryIO

from include.warehouse.reading.file_format import UTF8_BOM

# fits into the processor's cache together with what is computed from it
BLOCK_SIZE = 512 << 10


def text_blocks(file: BinaryIO, block_size: int = BLOCK_SIZE, start: int = 0) -> Iterator[bytes]:
    """Blocks of about `block_size` bytes from `start` on, without the BOM, with CRLF and a lone CR turned into LF."""
    if start or file.read(len(UTF8_BOM)) != UTF8_BOM:
        file.seek(start)
    held_back = b""
    while block := file.read(block_size):
        block = held_back + block
        held_back = b""
        if b"\r" in block:
            # a CR at the very end may be the first half of CRLF
            if block.endswith(b"\r"):
                held_back, block = b"\r", block[:-1]
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if block:
            yield block
    if held_back:
        yield b"\n"
