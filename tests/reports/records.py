"""Records to report on: courses of events as runs, hour by hour or minute by minute."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from zoneinfo import ZoneInfo

from monitor.sla.agreement import Agreement
from monitor.sla.model import ComponentTerms, Ledger, Life, ProbeTerms, Run, Verdict
from monitor.sla.periods import Period, year
from monitor.sla.record import Record, SealSummary
from monitor.sla.windows import ReasonClass, Window, WindowEntry, WindowKind
from monitor.sla.year_report import Made, YearReport, year_report

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EVERY = 30 * SECOND
STALE = 75 * SECOND
HERE = "frankfurt"
WARSAW = ZoneInfo("Europe/Warsaw")
YEAR = year(2026, WARSAW)
START = YEAR.start_ms
MADE = Made("1.0", "2026a", lambda _country: frozenset())

API = ComponentTerms("api", "Efento Cloud API", Fraction(99, 100), Fraction(999, 1000), "blocker")
INGEST = ComponentTerms("ingest", "Receiving measurements", Fraction(995, 1000), Fraction(9999, 10000), "blocker")
OPERATIONS = ComponentTerms("operations", "Account and device operations", None, None, "major")
AGREEMENT = Agreement(0, "Europe/Warsaw", (API, INGEST, OPERATIONS))


def course(failures: Iterable[tuple[int, int]], start_ms: int, end_ms: int) -> list[Run]:
    """Checks every 30 s from `start_ms` on, which fail during the given stretches."""
    runs: list[Run] = []
    cursor = start_ms
    for first_ms, last_ms in failures:
        runs += [*_run(Verdict.UP, cursor, first_ms), *_run(Verdict.DOWN, first_ms, last_ms)]
        cursor = last_ms
    return [*runs, *_run(Verdict.UP, cursor, end_ms)]


def _run(verdict: Verdict, start_ms: int, end_ms: int) -> list[Run]:
    count = (end_ms - start_ms) // EVERY
    if count <= 0:
        return []
    reason, step = ("refused", "connect") if verdict is Verdict.DOWN else ("", "")
    return [Run(verdict, start_ms, start_ms + (count - 1) * EVERY, count, STALE, 2, reason, step)]


def terms(probe: str, component: str | None, from_ms: int = START) -> ProbeTerms:
    return ProbeTerms(probe, HERE, from_ms, component, EVERY, STALE, 2)


def record(
    runs: dict[str, Sequence[Run]],
    probes: Sequence[ProbeTerms],
    *,
    as_of_ms: int = YEAR.end_ms,
    windows: Sequence[WindowEntry] = (),
    agreements: Sequence[Agreement] = (AGREEMENT,),
    lives: Sequence[Life] | None = None,
    seals: Sequence[SealSummary] = (),
) -> Record:
    always = [Life(HERE, START - DAY, as_of_ms, clean=False)]
    ledger = Ledger({(probe, HERE): found for probe, found in runs.items()}, probes, always if lives is None else lives)
    return Record(as_of_ms, ledger, agreements, windows, (), seals)


def window(number: int, start_ms: int, end_ms: int | None, kind: WindowKind = WindowKind.EXCLUDED) -> WindowEntry:
    """Declared an hour after it began."""
    declared = Window(kind, start_ms, end_ms, "Their <firewall>", "Ada Admin", start_ms + HOUR, ("api",), number=number)
    if kind is WindowKind.EXCLUDED:
        declared = replace(declared, reason_class=ReasonClass.CUSTOMER, approver="Bob Boss")
    return WindowEntry(number, declared.recorded_ms, declared.author, declared)


def a_year(*, as_of_ms: int = YEAR.end_ms) -> Record:
    """Three components: the API down for two hours and a blip, ingest blind for a day, operations down at the end."""
    outages = [(START + 40 * DAY, START + 40 * DAY + 2 * HOUR), (START + 90 * DAY, START + 90 * DAY + EVERY)]
    blind = [
        *course([], START, START + 200 * DAY),
        *course([], START + 203 * DAY, as_of_ms),
    ]
    running = [(as_of_ms - 3 * HOUR, as_of_ms)]
    return record(
        {
            "api": course(outages, START, as_of_ms),
            "ingest-coap": blind,
            "operations": course(running, START + 60 * DAY, as_of_ms),
        },
        [terms("api", "api"), terms("ingest-coap", "ingest"), terms("operations", "operations", START + 60 * DAY)],
        as_of_ms=as_of_ms,
        windows=[window(1, START + 40 * DAY + HOUR, START + 40 * DAY + 2 * HOUR)],
        lives=[
            Life(HERE, START - DAY, START + 200 * DAY, clean=True),
            Life(HERE, START + 203 * DAY, as_of_ms, clean=False),
        ],
        seals=[SealSummary(7, START + 300 * DAY, "ab" * 32, "0123456789abcdef", 8_400_000)],
    )


def reported(found: Record, period: Period = YEAR, made: Made = MADE) -> YearReport:
    return year_report(found, period, WARSAW, made)
