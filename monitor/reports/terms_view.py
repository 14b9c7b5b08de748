"""The agreements in force, piece by piece, in words."""

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.reports.tables import Fact, Table
from monitor.reports.wording import allowance, length, listed, local_minute
from monitor.sla.agreement import Agreement, SupportHours
from monitor.sla.model import DownWhen
from monitor.sla.year_report import YearReport
from monitor.words import NOTHING, local_time, promised

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DOWN_WHEN = {
    DownWhen.ANY: "any probe is down",
    DownWhen.ALL: "all probes are down",
    DownWhen.MAJORITY: "most probes are down",
}


@dataclass(frozen=True, slots=True)
class TermsView:
    time: str
    components: Table
    rules: tuple[Fact, ...]


def terms_view(report: YearReport) -> Iterator[TermsView]:
    for (start_ms, end_ms), agreement in report.terms:
        first, following = local_minute(start_ms, report.zone), local_minute(end_ms, report.zone)
        yield TermsView(f"{first} to {following}", _components(agreement), tuple(_rules(report, agreement)))


def _components(agreement: Agreement) -> Table:
    rows = tuple(
        (
            terms.title,
            promised(terms.floor),
            promised(terms.upper),
            terms.severity,
            DOWN_WHEN[terms.down_when],
        )
        for terms in agreement.components
    )
    return Table(("Component", "Promised", "Upper edge", "Severity", "Down when"), rows)


def _rules(report: YearReport, agreement: Agreement) -> Iterator[Fact]:
    yield Fact("Time zone", agreement.zone)
    titles = {terms.key: terms.title for terms in agreement.components}
    for key, since_ms in sorted(agreement.since.items()):
        yield Fact("Promised since", f"{titles.get(key, key)}: {local_time(since_ms, report.zone)}")
    yield Fact("Maintenance", _maintenance(agreement))
    for rule in agreement.recurring:
        yield Fact(
            f"Recurring: {rule.name}", f"{rule.text}; {length(rule.length_ms)} each, {rule.rule} from {rule.starts}"
        )
    spared = listed(titles.get(key, key) for key in agreement.spared)
    within = f"may take {allowance(agreement.restore_limit_ms)}; from then on it is downtime of"
    restoring = titles.get(agreement.restore_component, agreement.restore_component)
    yield Fact("A restore", f"{within} {restoring}. Until then history may be missing from {spared}.")
    yield Fact("Support hours", _support(agreement.support))
    for severity, limits in agreement.deadlines.items():
        hours = ", in support hours" if limits.support_hours_only else ", around the clock"
        response, workaround, correction = (
            allowance(limit) for limit in (limits.response_ms, limits.workaround_ms, limits.correction_ms)
        )
        text = f"response {response}, workaround {workaround}{hours}; final correction {correction}"
        yield Fact(f"Deadlines: {severity}", text)


def _maintenance(agreement: Agreement) -> str:
    if agreement.maintenance_counts:
        return "Downtime inside maintenance is downtime."
    cap = agreement.maintenance_cap_ms
    limit = "without a yearly limit" if cap is None else f"up to {allowance(cap)} a year"
    notice = allowance(agreement.minimum_notice_ms) if agreement.minimum_notice_ms else "any time"
    return f"Taken out of the period where it was announced {notice} before, {limit}."


def _support(support: SupportHours) -> str:
    days = listed(DAYS[number] for number in support.weekdays) if support.weekdays else NOTHING
    start, end = (f"{minute // 60:02d}:{minute % 60:02d}" for minute in (support.start, support.end))
    holidays = f", not on public holidays of {support.country}" if support.country else ""
    return f"{days}, {start} to {end} ({support.zone}){holidays}"
