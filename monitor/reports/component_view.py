"""A component's pages, in words."""

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.reports.pictures import Spending, budget_svg, days_svg
from monitor.reports.sentences import called, sentence, verdict_word
from monitor.reports.tables import Fact, Table
from monitor.reports.wording import counted, length, length_or_nothing, ratio
from monitor.sla.accounts import Account
from monitor.sla.deadlines import Clock
from monitor.sla.periods import local_date
from monitor.sla.year_report import ComponentReport, ReportedOutage, YearReport
from monitor.words import CAUSES, NOTHING, local_time, promised


@dataclass(frozen=True, slots=True)
class ComponentView:
    """`days` and `budget` are pictures as SVG; empty where there is nothing to show."""

    key: str
    title: str
    verdict: str
    mood: str
    sentence: str
    figures: Table
    time: Table
    days: str
    budget: str
    budget_text: str
    months: Table
    unknown: Table
    outages: Table
    statistics: tuple[Fact, ...]
    blips: str


def component_view(report: YearReport, each: ComponentReport) -> ComponentView:
    verdict = each.account.verdict
    return ComponentView(
        key=each.terms.key,
        title=each.terms.title,
        verdict=verdict_word(report, each),
        mood="none" if verdict is None else verdict.value,
        sentence=sentence(report, each),
        figures=_figures(each),
        time=_time(each),
        days=days_svg(each.days, f"days-{each.terms.key}") if each.days else "",
        budget=_budget_picture(report, each),
        budget_text=_budget_text(report, each),
        months=Table(_MONTH_HEADS, tuple(_month(month) for month in each.months)),
        unknown=_unknown(each),
        outages=Table(_OUTAGE_HEADS, tuple(_outage(report, outage) for outage in each.outages), "No outage."),
        statistics=tuple(_statistics(each)),
        blips=_blips(each.account),
    )


_MONTH_HEADS = ("Month", "Observed", "At least", "At most", "Coverage", "Down", "Unknown")
_OUTAGE_HEADS = ("Outage", "From, to", "Length", "Cause", "Deadlines")


def _figures(each: ComponentReport) -> Table:
    """The figures with the windows and without any."""
    heads = ("", "Observed", "At least", "At most", "Coverage", "Down")
    rows = ((name, *_ratios(account)) for name, account in _both(each))
    return Table(heads, tuple(rows))


def _both(each: ComponentReport) -> Iterator[tuple[str, Account]]:
    yield "By the agreement", each.account
    yield "As if no window were declared", each.without_windows


def _ratios(account: Account) -> tuple[str, ...]:
    return (
        ratio(account.observed),
        ratio(account.pessimistic),
        ratio(account.optimistic),
        ratio(account.coverage, 2) if account.reckoned_ms else NOTHING,
        length(account.classes.down_ms),
    )


def _time(each: ComponentReport) -> Table:
    """Every millisecond of the period, in one class each."""
    classes = each.account.classes
    parts = (
        ("Up", classes.up_ms),
        ("Down", classes.down_ms),
        ("Unknown", sum(classes.unknown.values())),
        ("Maintenance", classes.maintenance_ms),
        ("Restore", classes.restore_ms),
        ("Excluded", classes.excluded_ms),
        ("The period", classes.period_ms),
    )
    rows = [(name, length(lasted), f"{lasted:,}") for name, lasted in parts]
    inside = [
        (f"Down inside {kind} windows", length(lasted), f"{lasted:,}")
        for kind, lasted in sorted(each.account.down_in_windows.items())
        if lasted
    ]
    return Table(("Time", "", "Milliseconds"), (*rows, *inside))


def _month(account: Account) -> tuple[str, ...]:
    if not account.classes.period_ms:
        return called(account.period.name), *(NOTHING,) * (len(_MONTH_HEADS) - 1)
    return called(account.period.name), *_ratios(account), length(sum(account.classes.unknown.values()))


def _unknown(each: ComponentReport) -> Table:
    causes = sorted(each.account.classes.unknown.items(), key=lambda found: (-found[1], found[0]))
    rows = tuple((CAUSES[cause], length(lasted), f"{lasted:,}") for cause, lasted in causes if lasted)
    return Table(("Unknown because", "", "Milliseconds"), rows, "No time is unknown.")


def _outage(report: YearReport, reported: ReportedOutage) -> tuple[str, ...]:
    outage = reported.outage
    end = "still running" if outage.end_ms is None else local_time(outage.end_ms, report.zone)
    lasted = length(reported.milliseconds)
    if outage.unknown_ms:
        lasted += f", of which {length(outage.unknown_ms)} unknown"
    cause = f"{outage.reason or 'no reason'} at {outage.step or 'no step'} ({', '.join(outage.probes)})"
    if reported.evidence:
        cause += f"; result {reported.evidence}"
    deadlines = "; ".join(_clock(report, clock) for clock in reported.clocks) or NOTHING
    return outage.id, f"{local_time(outage.start_ms, report.zone)}, {end}", lasted, cause, deadlines


def _clock(report: YearReport, clock: Clock) -> str:
    name = clock.name.value
    if clock.met_ms is not None:
        return f"{name} {'LATE' if clock.breached else 'met'}"
    if clock.breached:
        return f"{name} BREACHED by {length(-clock.remaining_ms)}"
    if clock.due_ms is None:
        return f"{name} waits for the customer, {length(clock.remaining_ms)} left"
    return f"{name} due {local_time(clock.due_ms, report.zone)}"


def _statistics(each: ComponentReport) -> Iterator[Fact]:
    found = each.statistics
    running = f", {found.open} still running" if found.open else ""
    yield Fact("Outages", f"{found.count or 'none'}{running}")
    if not found.count:
        return
    yield Fact("Longest", length_or_nothing(found.longest_ms))
    yield Fact("Median length", length_or_nothing(found.median_ms))
    yield Fact("90th percentile", length_or_nothing(found.percentile_90_ms))
    yield Fact("Mean time to detect, at least", length_or_nothing(found.mean_time_to_detect_ms))
    yield Fact("Mean time to restore", length_or_nothing(found.mean_time_to_restore_ms))
    yield Fact("Mean uptime between outages", length_or_nothing(found.mean_time_between_failures_ms))


def _blips(account: Account) -> str:
    if not account.blips:
        return "No blips: no failure was cleared by its repetition."
    times = counted(account.blips, "blip")
    return f"{times}, {length(account.blip_ms)} together: failures that a repetition cleared. They count as uptime."


def _budget_picture(report: YearReport, each: ComponentReport) -> str:
    if not each.allowed_ms or not each.days:
        return ""
    start, end = (local_date(at_ms, report.zone) for at_ms in (report.period.start_ms, report.period.end_ms - 1))
    floor = promised(each.account.floor)
    return budget_svg(Spending(each.allowed_ms, each.days, (end - start).days + 1, floor))


def _budget_text(report: YearReport, each: ComponentReport) -> str:
    if not each.allowed_ms:
        return ""
    down_ms = each.account.classes.down_ms
    left_ms = each.allowed_ms - down_ms
    left = f"{length(left_ms)} are left" if left_ms >= 0 else f"{length(-left_ms)} too much"
    text = (
        f"{length(each.allowed_ms)} of downtime are allowed in the whole period; {length(down_ms)} are spent, {left}."
    )
    projected_ms = each.budget.projected_ms if each.budget is not None and report.running else None
    if projected_ms is not None:
        text += f" At the pace so far the year will have spent {length(projected_ms)}."
    return text
