"""Results as lines: what is written is read back the same, and what is wrong is named."""

import io
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.exchange import LINE_BYTES, PORTION, BadLine, Components, _Reader, lines_of, read_results, terms_for
from monitor.export.results import Ndjson
from monitor.sla.model import Verdict
from monitor.store import ImportRow
from monitor.store.columns import ResultColumns
from monitor.store.records import Newcomer
from tests.monitor.build import config_of, probe_config

CONFIG = config_of([probe_config(), probe_config(name="api", component="api", every=60)])
LINE = {
    "id": "r1",
    "probe": "ingest-coap",
    "location": "dublin",
    "started_at": "2026-11-23T12:00:00.000Z",
    "finished_at": "2026-11-23T12:00:00.250Z",
    "verdict": "down",
    "reason": "missing",
}


def read(data: bytes) -> tuple[list[ImportRow], Components]:
    components: Components = {}
    return list(read_results(lines_of(io.BytesIO(data)), CONFIG, components)), components


def file_of(*lines: dict[str, Any]) -> bytes:
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@given(
    started_ms=st.integers(0, 4_000_000_000_000),
    duration_us=st.integers(0, 2_000_000_000),
    verdict=st.sampled_from(Verdict),
    reason=texts,
    step=texts,
    detail=texts,
)
def test_an_exported_result_is_read_back_the_same(
    started_ms: int, duration_us: int, verdict: Verdict, reason: str, step: str, detail: str
) -> None:
    reason = "" if verdict is Verdict.UP else reason
    names = (["boot:7"], ["ingest-coap"], ["dublin"])
    columns = ResultColumns(*names, [started_ms], [duration_us], [verdict.value], [reason], [step], [detail])
    Ndjson(file := io.BytesIO(), {("ingest-coap", "dublin"): "ingest"}).write(columns)
    (row,), components = read(file.getvalue())
    assert (row.id, row.probe, row.location, row.started_ms) == ("boot:7", "ingest-coap", "dublin", started_ms)
    assert (row.duration_us, row.finished_ms) == (duration_us, started_ms + duration_us // 1000)
    assert (row.verdict, row.reason, row.step, row.detail) == (verdict, reason, step, detail)
    assert components == {("ingest-coap", "dublin"): "ingest"}


def test_a_minimal_line_is_enough_and_offsets_are_understood() -> None:
    line = {**LINE, "started_at": "2026-11-23T13:00:00+01:00", "finished_at": "2026-11-23T12:00:01Z"}
    (row,), _components = read(file_of(line))
    assert (row.started_ms, row.finished_ms, row.duration_us) == (1795435200000, 1795435201000, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": ""}, "id: expected text"),
        ({"id": 7}, "id: expected text"),
        ({"verdict": "ok"}, "verdict: expected one of down, unknown, up"),
        ({"started_at": "2026-11-23T12:00:00"}, "started_at: expected a time with its offset"),
        ({"started_at": 5}, "started_at: expected a time such as"),
        ({"finished_at": "2026-11-23T11:59:59Z"}, "finished_at: expected a time after started_at"),
        ({"verdict": "up"}, "reason: expected none"),
        ({"seconds": 3}, "seconds: expected the time from started_at to finished_at"),
        ({"every_seconds": -1}, "every_seconds: expected"),
        ({"probe": "gone"}, "component: expected one of ingest, api"),
        ({"detail": "x" * 1001}, "detail: expected text"),
    ],
)
def test_the_first_bad_line_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadLine) as caught:
        read(file_of(LINE, {**LINE, **change}, {}))
    assert str(caught.value).startswith(f"2: {message}")


