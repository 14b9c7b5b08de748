"""Writes a simulated year into a store, through the doors that a daemon and its operators use."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from monitor.simulation.course import Course
from monitor.simulation.ledger import boots, ledger_of, recorded_ms, terms_of
from monitor.simulation.observing import Looks, Overrun, duration_us, observe
from monitor.simulation.parameters import Watcher
from monitor.sla.agreement import Agreement
from monitor.sla.intervals import Interval
from monitor.sla.model import ProbeTerms, Verdict
from monitor.store import ImportRow, Store, StoreError
from monitor.store.records import ScheduleEvent
from monitor.store.simulated import record_boots, record_runs

PORTION_MS = 30 * 86_400_000
DETAILS = {
    "refused": "connection refused",
    "deadline": "not finished in time",
    "offline": "no reference target can be reached either",
    "blocked": "the component that answers the question is down",
}

Observed = Mapping[str, Sequence[Looks | Overrun]]


async def record_year(
    store: Store,
    course: Course,
    agreement: Agreement,
    location: str,
    version: str,
    on_progress: Callable[[int], object] = lambda _results: None,
) -> int:
    """Puts the whole year on record, as it would be at its end; returns how many results there are.

    Raises `StoreError` where the store has terms or results already.
    """
    observed: Observed = {probe.id: observe(course, probe) for probe in course.probes}
    await _record_but_results(store, course, agreement, location, version, _events(observed, location))
    count = 0
    for portion in _portions(course.interval):
        count += await _import(store, course, observed, location, portion, on_progress)
    return count


async def record_runs_alone(store: Store, course: Course, agreement: Agreement, location: str, version: str) -> None:
    """The same without results, in a fraction of the time: as a store is after all of them were deleted for their age.

    Raises `StoreError` where the store has terms or results already.
    """
    await _record_but_results(store, course, agreement, location, version)
    await record_runs(store, ledger_of(course, location).runs, course.interval[1])


async def _record_but_results(
    store: Store,
    course: Course,
    agreement: Agreement,
    location: str,
    version: str,
    events: Iterable[ScheduleEvent] = (),
) -> None:
    if (await store.ledger()).terms:
        raise StoreError("the store is in use already; a simulated year wants a new one")
    await store.record_agreement(agreement, course.interval[0])
    await _record_terms(store, course, location)
    named = [(f"simulated-{course.seed}-{place}", lives) for place, lives in enumerate(boots(course, location))]
    await record_boots(store, version, named, events)
    for window in sorted(course.windows, key=lambda window: window.recorded_ms):
        await store.add_window(window)


async def _record_terms(store: Store, course: Course, location: str) -> None:
    """One call for each instant at which something changed, as a daemon does when it starts."""
    terms = terms_of(course, location)
    for at_ms in sorted({each.from_ms for each in terms}):
        in_force = {each.probe: each for each in terms if each.from_ms <= at_ms}
        await store.record_terms(location, at_ms, in_force.values(), _titles(course, at_ms))


def _titles(course: Course, at_ms: int) -> dict[str, str]:
    return {
        probe.id: settings.title
        for probe in course.probes
        for settings in probe.settings
        if recorded_ms(course, settings.from_ms) <= at_ms
    }


def _events(observed: Observed, location: str) -> Iterator[ScheduleEvent]:
    for probe, found in observed.items():
        for each in found:
            if isinstance(each, Overrun):
                cause = f"the check before it still runs, since {each.running_ms / 1000:.1f} s"
                yield ScheduleEvent(probe, location, each.shown_ms, "overrun", cause, 0)


def _portions(interval: Interval) -> Iterator[Interval]:
    start, end = interval
    for begin in range(start, end, PORTION_MS):
        yield begin, min(begin + PORTION_MS, end)


async def _import(
    store: Store,
    course: Course,
    observed: Observed,
    location: str,
    portion: Interval,
    on_progress: Callable[[int], object],
) -> int:
    name = f"simulated year, seed {course.seed}, from {portion[0]}"
    done = await store.import_results(
        _rows(course, observed, location, portion, on_progress),
        file_name=name,
        sha256=sha256(name.encode()).hexdigest(),
        imported_ms=course.interval[1],
        terms_of=_no_terms,
    )
    return done.added


def _no_terms(newcomer: object) -> ProbeTerms:
    raise StoreError(f"a simulated result without terms: {newcomer}")


def _rows(
    course: Course, observed: Observed, location: str, portion: Interval, on_progress: Callable[[int], object]
) -> Iterator[ImportRow]:
    for probe in course.probes:
        before = 0
        for number, row in enumerate(rows_of(probe, observed[probe.id], location, portion, course.seed)):
            yield row
            before = number + 1
        on_progress(before)


def rows_of(
    probe: Watcher, observed: Sequence[Looks | Overrun], location: str, portion: Interval, seed: int
) -> Iterator[ImportRow]:
    """The results of a probe that truly began in the half-open time, one after the other."""
    start, end = portion
    for looks in observed:
        if isinstance(looks, Overrun) or looks.last_true_ms < start or looks.true_ms >= end:
            continue
        offset = looks.shown_ms - looks.true_ms
        skipped = max(0, -(-(start - looks.true_ms) // looks.every_ms))
        last = min(looks.last_true_ms, end - 1)
        for true_ms in range(looks.true_ms + skipped * looks.every_ms, last + 1, looks.every_ms):
            yield _row(probe, looks, location, true_ms, offset, seed)


def _row(probe: Watcher, looks: Looks, location: str, true_ms: int, offset: int, seed: int) -> ImportRow:
    took_us = duration_us(true_ms) if looks.duration_us is None else looks.duration_us
    started_ms = true_ms + offset
    return ImportRow(
        id=f"simulated-{seed}:{probe.id}:{true_ms}",
        probe=probe.id,
        location=location,
        started_ms=started_ms,
        finished_ms=started_ms + took_us // 1000,
        verdict=looks.verdict,
        reason=looks.reason,
        step=looks.step,
        detail="" if looks.verdict is Verdict.UP else DETAILS[looks.reason],
        duration_us=took_us,
    )
