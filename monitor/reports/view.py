"""A report in words: everything that people read, as text, in the order in which they read it.

`as_html` and `as_pdf` lay the same words out, so that they cannot contradict each other. A table is its heads and its
rows of text.
"""

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from monitor.reports.component_view import ComponentView, component_view
from monitor.reports.method import METHOD
from monitor.reports.sentences import called, sentence, verdict_word
from monitor.reports.tables import Fact, Table
from monitor.reports.terms_view import TermsView, terms_view
from monitor.reports.windows_view import windows_table, withdrawn_table
from monitor.reports.wording import local_minute, ratio
from monitor.sla.availability import percent
from monitor.sla.year_report import ComponentReport, YearReport
from monitor.words import NOTHING, local_time, promised


@dataclass(frozen=True, slots=True)
class Line:
    """A component's line of the summary. `mood` is `met`, `missed`, `inconclusive` or `none`."""

    key: str
    title: str
    promised: str
    verdict: str
    mood: str
    observed: str
    pessimistic: str
    optimistic: str
    coverage: str
    sentence: str


@dataclass(frozen=True, slots=True)
class View:
    title: str
    period: str
    as_of: str
    zone: str
    notes: tuple[str, ...]
    summary: tuple[Line, ...]
    method: tuple[Fact, ...]
    components: tuple[ComponentView, ...]
    windows: Table
    withdrawn: Table
    terms: tuple[TermsView, ...]
    monitor: Table
    seals: Table
    newest_seal: str
    versions: tuple[Fact, ...]


def view(report: YearReport) -> View:
    period = report.period
    first, following = (local_minute(at_ms, report.zone) for at_ms in period.interval)
    return View(
        title=f"Uptime report {called(period.name)}",
        period=f"{first} to {following}",
        as_of=local_time(report.as_of_ms, report.zone),
        zone=report.zone.key,
        notes=tuple(_notes(report)),
        summary=tuple(_line(report, each) for each in report.components),
        method=tuple(Fact(heading, text) for heading, text in METHOD),
        components=tuple(component_view(report, each) for each in report.components),
        windows=windows_table(report),
        withdrawn=withdrawn_table(report),
        terms=tuple(terms_view(report)),
        monitor=_monitor(report),
        seals=_seals(report),
        newest_seal=_newest_seal(report),
        versions=(Fact("Software", f"efento-uptime {report.software}"), Fact("Time zones", f"tzdata {report.tzdata}")),
    )


def as_data(found: View) -> dict[str, Any]:
    return asdict(found)


def _notes(report: YearReport) -> list[str]:
    """What a reader must know before any figure."""
    notes = []
    if report.running:
        notes.append(
            f"The period is not over: everything here counts until {local_time(report.as_of_ms, report.zone)}."
        )
    since_ms = report.since_ms()
    if since_ms is None:
        notes.append("No probe was in service: nothing was observed.")
    elif since_ms > report.period.start_ms:
        when = local_time(since_ms, report.zone)
        notes.append(f"Monitoring began late, on {when}. The time before it is unknown, neither up nor left out.")
    for each in report.components:
        if since_ms is not None and each.since_ms is not None and each.since_ms > max(since_ms, report.period.start_ms):
            notes.append(f"{each.terms.title} is monitored since {local_time(each.since_ms, report.zone)}.")
    return notes


def _line(report: YearReport, each: ComponentReport) -> Line:
    account = each.account
    verdict = account.verdict
    coverage = ratio(account.coverage, 2) if account.reckoned_ms else NOTHING
    return Line(
        key=each.terms.key,
        title=each.terms.title,
        promised=promised(account.floor),
        verdict=verdict_word(report, each),
        mood="none" if verdict is None else verdict.value,
        observed=ratio(account.observed),
        pessimistic=ratio(account.pessimistic),
        optimistic=ratio(account.optimistic),
        coverage=coverage,
        sentence=sentence(report, each),
    )


def _monitor(report: YearReport) -> Table:
    length_ms = report.counted.length_ms
    rows = tuple((each.location, percent(Fraction(each.ran_ms, length_ms), 3)) for each in report.watches)
    return Table(("Location", "The monitor ran"), rows, "No heartbeat of a monitor is on record.")


def _seals(report: YearReport) -> Table:
    rows = [
        (str(seal.number), local_time(seal.sealed_ms, report.zone), f"{seal.rows:,}", seal.key, seal.digest)
        for seal in report.seals[-1:]
    ]
    return Table(("Number", "Sealed", "Rows", "Key", "SHA-256"), tuple(rows), "Nothing is sealed yet.")


def _newest_seal(report: YearReport) -> str:
    if not report.seals:
        return "No seal covers these facts yet: that they were not changed afterwards is not proved."
    newest = report.seals[-1]
    return (
        f"Seal {newest.number} is the newest; each seal contains the digest of the one before, so that this one digest "
        f"vouches for everything that was recorded up to it. efento-uptime verify --digest {newest.number}:DIGEST "
        "holds the database against it."
    )
