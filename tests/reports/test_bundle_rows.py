"""Reading rows back is the inverse of writing them as seals digest them, however the bytes are cut."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.reports.bundle_rows import Malformed, ResultReader, rows_of
from monitor.seals.canonical import Ids, Words, encoded, result_rows
from monitor.store.ids import own_id
from monitor.store.sealing import NO_NAME

# A name that is the boot id of a daemon, too: rows are found by its bytes.
PROBES = {1: "web", 2: "boot-1", 3: "Łódź"}
LOCATIONS = {1: "frankfurt"}
REASONS = {1: "timeout", 2: "n" * 28}
STEPS = {1: "connect"}
BOOTS = {1: "boot-1", 2: "b"}
WORDS = Words.of(PROBES, LOCATIONS, {**REASONS, NO_NAME: ""}, {**STEPS, NO_NAME: ""})
NUMBERS = {
    "probes": {name: number for number, name in PROBES.items()},
    "locations": {name: number for number, name in LOCATIONS.items()},
    "reasons": {name: number for number, name in REASONS.items()},
    "steps": {name: number for number, name in STEPS.items()},
    "writers": {name: number for number, name in BOOTS.items()},
}
# Numbers whose bytes are those of tags, of lengths, of a boot id's beginning.
numbers = st.one_of(st.integers(0, 2**47), st.sampled_from([0x6E, 0x6E6E6E, 0x73000000, 0x62, 0x0662_6F6F_742D]))
results = st.tuples(
    *(st.sampled_from(sorted(names)) for names in (PROBES, LOCATIONS)),
    *(numbers, numbers, st.integers(0, 2)),
    *(st.sampled_from([*names, NO_NAME]) for names in (REASONS, STEPS)),
    st.one_of(st.none(), st.binary(min_size=32, max_size=32), st.just(b"n" * 32)),
)
values = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=9), st.binary(max_size=9))


def matrix_of(found: list[tuple[int | bytes | None, ...]], writer: int) -> tuple[Ids, dict[int, bytes]]:
    ids = [own_id(writer, number) if writer else -number for number in range(1, len(found) + 1)]
    matrix = np.array([(number, *each[:7]) for number, each in zip(ids, found, strict=True)], dtype=np.int64)
    kept = {number: each[7] for number, each in zip(ids, found, strict=True) if isinstance(each[7], bytes)}
    return matrix.reshape(-1, 8), kept


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[place : place + size] for place in range(0, len(content), size))


@given(st.lists(st.lists(results, min_size=1, max_size=12), max_size=3), st.sampled_from([1, 7, 64, 300, 10_000]))
def test_results_come_back_as_they_were(starts: list[list[tuple[int | bytes | None, ...]]], size: int) -> None:
    content, expected = b"", [np.zeros((0, 8), dtype=np.int64)]
    for place, found in enumerate(starts):
        writer = place % 3  # 0: imported
        matrix, kept = matrix_of(found, writer)
        content += b"".join(result_rows(matrix, BOOTS.get(writer, "imported"), WORDS, kept))
        expected.append(matrix)
    read = [np.zeros((0, 8), dtype=np.int64), *ResultReader(NUMBERS).matrices(pieces(content, size))]
    assert np.concatenate(read).tolist() == np.concatenate(expected).tolist()


@given(st.lists(st.tuples(values, values, values), max_size=9), st.integers(1, 40))
def test_rows_come_back_as_they_were(given_rows: list[tuple[int | str | bytes | None, ...]], size: int) -> None:
    content = b"".join(map(encoded, given_rows))
    assert list(rows_of(pieces(content, size), 3)) == [(row, encoded(row)) for row in given_rows]


@given(st.binary(max_size=200))
def test_whatever_else_there_is_is_malformed_or_rows(content: bytes) -> None:
    for read in (ResultReader(NUMBERS).matrices, lambda blocks: rows_of(blocks, 2)):
        try:
            list(read(iter([content])))
        except Malformed:
            continue


@given(st.data())
def test_a_damaged_result_is_malformed_or_another_result(data: st.DataObject) -> None:
    matrix, kept = matrix_of([(1, 1, 5, 6, 2, 1, 1, None), (2, 1, 7, 8, 0, NO_NAME, NO_NAME, b"k" * 32)] * 3, 1)
    content = bytearray(b"".join(result_rows(matrix, "boot-1", WORDS, kept)))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    try:
        read = np.concatenate(list(ResultReader(NUMBERS).matrices(iter([bytes(content)]))))
    except Malformed:
        return
    assert len(read) == len(matrix)


GOOD = encoded(["boot-1", "web", "frankfurt", "up", "", "", 1, 2, 3, None])


@pytest.mark.parametrize(
    "content",
    [
        encoded(["boot-1", "nobody", "frankfurt", "up", "", "", 1, 2, 3, None]),
        encoded(["boot-7", "web", "frankfurt", "up", "", "", 1, 2, 3, None]),
        encoded(["boot-1", "web", "frankfurt", "well", "", "", 1, 2, 3, None]),
        encoded(["boot-1", "web", "frankfurt", "up", "", "", "1", 2, 3, None]),
        encoded(["boot-1", "web", "frankfurt", "up", "", "", 1, 2, 3, b"short"]),
        encoded(["boot-1", "web", "frankfurt", "up", "", "", -1, 2, 3, None]),
        GOOD + GOOD[:-1] + b"x",
        GOOD + GOOD[:-1] + b"b\x00\x00\x00\x21" + bytes(32) + GOOD,
        GOOD + GOOD[:-28] + b"x" + GOOD[-27:],
        b"s\x7f\xff\xff\xff",
        b"x",
    ],
)
def test_what_is_no_result_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        list(ResultReader(NUMBERS).matrices(iter([content])))
