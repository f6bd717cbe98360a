"""Whether rows of CSV have white space around a value: only then must PostgreSQL trim every one."""

import numpy as np

# a byte that is not ASCII may belong to one of Unicode's white spaces
MAY_BE_SPACE = np.zeros(256, bool)
MAY_BE_SPACE[: ord(" ") + 1] = True
MAY_BE_SPACE[0x7F:] = True
MAY_BE_SPACE[ord("\n")] = False


def is_trimmed(rows: bytes, records: int, delimiter: str) -> bool:
    """False where a value may begin or end with white space; `rows` are so many whole records, as COPY reads them."""
    if rows.count(b"\n") != records:
        return False
    array = np.frombuffer(rows, np.uint8)
    may_be_space = MAY_BE_SPACE[array]
    may_be_space[array == ord(delimiter)] = False
    at = np.flatnonzero(may_be_space)
    if not len(at):
        return True
    is_edge = np.zeros(256, bool)
    is_edge[[ord(delimiter), ord("\n"), ord('"')]] = True
    return bool(at[0] > 0 and not (is_edge[array[at - 1]] | is_edge[array[at + 1]]).any())
