"""The demo's past: a simulated history, so that a new demo has a year to show. It is in the demo's own store alone."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

from monitor.clock import Clock, to_milliseconds
from monitor.config import Config
from monitor.simulation.course import Course, draw
from monitor.simulation.parameters import SECOND_MS, Watcher
from monitor.simulation.recording import record_runs_alone
from monitor.simulation.watchers import watchers_of
from monitor.sla.intervals import Interval
from monitor.sla.periods import local_date, year
from monitor.store import Store

SEED = 7
EVERY_SECONDS = 60.0
RECHECK_MS = 20 * SECOND_MS
STOPPED_BEFORE = timedelta(minutes=3)  # the past's daemon, before the demo's starts
# Early in a year the past begins with the year before: a few days are no year to show.
SHORTEST = timedelta(days=60)
QUARTER_MS = 240_000  # windows lie in quarters of the past: so they begin and end at whole minutes
REMARK = "(simulated)"


async def record_past(config: Config, clock: Clock) -> date | None:
    """Records a past in a store that is not there yet; returns its first day, or None where there is a store.

    Runs, windows and the daemon's lives are on record, as they are after retention; single results are not.
    """
    if await asyncio.to_thread(Store.exists, config.store_url):
        return None
    course = _course(config, _interval(config, clock))
    agreement = config.agreement(course.interval[0])
    async with await Store.open(config.store_url) as store:
        await record_runs_alone(store, course, agreement, config.location, "simulated")
    return local_date(course.interval[0], config.zone)


def _interval(config: Config, clock: Clock) -> Interval:
    end_ms = to_milliseconds(clock.now() - STOPPED_BEFORE) // QUARTER_MS * QUARTER_MS
    first_day = local_date(to_milliseconds(clock.now() - SHORTEST), config.zone)
    return year(first_day.year, config.zone).start_ms, end_ms


def _course(config: Config, interval: Interval) -> Course:
    probes = [_less_often(probe) for probe in watchers_of(config, interval, EVERY_SECONDS)]
    history = config.agreement(interval[0]).history_probes
    course = draw(SEED, interval, probes, history_probes=history)
    return replace(
        course,
        sessions=(*course.sessions[:-1], replace(course.sessions[-1], clean=True)),
        windows=tuple(replace(window, text=f"{window.text} {REMARK}") for window in course.windows),
    )


def _less_often(probe: Watcher) -> Watcher:
    """With a slower recheck than the demo's: most of the time that this takes is spent on outages."""
    return replace(probe, settings=tuple(replace(each, recheck_ms=RECHECK_MS) for each in probe.settings))
