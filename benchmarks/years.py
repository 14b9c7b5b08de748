"""A year on record, made at once: what a daemon leaves behind that asked 8 probes all through 2025.

How often it asked is the scale: every thirty seconds are 8.4 million results, every five minutes a tenth of that. What
failed, and when the daemon stood still, is the same at every pace, so that a report has as much to tell.
"""

import argparse
import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from sqlalchemy.engine import make_url

from benchmarks.figures import CannotMeasure
from benchmarks.processes import COMMAND
from benchmarks.scenario import LOCATION, START_MS, YEAR_MS, http_probe, loaded, write_config
from monitor.config import Config
from monitor.sla.model import Life, ProbeTerms, Verdict
from monitor.store import Store
from monitor.store.ids import own_id
from monitor.store.schema import VERDICT_CODES
from monitor.store.simulated import record_boots

PROBES = 8
YEAR = "2025"
MINUTE_MS = 60_000
FAILURES, OUTAGES = 240, 60  # of each probe in the year, and how many of them, about, are more than a blip
GAPS = 12  # of the daemon in the year
WRITER = 1  # the first of a new store
EVERY_SECONDS = 300.0
AS_INSTALLED = {"PYTHONDONTWRITEBYTECODE": ""}  # an installation keeps its modules compiled
# A small process in between: what a child of this one has used of memory is said to be at least what this one has.
LAUNCHER = """
import resource, subprocess, sys, time
began = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(code)
"""
Row = tuple[int, int, int, int, int, int, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Year:
    """A store with a year in it. `file` is SQLite's."""

    config_file: Path
    file: Path
    results: int

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"


@dataclass(frozen=True, slots=True)
class Used:
    """What a process took: by the wall clock, of a processor, and the greatest memory that it held."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def every_seconds_asked(default: float = EVERY_SECONDS) -> float:
    """`--every SECONDS` of a benchmark's command line: the pace of the year's probes."""
    parser = argparse.ArgumentParser(description="Measures, at the pace of probes that is given.")
    parser.add_argument("--every", type=float, default=default, metavar="SECONDS", help="between two checks")
    parser.add_argument("--json", action="store_true", help="for programs")
    found: float = parser.parse_args().every
    return found


def make_year(folder: Path, every_seconds: float) -> Year:
    """A new store in the folder, with its configuration beside it. Takes about 3 s for each million results."""
    config_file = write_config(folder, http_probe(1), count=PROBES, every=f"{every_seconds:g}s")
    config = loaded(config_file)
    file = Path(str(make_url(config.store_url).database))
    every_ms = round(every_seconds * 1000)
    asyncio.run(_begin(config, every_ms))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        numbers = _numbers(connection)
        connection.executemany("INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _rows(every_ms, numbers))
        connection.execute(
            "INSERT INTO evidence SELECT id, 'GET http://127.0.0.1/: not complete within 10 s', NULL"
            " FROM results WHERE verdict = ?",
            (VERDICT_CODES[Verdict.DOWN],),
        )
        ((count,),) = connection.execute("SELECT count(*) FROM results").fetchall()
    asyncio.run(_finish(config))
    return Year(config_file, file, count)


def used_by(arguments: Sequence[str], command: str | Path = COMMAND) -> Used:
    """What a command takes from its start to its end. Raises `CannotMeasure` where it fails."""
    launching = [sys.executable, "-c", LAUNCHER, str(command), *arguments]
    done = subprocess.run(launching, stdout=subprocess.PIPE, text=True, env={**os.environ, **AS_INSTALLED})
    if done.returncode:
        raise CannotMeasure(f"{arguments[0]} failed")
    seconds, cpu_seconds, kilobytes = map(float, done.stdout.split())
    return Used(seconds, cpu_seconds, kilobytes * 1024 / 1e6)


async def _begin(config: Config, every_ms: int) -> None:
    async with await Store.open(config.store_url) as store:
        terms = [
            ProbeTerms(probe.id, LOCATION, START_MS, probe.component, every_ms, round(2.5 * every_ms), 2)
            for probe in config.probes
        ]
        await store.record_terms(LOCATION, START_MS, terms)
        await store.record_agreement(config.agreement(START_MS), START_MS)
        ends = [*((start_ms, end_ms) for start_ms, end_ms in _gaps()), (START_MS + YEAR_MS, 0)]
        starts = [START_MS, *(end_ms for _, end_ms in _gaps())]
        lives = [Life(LOCATION, first, last, clean=True) for first, (last, _) in zip(starts, ends, strict=True)]
        await record_boots(store, "bench", [("boot-of-the-year", lives)])


async def _finish(config: Config) -> None:
    async with await Store.open(config.store_url) as store:
        await store.rebuild_runs()


def _numbers(connection: sqlite3.Connection) -> tuple[list[int], int, int, int]:
    """The store's numbers of the probes, the location, the one reason and the one step."""
    connection.execute("INSERT OR IGNORE INTO reasons (reason) VALUES ('timeout')")
    connection.execute("INSERT OR IGNORE INTO steps (step) VALUES ('request')")
    probes = dict(connection.execute("SELECT probe, id FROM probes").fetchall())
    ((place,),) = connection.execute("SELECT id FROM locations").fetchall()
    ((reason,),) = connection.execute("SELECT id FROM reasons WHERE reason = 'timeout'").fetchall()
    ((step,),) = connection.execute("SELECT id FROM steps WHERE step = 'request'").fetchall()
    return [probes[f"probe-{number}"] for number in range(PROBES)], place, reason, step


def _rows(every_ms: int, numbers: tuple[list[int], int, int, int]) -> Iterator[Row]:
    """In the order in which a daemon finds them: of a turn one probe after the other."""
    probes, place, reason, step = numbers
    up, down = VERDICT_CODES[Verdict.UP], VERDICT_CODES[Verdict.DOWN]
    result_id = own_id(WRITER, 0)
    stands_still = _Within(_gaps())
    fails = [_Within(_failures(number, every_ms)) for number in range(PROBES)]
    for turn_ms in range(START_MS, START_MS + YEAR_MS, every_ms):
        if stands_still.at(turn_ms):
            continue
        for number, probe in enumerate(probes):
            started_ms = turn_ms + number * every_ms // PROBES
            duration_us = 20_000 + started_ms * 7919 % 90_000
            result_id += 1
            if fails[number].at(started_ms):
                yield result_id, probe, place, started_ms, duration_us, down, reason, step
            else:
                yield result_id, probe, place, started_ms, duration_us, up, None, None


class _Within:
    """Whether times, asked for in their order, are inside stretches that are in theirs."""

    def __init__(self, stretches: Sequence[tuple[int, int]]) -> None:
        self._coming = iter([*stretches, (2**62, 2**62)])
        self._start_ms, self._end_ms = next(self._coming)

    def at(self, at_ms: int) -> bool:
        while at_ms >= self._end_ms:
            self._start_ms, self._end_ms = next(self._coming)
        return at_ms >= self._start_ms


@cache
def _gaps() -> list[tuple[int, int]]:
    return _stretches(Random("gaps"), GAPS, lambda random: random.randrange(30, 60) * MINUTE_MS)


def _failures(number: int, every_ms: int) -> list[tuple[int, int]]:
    """Outages of ten minutes to an hour, most of them short, and between them single checks that fail."""

    def length_ms(random: Random) -> int:
        return (
            every_ms if random.randrange(FAILURES // OUTAGES) else round((10 + 50 * random.random() ** 3) * MINUTE_MS)
        )

    return _stretches(Random(number), FAILURES, length_ms)


def _stretches(random: Random, count: int, length_ms: Callable[[Random], int]) -> list[tuple[int, int]]:
    """So many, one in each of as many equal parts of the year, so that none meets the next."""
    part_ms = YEAR_MS // count
    starts = [START_MS + each * part_ms + random.randrange(part_ms // 2) for each in range(count)]
    return [(start_ms, start_ms + length_ms(random)) for start_ms in starts]