# A line as it is exported, and what makes one unusual: with and without it, a file is read the same.
WHOLE = {**LINE, "component": "ingest", "seconds": 0.25, "step": None, "detail": "why"}
CHANGES: list[dict[str, Any]] = [
    {},
    {"id": "r2", "probe": "gone", "component": "api"},
    {"probe": "gone", "component": None},
    {"probe": "gone"},
    {"verdict": "up"},
    {"verdict": "up", "reason": None, "detail": None},
    {"verdict": "ok"},
    {"verdict": ["up"]},
    {"id": ""},
    {"id": 7},
    {"step": 7},
    {"detail": "x" * 1001},
    {"seconds": 0.2509999},
    {"seconds": 0.251},
    {"seconds": 0.2499999},
    {"seconds": True},
    {"seconds": 1e300},
    {"seconds": 10**18},
    {"seconds": None},
    {"every_seconds": 30},
    {"every_seconds": "x"},
    {"started_at": "2026-02-30T12:00:00.000Z"},
    {"started_at": "2026-11-23T12:00:00.001Z", "seconds": 0.249},
    {"started_at": "2026-11-23 12:00:00.000Z"},
    {"started_at": "2026-11-23T12:00:00,000Z"},
    {"started_at": "2026-11-23T13:00:00.000+01:00"},
    {"started_at": "2026-11-23T12:00:0\N{DEVANAGARI DIGIT ONE}.000Z"},
    {"started_at": 5},
    {"finished_at": "2026-11-23T11:59:59.999Z", "seconds": -0.001},
    {"finished_at": "2026-11-23T12:40:00.000Z", "seconds": 2400},
]


def outcome(data: bytes) -> object:
    try:
        return read(data)
    except BadLine as error:
        return str(error)


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_lines_are_read_the_same_together_and_one_by_one(change: dict[str, Any]) -> None:
    lines = file_of(WHOLE, {**WHOLE, **change}, {**WHOLE, "id": "r3", "verdict": "up", "reason": None})
    found = outcome(lines)
    assert found == outcome(lines + b" \n")  # a line of blanks is unusual: now each one is looked at by itself
    assert isinstance(found, str) == isinstance(outcome(file_of({**WHOLE, **change})), str)


def test_what_was_exported_is_read_together() -> None:
    assert _Reader(CONFIG, {}).together(file_of(WHOLE, {**WHOLE, "id": "r2"}).splitlines()) is not None
    assert _Reader(CONFIG, {}).together(file_of(WHOLE, {**WHOLE, "id": ""}).splitlines()) is None


def test_many_lines_are_numbered_right() -> None:
    many = file_of(*({**WHOLE, "id": str(number)} for number in range(PORTION + 5)))
    rows, _ = read(many)
    assert [row.id for row in rows] == [str(number) for number in range(PORTION + 5)]
    with pytest.raises(BadLine, match=rf"^{PORTION + 6}: not JSON"):
        read(many + b"{")


def test_the_first_of_two_bad_lines_is_named() -> None:
    with pytest.raises(BadLine, match=r"^2: verdict"):
        read(file_of(WHOLE, {**WHOLE, "verdict": "ok"}, WHOLE) + b"x" * (LINE_BYTES * 2) + b"\n")


@pytest.mark.parametrize("missing", ["id", "probe", "location", "started_at", "finished_at", "verdict", "reason"])
def test_every_promised_key_is_demanded(missing: str) -> None:
    line = {key: value for key, value in LINE.items() if key != missing}
    with pytest.raises(BadLine, match=f"1: {missing}: missing"):
        read(file_of(line))


@pytest.mark.parametrize("line", [b"{", b"[]", b'"text"', b"\xff"])
def test_a_line_that_is_no_object_is_named(line: bytes) -> None:
    with pytest.raises(BadLine, match=r"^2: "):
        read(file_of(LINE) + line)


def test_a_probe_that_is_not_configured_needs_its_component() -> None:
    rows, components = read(file_of({**LINE, "probe": "gone", "component": "api"}))
    assert (len(rows), components) == (1, {("gone", "dublin"): "api"})


def test_a_newcomers_terms_come_from_the_line_then_the_configuration() -> None:
    terms = terms_for(CONFIG, {("api", "dublin"): "api", ("gone", "dublin"): "ingest"})
    known = terms(Newcomer("api", "dublin", 1000, None))
    unknown = terms(Newcomer("gone", "dublin", 1000, 5000))
    assert (known.component, known.every_ms, known.stale_ms, known.from_ms) == ("api", 60_000, 150_000, 1000)
    assert (unknown.component, unknown.every_ms, unknown.stale_ms) == ("ingest", 5000, 12_500)


def test_a_file_without_line_ends_does_not_fill_the_memory() -> None:
    with pytest.raises(BadLine, match="1: longer than"):
        read(b"x" * (LINE_BYTES * 3))


def test_empty_lines_are_no_results_and_keep_the_numbers_right() -> None:
    with pytest.raises(BadLine, match="^4: "):  # noqa: RUF043
        read(b"\n" + file_of(LINE) + b"\n{}\n")
