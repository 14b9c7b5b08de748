"""From an order to the files of a report: what the command line and the web's own process have in common."""

import asyncio
from bisect import bisect_right
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

from monitor.reports.as_json import as_json
from monitor.sla.agreement import Agreement
from monitor.sla.model import ProbeTerms, Verdict
from monitor.sla.outages import Outage
from monitor.sla.record import Record
from monitor.sla.report_periods import named_period
from monitor.sla.year_report import Made, YearReport, year_report
from monitor.store import Store
from monitor.store.evidence_refs import FirstFailures

FORMATS = ("html", "pdf", "csv", "json")


class ReportError(Exception):
    """There is no such report, and the text says why."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be reported on. `default` is the agreement that holds where none is on record, if any does."""

    store_url: str
    period: str
    as_of_ms: int
    default: Agreement | None
    formats: tuple[str, ...] = FORMATS


def made(order: Order) -> dict[str, bytes]:
    """The report in each format. Raises `ReportError` and `StoreError`.

    For a process that does nothing else meanwhile: it computes for a while.
    """
    record, first_failures = asyncio.run(_facts(order))
    return written(report_of(record, order.period, made_here(record, first_failures)), order.formats)


async def _facts(order: Order) -> tuple[Record, FirstFailures]:
    async with await Store.open(order.store_url, read_only=True) as store:
        return await store.facts(order.as_of_ms, order.default), await store.first_failures(order.as_of_ms)


def made_here(record: Record, first_failures: FirstFailures) -> Made:
    """What reports of this record are made with by this process."""
    from monitor.version import VERSION

    return Made(VERSION, tzdata_version(), Holidays, evidence_of(record, first_failures))


def evidence_of(record: Record, first_failures: FirstFailures) -> dict[str, str]:
    """By the id that an outage has which begins with it, each failure's first result.

    Of failures that begin at the same instant, one that was confirmed goes first, then the order of names decides.
    """
    histories = _components(record.ledger.terms)
    found: dict[str, tuple[bool, str, str, str]] = {}
    for (probe, location), runs in record.ledger.runs.items():
        for run in runs:
            name = first_failures.get((probe, location, run.first_ms)) if run.verdict is Verdict.DOWN else None
            component = name and _component_at(histories.get((probe, location), ()), run.first_ms)
            if name and component:
                outage = Outage(component, run.first_ms, None, 0, 0)
                candidate = run.count < run.confirm_after, probe, location, name
                found[outage.id] = min(candidate, found.get(outage.id, candidate))
    return {outage: name for outage, (*_, name) in found.items()}


def _components(terms: Iterable[ProbeTerms]) -> dict[tuple[str, str], list[ProbeTerms]]:
    histories: dict[tuple[str, str], list[ProbeTerms]] = {}
    for each in terms:
        histories.setdefault((each.probe, each.location), []).append(each)
    return histories


def _component_at(history: Sequence[ProbeTerms], moment_ms: int) -> str | None:
    before = bisect_right(history, moment_ms, key=attrgetter("from_ms"))
    return history[before - 1].component if before else None


def report_of(record: Record, period_name: str, made: Made) -> YearReport:
    """The report of a period, by its name, in the time zone that the newest agreement names."""
    if not record.agreements:
        raise ReportError("no agreement is on record, so that nobody can tell what is promised")
    zone = ZoneInfo(max(record.agreements, key=lambda agreement: agreement.from_ms).zone)
    try:
        period = named_period(period_name, zone)
        return year_report(record, period, zone, made)
    except ValueError as error:
        raise ReportError(str(error)) from None


def written(report: YearReport, formats: Iterable[str]) -> dict[str, bytes]:
    """Each of the formats; what people read is put into words once. What is not asked for is not imported either."""
    wanted = set(formats)
    found: dict[str, bytes] = {}
    if "json" in wanted:
        found["json"] = as_json(report)
    if "csv" in wanted:
        from monitor.reports.as_csv import as_csv

        found["csv"] = as_csv(report)
    if wanted & {"html", "pdf"}:
        found |= _for_people(report, wanted)
    return found


def _for_people(report: YearReport, wanted: set[str]) -> Mapping[str, bytes]:
    from monitor.reports.view import view

    words = view(report)
    found = {}
    if "html" in wanted:
        from monitor.reports.as_html import as_html

        found["html"] = as_html(words)
    if "pdf" in wanted:
        from monitor.reports.as_pdf import as_pdf

        found["pdf"] = as_pdf(words, report.as_of_ms)
    return found


class Holidays(Container[date]):
    """A country's public holidays, looked up when a deadline asks for one: most outages' clocks never do."""

    def __init__(self, country: str) -> None:
        self._country = country

    def __contains__(self, on: object) -> bool:
        from monitor.calendars import public_holidays

        return on in public_holidays(self._country)


def tzdata_version() -> str:
    """The version of the time zones that are in use: the machine's, where it has any, else those that came along."""
    for folder in map(Path, TZPATH):
        if (folder / "Europe").is_dir():
            return _version_of(folder / "tzdata.zi")
    from importlib.metadata import version

    return version("tzdata")


def _version_of(source: Path) -> str:
    if not source.is_file():
        return "of this machine"
    with source.open(encoding="utf-8") as lines:
        first = lines.readline().split()
    return first[2] if first[:2] == ["#", "version"] else "of this machine"
