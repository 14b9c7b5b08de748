"""The proof that an auditor asks for: seals, what they find, and figures that outlive the results they are made of."""

import asyncio
import json
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import iso, to_milliseconds
from monitor.config import load
from monitor.store import Store
from tests.e2e.auditing import component_in, configured, days_ago, now_ms, reported, said, told
from tests.e2e.configurations import tcp, write
from tests.e2e.daemons import DaemonProcess
from tests.e2e.listener import Listener, listening
from tests.e2e.processes import Keeper
from tests.e2e.records import query

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]


@pytest.fixture(scope="module")
def sealed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a daemon that checked, was killed, was started again and stopped: all of it sealed."""
    with listening() as listener, Keeper() as keep:
        config = configured(tmp_path_factory.mktemp("sealed"), [tcp("door", listener.port, every="100ms")])
        for end in (signal.SIGKILL, signal.SIGTERM):
            daemon = keep(DaemonProcess(config)).ready()
            daemon.shows(lambda status: status.state("api") == "up", "checks")
            times = ["--from", iso(now_ms()), "--to", iso(now_ms() + 60_000)]
            said(config, "window", "add", "maintenance", *times, "--text", "the cellar is flooded", "--by", "Ann")
            told(config, "seal")
            daemon.send(end)
            daemon.ended(15)
        told(config, "seal")
    return config


@pytest.fixture
def sealed(sealed_once: Path, tmp_path: Path) -> Path:
    """The same in a folder of its own, to be tampered with."""
    folder = tmp_path / "copy"
    shutil.copytree(sealed_once.parent, folder)
    config = folder / sealed_once.name
    config.write_text(config.read_text().replace(str(sealed_once.parent), str(folder)))
    return config


def store_of(config: Path) -> Path:
    return config.with_suffix(".db")


def test_a_record_that_nobody_touched_holds(sealed: Path) -> None:
    """Across a crash, with two seals made beside the running daemon; and so does its newest digest, told elsewhere."""
    found = told(sealed, "verify")
    assert found["holds"] and found["findings"] == [] and found["unsealed"] == {}
    assert found["seals"] == found["newest"]["number"] == 3
    digest = f"{found['newest']['number']}:{found['newest']['digest']}"
    assert "Everything holds." in said(sealed, "verify", "--digest", digest)
    (seal,) = json.loads(reported(sealed, "report", now_ms())["json"])["seals"][-1:]
    assert seal["digest"] == found["newest"]["digest"]
    said(sealed, "verify", "--digest", f"3:{'0' * 64}", code=1)


def changed(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        assert connection.execute(statement).rowcount == 1


def result_in_the_middle(file: Path) -> tuple[str, int]:
    """Its name outside the store, and its id."""
    rows = query(file, "SELECT boot_id, r.id FROM results AS r JOIN writers AS w ON w.id = r.id >> 32 ORDER BY r.id")
    boot_id, number = rows[len(rows) // 2]
    return f"{boot_id}:{number & 0xFFFFFFFF}", number


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("changed", "UPDATE results SET verdict = 2 - verdict WHERE id = {id}"),
        ("changed", "UPDATE results SET duration_us = duration_us + 1 WHERE id = {id}"),
        ("removed", "DELETE FROM results WHERE id = {id}"),
    ],
)
def test_a_result_that_is_not_what_was_sealed_is_named(sealed: Path, kind: str, statement: str) -> None:
    name, number = result_in_the_middle(store_of(sealed))
    changed(store_of(sealed), statement.format(id=number))
    findings = told(sealed, "verify", code=1)["findings"]
    assert (kind, "results", name) in [(each["kind"], each["table"], each["row"]) for each in findings]
    assert name in said(sealed, "verify", code=1)


def test_a_flipped_byte_of_the_file_is_found(sealed: Path) -> None:
    """As somebody does it who does not go through the database."""
    file = store_of(sealed)
    content = file.read_bytes()
    place = content.index(b"flooded")
    file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    (finding,) = told(sealed, "verify", code=1)["findings"]
    assert (finding["kind"], finding["table"]) == ("changed", "windows")


def test_two_daemons_that_seal_one_store(tmp_path: Path, listener: Listener, keep: Keeper) -> None:
    """A store that came into use the day before yesterday is due: both seal at once, none of the two twice."""
    first = configured(tmp_path, [tcp("door", listener.port, every="100ms")], seal={"at": "00:00"})
    second = with_sections(first, "second", location="elsewhere", seal={"at": "00:00"})
    came_into_use(first, 2)
    daemons = [keep(DaemonProcess(config)) for config in (first, second)]
    told_of = [daemon.ready().logged("seal.made") for daemon in daemons]
    for daemon in daemons:
        daemon.send(signal.SIGTERM)
        assert daemon.ended(15) == 0
        assert daemon.logs("seal.failed") == []
    found = told(first, "verify")
    assert found["holds"] and found["seals"] == max(each["number"] for each in told_of) <= 2
    by_number = dict(query(store_of(first), "SELECT number, digest FROM seals"))
    assert all(by_number[each["number"]] == each["digest"] for each in told_of)


def test_figures_outlive_the_results(tmp_path: Path, listener: Listener, keep: Keeper) -> None:
    """Results older than two days are deleted after the day's seal: every report's bytes stay, and the seals hold."""
    config = configured(
        tmp_path, [tcp("door", listener.port, every="10m")], seal={"at": "00:00"}, retention={"results": "2d"}
    )
    came_into_use(config, 6)
    imported(config, 5, 1)
    as_of_ms = [now_ms(), to_milliseconds(days_ago(1.5))]  # of the second one, the results that decide it stay
    kept = [reported(config, f"before-{number}", moment) for number, moment in enumerate(as_of_ms)]
    before = count_of(config)
    daemon = keep(DaemonProcess(config)).ready()
    deleted = daemon.logged("results.pruned")["results"]
    daemon.send(signal.SIGTERM)
    assert daemon.ended(15) == 0
    assert deleted > before // 2
    assert count_of(config) < before
    assert [reported(config, f"after-{number}", moment) for number, moment in enumerate(as_of_ms)] == kept
    assert component_in(kept[0]["json"], "api")["statistics"]["outages"] > 10, "there is something to compare"
    found = told(config, "verify")
    assert found["holds"] and found["pruned"] == deleted
    assert "were pruned for their age" in said(config, "verify")


def with_sections(config: Path, name: str, **sections: Any) -> Path:
    """A configuration of the same probes and the same store, with other settings, in a folder of its own."""
    content = json.loads(config.read_text())
    return write(config.parent / name, content.pop("probes"), name, **{**content, **sections})


def came_into_use(config: Path, days: float) -> None:
    """The store, so many days ago: what is due every day is overdue then."""

    loaded, at_ms = load(config, {}), to_milliseconds(days_ago(days))

    async def begin() -> None:
        async with await Store.open(loaded.store_url) as store:
            await store.record_agreement(loaded.agreement(at_ms), at_ms)

    asyncio.run(begin())


def imported(config: Path, from_days: float, to_days: float) -> None:
    """Checks of the one probe every ten minutes, with an outage of half an hour every six hours."""
    file = config.parent / "past.ndjson"
    file.write_text("".join(f"{json.dumps(each)}\n" for each in past(from_days, to_days)))
    said(config, "import", str(file))


def past(from_days: float, to_days: float) -> Iterator[dict[str, Any]]:
    at, turn = days_ago(from_days), 0
    while at < days_ago(to_days):
        down = turn % 36 < 3
        yield {
            "id": f"past-{turn}", "probe": "door", "location": "test", "started_at": at.isoformat(),
            "finished_at": (at + timedelta(milliseconds=20)).isoformat(), "verdict": "down" if down else "up",
            "reason": "refused" if down else None, "step": "connect" if down else None, "every_seconds": 600,
        }  # fmt: skip
        at, turn = at + timedelta(minutes=10), turn + 1


def count_of(config: Path) -> int:
    ((count,),) = query(store_of(config), "SELECT count(*) FROM results")
    return int(count)
