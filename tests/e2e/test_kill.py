"""A daemon under load that is killed again and again: nothing that it ever told anyone may be missing afterwards."""

import json
import random
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from monitor.sla.availability import tally
from monitor.sla.components import component_spans
from monitor.sla.intervals import subtract, total
from monitor.sla.membership import in_service_since, memberships
from monitor.sla.model import Cause
from tests.e2e.configurations import Probe, Watch, http, tcp, write
from tests.e2e.daemons import DaemonProcess, StandIn
from tests.e2e.listener import Listener
from tests.e2e.processes import Keeper, Process
from tests.e2e.records import Check, check_of, ledger_of, query, reading, stored_checks
from tests.store.histories import assert_results_are_found_through_runs, assert_runs_are_exact

LIVES = 50
SEED = 20_261_123
HEARTBEAT_MS, STALE_MS = 100, 500
EXPORT_EVERY = 10

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


@dataclass
class Told:
    """All that daemons said of results, by the way they said it."""

    logged: set[Check] = field(default_factory=set)
    shown: set[Check] = field(default_factory=set)
    exported: set[Check] = field(default_factory=set)

    def all(self) -> set[Check]:
        return self.logged | self.shown | self.exported


@dataclass
class Life:
    """One life of the daemon and what it told; `counted` is the greatest number of stored results in its metrics."""

    daemon: DaemonProcess
    told: Told
    counted: int = 0

    def watch(self) -> None:
        """Looks at the pages as fast as they answer, until they do no more."""
        with suppress(OSError):
            while True:
                for probe in self.daemon.status().content["probes"]:
                    if probe["last_check"] is not None:
                        self.told.shown.add(check_of(probe["id"], probe["last_check"]))
                self.counted = max(self.counted, int(self.daemon.metric("uptime_results_stored_total")))

    def kill_after(self, seconds: float) -> None:
        watching = threading.Thread(target=self.watch)
        watching.start()
        time.sleep(seconds)  # no synchronisation: the moment is meant to be any
        self.daemon.kill()
        watching.join()


def load(listener: Listener, platform: StandIn) -> list[Probe]:
    """About a hundred checks a second; `pulse` is alone in its component."""
    paces = ["200ms", "300ms", "500ms", "700ms", "1s"]
    probes = [tcp("pulse", listener.port, "pulse", every="200ms", stale_after=f"{STALE_MS}ms")]
    for number in range(20):
        pace = paces[number % len(paces)]
        probes += [tcp(f"tcp-{number}", listener.port, every=pace), http(f"http-{number}", listener.url(), every=pace)]
    return [*probes, Watch(platform.addresses).ingest_coap(every="3s")]


def test_killed_fifty_times_it_loses_nothing_that_it_told(tmp_path: Path, listener: Listener, keep: Keeper) -> None:
    print(f"seed {SEED}")  # noqa: T201  # pytest shows it with a failure
    moments, told = random.Random(SEED), Told()
    platform = keep(StandIn(tmp_path / "platform")).ready()
    config = write(tmp_path / "daemon", load(listener, platform), heartbeat=f"{HEARTBEAT_MS}ms")
    file = config.with_suffix(".db")
    for number in range(LIVES):
        live(config, moments, told, export=number % EXPORT_EVERY == 1)
        assert_nothing_told_is_missing(file, told)
    assert min(len(told.logged), len(told.shown), len(told.exported)) > 10 * LIVES
    last = keep(DaemonProcess(config)).ready()
    last.shows(lambda status: status.state("pulse") == "up", "the pulse")
    last.send(signal.SIGTERM)
    assert last.ended(15) == 0
    reading(file, assert_runs_are_exact)
    assert_results_are_found_through_runs(file)
    assert_no_number_is_missing(file)
    assert_blind_time_is_unknown(file)


def live(config: Path, moments: random.Random, told: Told, *, export: bool) -> None:
    """One life. It ends at any moment: mostly while it checks, sometimes while it is starting."""
    while_starting, seconds = moments.random() < 0.2, moments.uniform(0.0, 0.8)
    with Keeper() as keep:
        life = Life(keep(DaemonProcess(config)), told)
        if while_starting and not export:
            time.sleep(seconds * 2)
            life.daemon.kill()
        else:
            life.daemon.ready()
            exporting = Process(["export", "results", "-c", str(config)], cwd=config.parent) if export else None
            life.kill_after(seconds)
            if exporting is not None:
                told.exported |= exported_by(keep(exporting))
        life.daemon.ended(10)
        told.logged |= {check_of(entry["probe"], entry["started_at"]) for entry in life.daemon.logs("check.finished")}
        assert life.counted == 0 or life.counted <= stored_by_newest_writer(config.with_suffix(".db"))


def exported_by(process: Process) -> set[Check]:
    """The export began beside the daemon, and goes on when that is killed."""
    assert process.ended(20) == 0, process.said()
    lines = [json.loads(line) for line in process.output]
    return {check_of(line["probe"], line["started_at"]) for line in lines}


def stored_by_newest_writer(file: Path) -> int:
    ((number,),) = query(file, "SELECT count(*) FROM results WHERE id >> 32 = (SELECT max(id) FROM writers)")
    return int(number)


def assert_nothing_told_is_missing(file: Path, told: Told) -> None:
    if not file.exists():  # killed before it had made one
        assert not told.all()
        return
    assert query(file, "PRAGMA integrity_check") == [("ok",)]
    missing = told.all() - set(stored_checks(file)) if told.all() else set()
    assert not missing


def assert_no_number_is_missing(file: Path) -> None:
    """A daemon numbers its results: a gap would be one that it lost."""
    gaps = "SELECT id >> 32 FROM results GROUP BY id >> 32 HAVING max(id & 4294967295) > count(*)"
    assert query(file, gaps) == []


def assert_blind_time_is_unknown(file: Path) -> None:
    """To the millisecond: what no result speaks for and no heartbeat covers is unknown, because it was killed."""
    ledger = ledger_of(file)
    since_ms = in_service_since(memberships(ledger.terms, "pulse"))
    assert since_ms is not None
    period = since_ms, ledger.lives[-1].last_ms
    spoken = [(at_ms, at_ms + STALE_MS) for probe, at_ms in stored_checks(file) if probe == "pulse"]
    alive = [(life.first_ms, life.last_ms + (0 if life.clean else HEARTBEAT_MS)) for life in ledger.lives]
    blind_ms = total(subtract([period], [*spoken, *alive]))
    spans = component_spans(ledger, "pulse", period, heartbeat_ms=HEARTBEAT_MS)
    found = tally(spans, period)
    assert [life.clean for life in ledger.lives] == [False] * (len(ledger.lives) - 1) + [True]
    assert found.unknown[Cause.DAEMON_KILLED] == blind_ms
    assert Cause.DAEMON_STOPPED not in found.unknown
    assert blind_ms > LIVES * 100
