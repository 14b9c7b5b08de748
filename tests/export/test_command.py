"""`efento-uptime export`: what is written where, in which format."""

import asyncio
import csv
import io
import json
from pathlib import Path

import pyarrow.parquet  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner, Result

from monitor.commands.export import export
from monitor.store import Store
from tests.store.histories import EVERY_MS, HERE, START_MS, history, import_rows, terms

CONFIG = """\
store: {{url: "sqlite:///{store}"}}
location: frankfurt
components: {{api: {{severity: blocker}}}}
probes:
  - {{id: web, component: api, kind: tcp, every: 30s, options: {{host: door.example.net, port: 443}}}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Of a store in which the probe was down once, and is retired by now."""

    async def record() -> None:
        async with await Store.open(f"sqlite:///{tmp_path}/uptime.db") as store:
            await store.import_results(
                import_rows(history("uuDDDuu")),
                file_name="x",
                sha256="",
                imported_ms=START_MS,
                terms_of=lambda newcomer: terms(newcomer.probe),
                at_home=(),
            )

    asyncio.run(record())
    path = tmp_path / "uptime.yaml"
    path.write_text(CONFIG.format(store=tmp_path / "uptime.db"))
    return path


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(export, [*arguments, "-c", str(config)])


def test_results_are_lines_of_json_unless_said_otherwise(config: Path) -> None:
    lines = [json.loads(line) for line in run(config, "results").stdout.splitlines()]
    assert [line["verdict"] for line in lines] == ["up", "up", "down", "down", "down", "up", "up"]
    assert {line["component"] for line in lines} == {"api"}


@pytest.mark.parametrize(
    ("file_format", "beginning"),
    [("csv", b"id,probe,component"), ("parquet", b"PAR1"), ("openmetrics", b"# HELP uptime_probe_success ")],
)
def test_every_format_goes_to_a_file(config: Path, tmp_path: Path, file_format: str, beginning: bytes) -> None:
    target = tmp_path / "results"
    assert run(config, "results", "--format", file_format, "-o", str(target)).exit_code == 0
    assert target.read_bytes().startswith(beginning)


def test_parquet_goes_through_a_pipe(config: Path) -> None:
    data = run(config, "results", "--format", "parquet").stdout_bytes
    assert pyarrow.parquet.read_table(io.BytesIO(data)).num_rows == 7


def test_runs(config: Path) -> None:
    lines = [json.loads(line) for line in run(config, "runs").stdout.splitlines()]
    assert [(line["verdict"], line["checks"]) for line in lines] == [("up", 2), ("down", 3), ("up", 2)]
    assert lines[1] == {
        "probe": "web",
        "component": "api",
        "location": HERE,
        "verdict": "down",
        "first_at": "2026-09-21T14:14:20.000Z",
        "last_at": "2026-09-21T14:15:20.000Z",
        "checks": 3,
        "stale_seconds": 75.0,
        "confirm_after": 2,
        "reason": "timeout",
        "step": "connect",
    }
    rows = list(csv.DictReader(io.StringIO(run(config, "runs", "--format", "csv").stdout)))
    assert [row["checks"] for row in rows] == ["2", "3", "2"]
    assert run(config, "runs", "--to", "2026-09-21T14:14:20Z").stdout.count("\n") == 1
    assert run(config, "runs", "--from", "2026-09-21T14:14:20Z").stdout.count("\n") == 2
    assert run(config, "runs", "--probe", "other").stdout == ""


def test_outages(config: Path) -> None:
    (line,) = run(config, "outages").stdout.splitlines()
    found = json.loads(line)
    assert found.pop("id")
    assert found == {
        "component": "api",
        "severity": "blocker",
        "start": "2026-09-21T14:14:20.000Z",
        "end": "2026-09-21T14:15:50.000Z",
        "down_milliseconds": 3 * EVERY_MS,
        "unknown_milliseconds": 0,
        "probes": ["web"],
        "reason": "timeout",
        "step": "connect",
    }
    (row,) = csv.DictReader(io.StringIO(run(config, "outages", "--format", "csv").stdout))
    assert (row["probes"], row["down_milliseconds"]) == ("web", "90000")
    assert run(config, "outages", "--from", "2026-09-21T14:16:00Z").stdout == ""


def test_a_time_that_is_none_is_refused(config: Path) -> None:
    assert run(config, "results", "--from", "yesterday").exit_code == 2
