"""The commands that a person or a script runs beside a daemon: their answers and their exit codes."""

import json
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import iso, to_milliseconds
from monitor.sla.intervals import total
from tests.e2e.configurations import Watch, http, tcp, write
from tests.e2e.daemons import DaemonProcess, StandIn
from tests.e2e.listener import Listener, listening
from tests.e2e.processes import CLOCK, Keeper, run, until
from tests.e2e.records import stored_checks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

STALE_MS = 500  # of the recorded probes: 2.5 of their intervals

Line = dict[str, Any]


@pytest.fixture(scope="module")
def closed_port() -> Iterator[int]:
    """A port that refuses connections: bound, so that nobody else takes it, and not listened on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, keep_for_all: Keeper, closed_port: int) -> Iterator[Path]:
    """A configuration with a probe that is up, one that is down, and one that cannot tell."""
    folder = tmp_path_factory.mktemp("three")
    platform = keep_for_all(StandIn(folder / "platform")).ready().addresses
    no_api = platform["api"] | {"url": f"http://127.0.0.1:{closed_port}/api/v2"}
    with listening() as server:
        probes = [
            tcp("open", server.port, "frontend"),
            tcp("closed", closed_port, "frontend"),
            Watch({**platform, "api": no_api}).ingest_coap(),
            Watch(platform, 1).api(),
        ]
        yield write(folder, probes)


@pytest.mark.parametrize(
    ("names", "code", "found"),
    [
        (["open"], 0, [("up", None, None)]),
        (["api-1", "open"], 0, [("up", None, None)] * 2),
        (["closed"], 1, [("down", "refused", "connect")]),
        (["ingest-coap"], 3, [("unknown", "blocked", "api")]),
        (["ingest-coap", "open"], 3, [("unknown", "blocked", "api"), ("up", None, None)]),
        (["ingest-coap", "closed"], 1, [("unknown", "blocked", "api"), ("down", "refused", "connect")]),
    ],
)
def test_check_answers_by_its_exit_code(
    three: Path, names: list[str], code: int, found: list[tuple[str | None, ...]]
) -> None:
    done = run("check", "--json", "-c", str(three), *names, cwd=three.parent)
    assert done.returncode == code
    results = json.loads(done.stdout)
    assert [result["probe"] for result in results] == names
    assert [(result["verdict"], result["reason"], result["step"]) for result in results] == found
    assert not store_of(three).exists()


def test_check_shows_every_step(three: Path) -> None:
    done = run("check", "-c", str(three), cwd=three.parent)
    assert done.returncode == 1
    rows = [line.split() for line in done.stdout.splitlines()]
    verdicts = [row[:2] for row in rows if row[0] in ("open", "closed", "ingest-coap", "api-1")]
    assert verdicts == [["open", "up"], ["closed", "down"], ["ingest-coap", "unknown"], ["api-1", "up"]]
    steps = {word for row in rows for word in row}
    assert {"connect", "send", "read_back", "organisations", "locations", "measurement_points", "alerts"} <= steps
    assert "refused: 127.0.0.1" in done.stdout
    assert "standin-" not in done.stdout  # the tokens


def test_check_refuses_what_it_does_not_know(three: Path, tmp_path: Path) -> None:
    done = run("check", "-c", str(three), "opne", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "efento-uptime: no probe opne; expected some of open, closed, ingest-coap, api-1\n"
    assert run("check", "-c", "nowhere.yaml", cwd=tmp_path).returncode == 2


def store_of(config: Path) -> Path:
    return config.with_suffix(".db")


def answer(config: Path, *arguments: str) -> str:
    done = run(*arguments, "-c", str(config), cwd=config.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True, slots=True)
class Recorded:
    """A store at rest, and what the commands say of it; `figures` are those that do not depend on when one asks."""

    config: Path
    export: Path
    lines: list[Line]
    outages: list[Line]
    figures: dict[str, list[float | None]]

    @classmethod
    def of(cls, config: Path) -> "Recorded":
        export = config.with_suffix(".ndjson")
        answer(config, "export", "results", "--output", str(export))
        outages = json.loads(answer(config, "outages", "--json"))
        status = json.loads(answer(config, "uptime", "--json"))
        figures = {
            each["key"]: [period["observed"] for period in each["figures"].values()] for each in status["components"]
        }
        return cls(config, export, lines_of(export), outages, figures)

    def beside(self, name: str) -> Path:
        """The same configuration with another store, which is not there yet."""
        file = self.config.with_stem(name)
        store = {"url": f"sqlite:///{store_of(file)}"}
        file.write_text(json.dumps({**json.loads(self.config.read_text()), "store": store}))
        return file


def lines_of(file: Path) -> list[Line]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, keep_for_all: Keeper) -> Recorded:
    """What a daemon left that saw one outage and was stopped."""
    with listening() as server:
        probes = [
            http("page", server.url(), "frontend", every="200ms", recheck="100ms"),
            tcp("door", server.port, every="200ms"),
        ]
        config = write(tmp_path_factory.mktemp("recorded"), probes)
        daemon = keep_for_all(DaemonProcess(config)).ready()
        daemon.shows(lambda status: (status.state("frontend"), status.state("api")) == ("up", "up"), "all up")
        server.failures = 5
        daemon.shows(lambda status: status.state("frontend") == "down", "the outage")
        daemon.shows(lambda status: status.state("frontend") == "up", "its end")
        daemon.send(signal.SIGTERM)
        assert daemon.ended(15) == 0
    silent_ms = max(at_ms for _, at_ms in stored_checks(store_of(config))) + STALE_MS
    until(lambda: to_milliseconds(CLOCK.now()) > silent_ms, "nothing speaks any more")
    return Recorded.of(config)


@pytest.fixture(scope="module")
def copy(recorded: Recorded) -> Recorded:
    """The same, imported into a store of its own."""
    config = recorded.beside("copy")
    done = answer(config, "import", str(recorded.export))
    assert done == f"{len(recorded.lines)} results imported, 0 were there already\n"
    return Recorded.of(config)


def test_outages_are_told(recorded: Recorded) -> None:
    (outage,) = recorded.outages
    failures = [line["started_at"] for line in recorded.lines if line["verdict"] == "down"]
    assert len(failures) == 5
    assert (outage["component"], outage["reason"], outage["step"]) == ("frontend", "status", "answer")
    assert outage["start"] == failures[0]
    assert outage["end"] > failures[-1]
    assert "frontend" in answer(recorded.config, "outages", "frontend")
    assert json.loads(answer(recorded.config, "outages", "--json", "api")) == []


def test_uptime_is_told(recorded: Recorded) -> None:
    (outage,) = recorded.outages
    assert recorded.figures["api"] == [1.0] * 5
    (observed,) = set(recorded.figures["frontend"])
    spoken = [(at_ms, at_ms + STALE_MS) for probe, at_ms in stored_checks(store_of(recorded.config)) if probe == "page"]
    assert observed == pytest.approx(1 - outage["down_milliseconds"] / total(spoken), abs=1e-8)
    table = answer(recorded.config, "uptime")
    assert "100.000" in table and "99.50" in table


def test_an_export_can_be_imported_elsewhere(recorded: Recorded, copy: Recorded) -> None:
    assert copy.outages == recorded.outages
    assert copy.figures == recorded.figures
    assert sorted(map(content_of, copy.lines)) == sorted(map(content_of, recorded.lines))
    assert all(line["id"].startswith("imported:") for line in copy.lines)
    again = recorded.beside("again")
    answer(again, "import", str(copy.export))
    assert answer(again, "export", "results") == copy.export.read_text()


def stored_facts(file: Path) -> int:
    """How many rows there are of anything that an import adds."""
    with closing(sqlite3.connect(file)) as connection:
        tables = ("results", "runs", "probe_terms", "imports", "evidence")
        counts = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
    return sum(counts)


def content_of(line: Line) -> str:
    """All but the id, which tells that a result was imported, and the microseconds of the duration."""
    return json.dumps({**line, "id": None, "seconds": None})


def test_an_import_keeps_durations(recorded: Recorded, copy: Recorded) -> None:
    durations, before = (sorted(line["seconds"] for line in each.lines) for each in (copy, recorded))
    assert durations == before


def test_an_import_can_be_repeated(recorded: Recorded, copy: Recorded) -> None:
    nothing_new = f"0 results imported, {len(recorded.lines)} were there already\n"
    assert answer(copy.config, "import", str(recorded.export)) == nothing_new
    assert answer(copy.config, "import", str(copy.export)) == nothing_new
    assert answer(recorded.config, "import", str(recorded.export)) == nothing_new
    assert answer(copy.config, "export", "results") == copy.export.read_text()


@pytest.mark.parametrize(
    ("spoiled", "words"),
    [
        ({"verdict": "fine"}, "verdict: expected one of down, unknown, up"),
        ({"started_at": "yesterday"}, "started_at: expected a time such as"),
        ({"probe": None}, "probe: expected text"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_imported(recorded: Recorded, spoiled: Line, words: str) -> None:
    config = recorded.beside("bad")
    lines = lines_of(recorded.export)
    lines[2] |= spoiled
    file = config.with_suffix(".ndjson")
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run("import", str(file), "-c", str(config), cwd=file.parent)
    assert (done.returncode, done.stdout) == (2, "")
    first, second = done.stderr.splitlines()
    assert first.startswith(f"{file}:3: {words}")
    assert second == "Nothing was imported."
    assert answer(config, "export", "results") == ""
    assert stored_facts(store_of(config)) == 0


@pytest.mark.parametrize(
    "probe",
    ["door", "retired"],
)
def test_an_import_shows_on_the_pages_of_a_running_daemon(
    tmp_path: Path, listener: Listener, keep: Keeper, probe: str
) -> None:
    """Half an hour that another location saw, with ten minutes of failures, two hours ago."""
    config = write(tmp_path, [tcp("door", listener.port, every="500ms")])
    daemon = keep(DaemonProcess(config)).ready()
    daemon.shows(lambda status: status.component("api")["figures"]["30d"]["observed"] == 1, "uptime without a failure")
    file = tmp_path / "past.ndjson"
    file.write_text("".join(json.dumps(line) + "\n" for line in past_of(probe, "dublin")))
    done = run("import", str(file), "-c", str(config), cwd=tmp_path)
    assert done.stdout == "60 results imported, 0 were there already\n"

    def known(observed: float | None) -> bool:
        return observed is not None and 0.6 < observed < 0.7

    status = daemon.shows(lambda seen: known(seen.component("api")["figures"]["30d"]["observed"]), "the import", 5)
    assert status.state("api") == "up"
    assert "1 outage in the last 30 days" in daemon.fetch("/").text


def past_of(probe: str, location: str) -> Iterator[Line]:
    began = CLOCK.now() - timedelta(hours=2)
    for number in range(60):
        at_ms = to_milliseconds(began + timedelta(seconds=30 * number))
        down = 20 <= number < 40
        yield {
            "id": f"old-{number}",
            "probe": probe,
            "component": "api",
            "location": location,
            "started_at": iso(at_ms),
            "finished_at": iso(at_ms + 100),
            "verdict": "down" if down else "up",
            "reason": "refused" if down else None,
            "every_seconds": 30,
        }
