"""Declared stretches of time, in words."""

from monitor.reports.tables import Table
from monitor.reports.wording import KINDS, REASON_CLASSES, length, listed, local_minute
from monitor.sla.windows import Window, WindowEntry
from monitor.sla.year_report import YearReport

SHOWN_OF_A_RULE = 12  # windows of one recurring rule are all alike; JSON has every one


def windows_table(report: YearReport) -> Table:
    rows = tuple(_row(report, window) for window in _shown(report))
    more = len(report.windows) - len(rows)
    if more:
        rows += (("", "", "", f"and {more} more by recurring rules; all are in the JSON file", ""),)
    return Table(("No.", "Kind", "Time", "Reason", "Declared"), rows, "No window was declared.")


def withdrawn_table(report: YearReport) -> Table:
    rows = tuple(_withdrawn(report, entry) for entry in report.withdrawn)
    return Table(("No.", "What became of it", "Why", "Declared"), rows, "")


def _shown(report: YearReport) -> list[Window]:
    by_rule: dict[str, int] = {}
    shown = []
    for window in report.windows:
        by_rule[window.rule] = by_rule.get(window.rule, 0) + 1
        if not window.rule or by_rule[window.rule] <= SHOWN_OF_A_RULE:
            shown.append(window)
    return shown


def _row(report: YearReport, window: Window) -> tuple[str, ...]:
    titles = {each.terms.key: each.terms.title for each in report.components}
    concerned = listed(titles.get(key, key) for key in window.components) if window.components else "all components"
    number = "rule" if window.number is None else str(window.number)
    return (
        number,
        f"{KINDS[window.kind]}: {concerned}",
        _time(report, window),
        _reason(window),
        _declared(report, window),
    )


def _time(report: YearReport, window: Window) -> str:
    start = local_minute(window.start_ms, report.zone)
    if window.end_ms is None:
        return f"{start}, still running after {length(report.as_of_ms - window.start_ms)}"
    return f"{start} to {local_minute(window.end_ms, report.zone)}, {length(window.end_ms - window.start_ms)}"


def _reason(window: Window) -> str:
    reason = window.text if window.reason_class is None else f"{REASON_CLASSES[window.reason_class]}: {window.text}"
    return f"{reason} (rule {window.rule})" if window.rule else reason


def _declared(report: YearReport, window: Window) -> str:
    parts = [f"by {window.author}" if window.author else "by the agreement"]
    if window.approver:
        parts.append(f"approved by {window.approver}")
    if window.number is not None:
        parts.append(f"on {local_minute(window.recorded_ms, report.zone)}")
    if window.announced_ms is not None:
        parts.append(f"announced {local_minute(window.announced_ms, report.zone)}")
    if window.retroactive and window.number is not None:
        parts.append("RETROACTIVE")
    return ", ".join(parts)


def _withdrawn(report: YearReport, entry: WindowEntry) -> tuple[str, ...]:
    fate = "revoked" if entry.window is None else f"replaced by {entry.number}"
    return (
        str(entry.replaces),
        fate,
        entry.text,
        f"by {entry.author}, on {local_minute(entry.recorded_ms, report.zone)}",
    )
