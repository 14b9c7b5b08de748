"""From the bytes that seals digest back to rows: the inverse of `monitor.seals.canonical`.

Rows of results come as columns, because a year has millions of them: of those, everything but the first one with some
combination of names is found without looking at each value.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from monitor.seals.canonical import IMPORTED, Ids, Value, encoded
from monitor.store.ids import NUMBERS_PER_WRITER
from monitor.store.schema import VERDICT_CODES
from monitor.store.sealing import NO_NAME

LONGEST_ROW = 2**23
VALUES_OF_A_RESULT = 10
MOST_NAMES = 100_000  # combinations of names in the results of a bundle
MOST_STARTS = 100_000  # of daemons, in the results of one file
_NUMBERS = np.dtype([("a", "S1"), ("number", ">i8"), ("b", "S1"), ("started", ">i8"), ("c", "S1"), ("lasted", ">i8")])
_WIDTH = _NUMBERS.itemsize
_NOTHING, _DIGEST = b"n", b"b\x00\x00\x00\x20"  # what follows the numbers: nothing was kept, or the digest of what was
_BARE, _KEEPING = _WIDTH + 1, _WIDTH + len(_DIGEST) + 32
_MOST_WRITERS = 2**31
_VERDICTS = {verdict.value: code for verdict, code in VERDICT_CODES.items()}

Row = tuple[Value, ...]


class Malformed(Exception):
    """These are no rows as seals have them."""


def rows_of(blocks: Iterable[bytes], width: int) -> Iterator[tuple[Row, bytes]]:
    """Each row of so many values, with its bytes. Raises `Malformed` where one is none, after those before it."""
    rest = b""
    for block in blocks:
        rest, position = rest + block, 0
        while (found := _row_at(rest, position, width)) is not None:
            row, end = found
            yield row, rest[position:end]
            position = end
        rest = rest[position:]
        if len(rest) > LONGEST_ROW:
            raise Malformed("a row is too long")
    if rest:
        raise Malformed("the last row is cut off")


def _row_at(content: bytes, position: int, width: int) -> tuple[Row, int] | None:
    """A row and where the next one begins; None where the content ends before it does."""
    values: list[Value] = []
    for _ in range(width):
        found = _value_at(content, position)
        if found is None:
            return None
        value, position = found
        values.append(value)
    return tuple(values), position


def _value_at(content: bytes, position: int) -> tuple[Value, int] | None:
    tag, begin = content[position : position + 1], position + 1
    if not tag:
        return None
    if tag == b"n":
        return None, begin
    if tag == b"i":
        end = begin + 8
        return None if end > len(content) else (int.from_bytes(content[begin:end], signed=True), end)
    if tag not in (b"s", b"b"):
        raise Malformed("there is no such value")
    if begin + 4 > len(content):
        return None
    end = begin + 4 + int.from_bytes(content[begin : begin + 4])
    if end - begin > LONGEST_ROW:
        raise Malformed("a value is too long")
    if end > len(content):
        return None
    found = content[begin + 4 : end]
    try:
        return (found if tag == b"b" else found.decode()), end
    except UnicodeDecodeError as error:
        raise Malformed("a text is none") from error


@dataclass(slots=True)
class ResultReader:
    """Makes matrices of results (`RESULT_COLUMNS` of `monitor.store.sealing`) out of their bytes.

    `numbers` has the numbers of names by table, and of `writers` by boot id; a name that is not in it is `Malformed`.
    """

    numbers: Mapping[str, Mapping[str, int]]
    _known: dict[bytes, int] = field(default_factory=dict)  # the bytes of five names, without boot id → a place below
    _codes: list[tuple[int, int, int, int, int]] = field(default_factory=list)

    def matrices(self, blocks: Iterable[bytes]) -> Iterator[Ids]:
        """Raises `Malformed`, after the matrices of what comes before."""
        rest, starts = b"", 0
        for block in blocks:
            rest, position = rest + block, 0
            while (found := _row_at(rest, position, VALUES_OF_A_RESULT)) is not None:
                row, _ = found
                matrix, position = self._of_one_start(rest, position, row[0])
                yield matrix
                starts += 1
                if starts > MOST_STARTS:
                    raise Malformed("the daemons' starts in it are too many")
            rest = rest[position:]
            if len(rest) > LONGEST_ROW:
                raise Malformed("a row is too long")
        if rest:
            raise Malformed("the last row is cut off")

    def _of_one_start(self, content: bytes, position: int, boot_id: Value) -> tuple[Ids, int]:
        """The rows from the position on that one daemon wrote, and where the next one's begin.

        They all begin with the same bytes, at which the content is cut. Where these came by chance inside a row, the
        cut is in the wrong place, the pieces are no rows, and it is begun anew after what is one.
        """
        begin = encoded([boot_id])
        places: list[int] = []
        tails: list[bytes] = []
        for piece in content[position:].split(begin)[1:]:
            place, tail = self._known.get(piece[:-_BARE]), piece[-_BARE:]
            if place is None or tail[_WIDTH:] != _NOTHING:
                place, tail = self._known.get(piece[:-_KEEPING]), piece[-_KEEPING:-32]
                if place is None or tail[_WIDTH:] != _DIGEST:
                    found = self._learnt(content, position)
                    if found is None:
                        break
                    place, tail, end = found
                    if end != position + len(begin) + len(piece):
                        places.append(place)
                        tails.append(tail[:_WIDTH])
                        position = end
                        break
            places.append(place)
            tails.append(tail[:_WIDTH])
            position += len(begin) + len(piece)
        return self._matrix(boot_id, places, tails), position

    def _learnt(self, content: bytes, position: int) -> tuple[int, bytes, int] | None:
        """One row value by value: the place of its names, its numbers, and where it ends."""
        found = _row_at(content, position, VALUES_OF_A_RESULT)
        if found is None:
            return None
        row, end = found
        names, kept = row[1:6], row[9]
        if not all(isinstance(number, int) for number in row[6:9]) or not _is_kept(kept):
            raise Malformed("a result is none")
        key = encoded(names)
        if key not in self._known:
            if len(self._known) >= MOST_NAMES:
                raise Malformed("the names in it are too many")
            self._codes.append(self._code(names))
            self._known[key] = len(self._known)
        return self._known[key], encoded(row[6:9]), end

    def _code(self, names: Row) -> tuple[int, int, int, int, int]:
        probe, location, verdict, reason, step = names
        try:
            return (
                self.numbers["probes"][str(probe)],
                self.numbers["locations"][str(location)],
                _VERDICTS[str(verdict)],
                self.numbers["reasons"][str(reason)] if reason else NO_NAME,
                self.numbers["steps"][str(step)] if step else NO_NAME,
            )
        except KeyError as error:
            raise Malformed(f"{error} is not among the names") from error

    def _matrix(self, boot_id: Value, places: list[int], tails: list[bytes]) -> Ids:
        numbers = np.frombuffer(b"".join(tails), _NUMBERS)
        if any(np.any(numbers[tag] != b"i") for tag in ("a", "b", "c")):
            raise Malformed("a result is none")
        matrix = np.empty((len(places), 8), dtype=np.int64)
        codes = np.array(self._codes, dtype=np.int64).reshape(-1, 5)[np.array(places, dtype=np.int64)]
        matrix[:, 0] = self._ids(boot_id, numbers["number"].astype(np.int64))
        matrix[:, 1:3] = codes[:, :2]
        matrix[:, 3], matrix[:, 4] = numbers["started"], numbers["lasted"]
        matrix[:, 5:8] = codes[:, 2:]
        return matrix

    def _ids(self, boot_id: Value, numbers: Ids) -> Ids:
        if boot_id == IMPORTED:
            return -numbers
        writer = self.numbers["writers"].get(str(boot_id))
        if writer is None or not 0 <= writer < _MOST_WRITERS:
            raise Malformed(f"{boot_id!r} is no daemon's start on record")
        if len(numbers) and not 0 <= int(numbers.min()) <= int(numbers.max()) < NUMBERS_PER_WRITER:
            raise Malformed("a result has an impossible number")
        return numbers + writer * NUMBERS_PER_WRITER


def _is_kept(value: Value) -> bool:
    return value is None or (isinstance(value, bytes) and len(value) == 32)
