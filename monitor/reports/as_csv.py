"""A report as CSV (RFC 4180): a row for each component and period, the whole one first, then its months."""

import csv
from collections.abc import Iterator
from io import StringIO

from monitor.clock import iso
from monitor.reports.as_json import milliseconds_of, ratio_text
from monitor.sla.accounts import Account
from monitor.sla.model import Cause
from monitor.sla.year_report import ComponentReport, YearReport

CLASSES = ("period", "up", "down", "unknown", "maintenance", "restore", "excluded")
COLUMNS = (
    "period",
    "start",
    "counted_until",
    "component",
    "title",
    "floor",
    "verdict",
    "observed",
    "pessimistic",
    "optimistic",
    "coverage",
    *(f"{name}_ms" for name in CLASSES),
    *(f"unknown_{cause.value}_ms" for cause in Cause),
    "certainly_down_ms",
    "possibly_down_ms",
    "required_ms",
    "blips",
    "blip_ms",
    "outages",
    "as_of",
)


def as_csv(report: YearReport) -> bytes:
    """UTF-8, with a heading; fields without a value are empty. The verdict stands in the whole period's row alone."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for component in report.components:
        writer.writerow(_row(report, component, component.account, report.period.name))
        if len(component.months) > 1:
            writer.writerows(
                _row(report, component, month, month.period.name, whole=False) for month in component.months
            )
    return text.getvalue().encode()


def _row(
    report: YearReport, component: ComponentReport, account: Account, name: str, *, whole: bool = True
) -> list[str]:
    return ["" if cell is None else _inert(str(cell)) for cell in _cells(report, component, account, name, whole)]


def _cells(
    report: YearReport, component: ComponentReport, account: Account, name: str, whole: bool
) -> Iterator[str | int | None]:
    verdict = account.verdict if whole else None
    times = milliseconds_of(account.classes)
    yield name
    yield iso(account.period.start_ms)
    yield iso(account.period.end_ms)
    yield component.terms.key
    yield component.terms.title
    yield ratio_text(account.floor)
    yield None if verdict is None else verdict.value
    yield from (ratio_text(ratio) for ratio in (account.observed, account.pessimistic, account.optimistic))
    yield ratio_text(account.coverage if account.reckoned_ms else None)
    yield from (times[each] for each in CLASSES)
    yield from (account.classes.unknown.get(cause, 0) for cause in Cause)
    yield from (account.certainly_down_ms, account.possibly_down_ms, account.required_ms)
    yield from (account.blips, account.blip_ms)
    yield sum(1 for each in component.outages if _touches(each.outage.start_ms, each.outage.end_ms, account))
    yield iso(report.as_of_ms)


def _touches(start_ms: int, end_ms: int | None, account: Account) -> bool:
    return start_ms < account.period.end_ms and (end_ms is None or end_ms > account.period.start_ms)


def _inert(cell: str) -> str:
    """Titles are free text: what a spreadsheet would take for a formula is made plain text."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not cell.lstrip("-").isdigit() else cell
