"""A report as canonical JSON: keys in a fixed order, times in RFC 3339 and UTC, ratios as decimal strings rounded down.

`docs/report.schema.json` describes it; a key is a promise to programs.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from monitor.clock import iso
from monitor.sla.accounts import Account, Classes
from monitor.sla.agreement import Agreement, to_json
from monitor.sla.availability import Budget, decimal_floor
from monitor.sla.deadlines import Clock
from monitor.sla.intervals import Interval
from monitor.sla.periods import Period
from monitor.sla.record import SealSummary
from monitor.sla.report_periods import months_within
from monitor.sla.statistics import OutageStatistics
from monitor.sla.windows import Window, WindowEntry
from monitor.sla.year_report import ComponentReport, ReportedOutage, YearReport

SCHEMA = "efento-uptime/report/1"
RATIO_PLACES = 9


def as_json(report: YearReport) -> bytes:
    """The same report gives the same bytes; they end with a newline."""
    import orjson

    return orjson.dumps(report_json(report), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def report_json(report: YearReport) -> dict[str, Any]:
    since_ms = report.since_ms()
    return {
        "schema": SCHEMA,
        "period": {**_bounds(report.period), "name": report.period.name, "zone": report.zone.key},
        "as_of": iso(report.as_of_ms),
        "counted_until": iso(report.counted.end_ms),
        "running": report.running,
        "monitored_since": None if since_ms is None else iso(since_ms),
        "components": [_component(report, each) for each in report.components],
        "windows": [_window(window, report) for window in report.windows],
        "withdrawn_windows": [_withdrawn(entry) for entry in report.withdrawn],
        "terms": [_terms(interval, agreement) for interval, agreement in report.terms],
        "seals": [_seal(seal) for seal in report.seals],
        "monitor": [{"location": each.location, "ran_milliseconds": each.ran_ms} for each in report.watches],
        "versions": {"software": report.software, "tzdata": report.tzdata},
    }


def ratio_text(value: Fraction | None) -> str | None:
    """Nine decimal places, rounded down."""
    return None if value is None else decimal_floor(value, RATIO_PLACES)


def milliseconds_of(classes: Classes) -> dict[str, int]:
    """The classes of time; all but `period` sum to it."""
    return {
        "period": classes.period_ms,
        "up": classes.up_ms,
        "down": classes.down_ms,
        "unknown": sum(classes.unknown.values()),
        "maintenance": classes.maintenance_ms,
        "restore": classes.restore_ms,
        "excluded": classes.excluded_ms,
    }


def _component(report: YearReport, each: ComponentReport) -> dict[str, Any]:
    account, verdict = each.account, each.account.verdict
    return {
        "key": each.terms.key,
        "title": each.terms.title,
        "severity": each.terms.severity,
        "floor": ratio_text(account.floor),
        "verdict": None if verdict is None else verdict.value,
        "deciding_seconds": None
        if account.deciding_ms is None
        else decimal_floor(Fraction(account.deciding_ms, 1000), 3),
        **_figures(account),
        "required_milliseconds": account.required_ms,
        "certainly_down_milliseconds": account.certainly_down_ms,
        "possibly_down_milliseconds": account.possibly_down_ms,
        "monitored_since": None if each.since_ms is None else iso(each.since_ms),
        "down_in_windows": dict(sorted(account.down_in_windows.items())),
        "without_windows": _figures(each.without_windows),
        "budget": _budget(each.budget),
        "statistics": _statistics(each.statistics),
        "outages": [_outage(outage) for outage in each.outages],
        "months": [
            {"name": month.name, **_bounds(month), **_figures(figures)}
            for month, figures in zip(months_within(report.period, report.zone), each.months, strict=True)
        ],
    }


def _figures(account: Account) -> dict[str, Any]:
    return {
        "observed": ratio_text(account.observed),
        "pessimistic": ratio_text(account.pessimistic),
        "optimistic": ratio_text(account.optimistic),
        "coverage": ratio_text(account.coverage if account.reckoned_ms else None),
        "milliseconds": milliseconds_of(account.classes),
        "unknown_by_cause": _by_cause(account.classes),
        "blips": {"count": account.blips, "milliseconds": account.blip_ms},
    }


def _seconds(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else decimal_floor(Fraction(milliseconds, 1000), 3)


def _by_cause(classes: Classes) -> Mapping[str, int]:
    return {cause.value: length for cause, length in sorted(classes.unknown.items()) if length}


def _outage(reported: ReportedOutage) -> dict[str, Any]:
    outage = reported.outage
    return {
        "id": outage.id,
        "start": iso(outage.start_ms),
        "end": None if outage.end_ms is None else iso(outage.end_ms),
        "milliseconds": reported.milliseconds,
        "down_milliseconds": outage.down_ms,
        "unknown_milliseconds": outage.unknown_ms,
        "probes": list(outage.probes),
        "reason": outage.reason,
        "step": outage.step,
        "evidence": reported.evidence or None,
        "clocks": [_clock(clock) for clock in reported.clocks],
    }


def _clock(clock: Clock) -> dict[str, Any]:
    return {
        "name": clock.name.value,
        "allowed_milliseconds": clock.allowed_ms,
        "due": None if clock.due_ms is None else iso(clock.due_ms),
        "met": None if clock.met_ms is None else iso(clock.met_ms),
        "paused_milliseconds": clock.paused_ms,
        "remaining_milliseconds": clock.remaining_ms,
        "running": clock.running,
        "breached": clock.breached,
    }


def _statistics(found: OutageStatistics) -> dict[str, int | None]:
    return {
        "outages": found.count,
        "running": found.open,
        "longest_milliseconds": found.longest_ms,
        "median_milliseconds": found.median_ms,
        "percentile_90_milliseconds": found.percentile_90_ms,
        "mean_time_to_detect_milliseconds": found.mean_time_to_detect_ms,
        "mean_time_to_restore_milliseconds": found.mean_time_to_restore_ms,
        "mean_time_between_failures_milliseconds": found.mean_time_between_failures_ms,
    }


def _budget(budget: Budget | None) -> dict[str, int | None] | None:
    if budget is None:
        return None
    return {
        "allowed_milliseconds": budget.allowed_ms,
        "spent_milliseconds": budget.spent_ms,
        "remaining_milliseconds": budget.remaining_ms,
        "projected_milliseconds": budget.projected_ms,
    }


def _window(window: Window, report: YearReport) -> dict[str, Any]:
    return {
        "number": window.number,
        "kind": window.kind.value,
        "start": iso(window.start_ms),
        "end": None if window.end_ms is None else iso(window.end_ms),
        "components": list(window.components) or [each.terms.key for each in report.components],
        "text": window.text,
        "author": window.author,
        "approver": window.approver or None,
        "reason_class": None if window.reason_class is None else window.reason_class.value,
        "announced": None if window.announced_ms is None else iso(window.announced_ms),
        "recorded": iso(window.recorded_ms),
        "retroactive": window.retroactive,
        "rule": window.rule or None,
    }


def _withdrawn(entry: WindowEntry) -> dict[str, Any]:
    return {
        "number": entry.replaces,
        "by": entry.number,
        "replaced": entry.window is not None,
        "recorded": iso(entry.recorded_ms),
        "author": entry.author,
        "text": entry.text,
    }


def _terms(interval: Interval, agreement: Agreement) -> dict[str, Any]:
    import orjson

    start_ms, end_ms = interval
    return {"start": iso(start_ms), "end": iso(end_ms), "agreement": orjson.loads(to_json(agreement))}


def _seal(seal: SealSummary) -> dict[str, Any]:
    return {
        "number": seal.number,
        "sealed": iso(seal.sealed_ms),
        "digest": seal.digest,
        "key": seal.key,
        "rows": seal.rows,
    }


def _bounds(period: Period) -> dict[str, str]:
    return {"start": iso(period.start_ms), "end": iso(period.end_ms)}
