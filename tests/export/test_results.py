"""Results as files: each format is read back by the program that it is meant for."""

import csv
import io
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import orjson
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

import monitor.store.columns
from monitor.export.openmetrics import OpenMetrics
from monitor.export.parquet import Parquet
from monitor.export.results import HEADINGS, Components, Csv, Ndjson, Writer
from monitor.results import Result
from monitor.store import Store
from tests.real_servers import command
from tests.store.conftest import Recording, file, recording, url
from tests.store.histories import EVERY_MS, HERE, START_MS, history, result

__all__ = ["file", "recording", "url"]  # fixtures of the store's tests

COMPONENTS = {("web", HERE): "frontend", ("api", HERE): "api"}
ODD = 'x\\"y", z\nü =1+1'


async def written(
    store: Store, make: Callable[[IO[bytes], Components], Writer], *, by_series: bool = False, probe: str | None = None
) -> bytes:
    output = io.BytesIO()
    writer = make(output, COMPONENTS)
    async for columns in store.result_columns(0, 2**48, probe, by_series=by_series):
        writer.write(columns)
    writer.finish()
    return bytes(output.getbuffer())


async def recorded(store: Store, results: Sequence[Result]) -> None:
    for each in results:
        await store.record(each)


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor.store.columns, "PORTION", 3)


MIXED = [
    *history("uDDu?u"),
    *history("uuu", "api", start_ms=START_MS + 7),
    replace(result("D", START_MS + 1), detail=ODD),
]


async def test_lines_of_json_say_everything_in_order_of_time(recording: Recording, small_portions: None) -> None:
    async with recording(probes=["web", "api"]) as store:
        await recorded(store, MIXED)
        lines = [orjson.loads(line) for line in (await written(store, Ndjson)).splitlines()]
    assert [line["started_at"] for line in lines] == sorted(line["started_at"] for line in lines)
    assert lines[1] == {
        "id": "boot-1:10",
        "probe": "web",
        "component": "frontend",
        "location": HERE,
        "started_at": "2026-09-21T14:13:20.001Z",
        "finished_at": "2026-09-21T14:13:20.121Z",
        "seconds": 0.12,
        "verdict": "down",
        "reason": "timeout",
        "step": "connect",
        "detail": ODD,
    }
    assert len(lines) == 10


async def test_csv_is_read_back_as_json_says_it(recording: Recording, small_portions: None) -> None:
    async with recording(probes=["web", "api"]) as store:
        await recorded(store, MIXED)
        data, json = await written(store, Csv), await written(store, Ndjson)
    found = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    expected = [
        {name: "" if value is None else str(value) for name, value in orjson.loads(line).items()}
        for line in json.splitlines()
    ]
    assert found == expected
    assert data.splitlines()[0].decode() == ",".join(HEADINGS)


async def test_parquet_has_types_and_a_row_group_a_portion(recording: Recording, small_portions: None) -> None:
    async with recording(probes=["web", "api"]) as store:
        await recorded(store, MIXED)
        data, json = await written(store, Parquet), await written(store, Ndjson)
    read = pyarrow.parquet.ParquetFile(io.BytesIO(data))
    assert read.num_row_groups == 4
    rows = read.read().to_pylist()
    for row, line in zip(rows, map(orjson.loads, json.splitlines()), strict=True):
        assert row.pop("started_at") == datetime.fromisoformat(line["started_at"]).astimezone(UTC)
        assert row.pop("duration_us") == round(line["seconds"] * 1_000_000)
        assert row == {name: line[name] for name in row}


async def test_no_results_are_a_valid_file(recording: Recording) -> None:
    async with recording() as store:
        assert await written(store, Ndjson) == b""
        assert (await written(store, Csv)).count(b"\r\n") == 1
        assert pyarrow.parquet.read_table(io.BytesIO(await written(store, Parquet))).num_rows == 0
        assert (await written(store, OpenMetrics)).endswith(b"gauge\n# EOF\n")


async def test_only_one_probe_and_only_what_began_in_the_time(recording: Recording) -> None:
    async with recording(probes=["web", "api"]) as store:
        await recorded(store, MIXED)
        assert (await written(store, Ndjson, probe="api")).count(b'"probe":"api"') == 3
        assert await store.count_about(0, 2**48, "api") == 3
        bounds = START_MS + EVERY_MS, START_MS + 3 * EVERY_MS
        times = [at_ms async for columns in store.result_columns(*bounds, "web") for at_ms in columns.started_ms]
        assert times == [START_MS + EVERY_MS, START_MS + 2 * EVERY_MS]


async def test_samples_come_by_series_and_the_worst_of_one_instant_counts(
    recording: Recording, small_portions: None
) -> None:
    async with recording(probes=["web", "api"]) as store:
        at_once = [result(letter, START_MS + EVERY_MS) for letter in "uDu"]
        await recorded(store, [*history("u.?u"), *at_once, *history("uu", "api", start_ms=START_MS - EVERY_MS)])
        lines = (await written(store, OpenMetrics, by_series=True)).decode().splitlines()
    web, api = (
        f'uptime_probe_success{{probe="{p}",component="{c}",location="{HERE}"}}' for (p, _), c in COMPONENTS.items()
    )
    assert lines[1:] == [
        "# TYPE uptime_probe_success gauge",
        f"{web} 1 1790000000.000",
        f"{web} 0 1790000030.000",
        f"{web} 1 1790000090.000",
        f"{api} 1 1789999970.000",
        f"{api} 1 1790000000.000",
        "# EOF",
    ]


async def test_prometheus_takes_the_samples(recording: Recording, tmp_path: Path) -> None:
    promtool = command("promtool")
    async with recording(probes=["web", "api"]) as store:
        await recorded(store, [*history("uDDu?u" * 3), *history("uuuDD", "api", start_ms=START_MS + 7)])
        data = await written(store, OpenMetrics, by_series=True)
    samples, blocks = tmp_path / "samples.om", tmp_path / "blocks"
    samples.write_bytes(data)
    (blocks / "wal").mkdir(parents=True)  # or else it cannot be dumped

    def tsdb(*arguments: str | Path) -> str:
        argv = [*promtool.argv, "tsdb", *map(str, arguments)]
        done = subprocess.run(argv, env=promtool.env, capture_output=True, text=True, check=True, timeout=15)
        return done.stdout

    tsdb("create-blocks-from", "openmetrics", samples, blocks)
    dumped: dict[str, list[str]] = {}
    for line in tsdb("dump", blocks).splitlines():
        labels, value, _at_ms = line.rsplit(" ", 2)
        dumped.setdefault(labels.partition('probe="')[2].partition('"')[0], []).append(value)
    assert dumped == {"web": list("10011" * 3), "api": list("11100")}


def test_labels_are_escaped() -> None:
    writer = OpenMetrics(output := io.BytesIO(), {("a", "b"): 'x\\"\n'})
    writer.write(columns_of("a", "b"))
    writer.finish()
    assert b'component="x\\\\\\"\\n"' in output.getvalue()


def columns_of(probe: str, place: str) -> monitor.store.columns.ResultColumns:
    return monitor.store.columns.ResultColumns(["x"], [probe], [place], [5], [5], ["up"], [""], [""], [""])
