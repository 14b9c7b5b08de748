"""An outage's story for programs, and for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.clock import iso
from monitor.commands.options import console
from monitor.sla.clock_events import ClockEvent
from monitor.sla.story import Blip, Story
from monitor.sla.windows import Window
from monitor.store import Evidence, StoredResult
from monitor.web.clocks import clock_json, clock_length, clock_text
from monitor.web.status import outage_json
from monitor.web.words import length
from monitor.words import local_time

if TYPE_CHECKING:
    from monitor.commands.explain import Explained

COLOURS = {"up": "green", "down": "bold red", "unknown": "yellow"}


def story_json(explained: "Explained") -> dict[str, Any]:
    """Times are RFC 3339 in UTC; null where there is none, or none yet."""
    story, checks = explained.story, explained.checks
    last = story.last_success
    return {
        "as_of": iso(explained.as_of_ms),
        "component": story.outage.component,
        "title": None if story.terms is None else story.terms.title,
        "severity": None if story.terms is None else story.terms.severity,
        "outage": outage_json(story.outage),
        "last_success": last and {"probe": last.probe, "location": last.location, "started_at": iso(last.started_ms)},
        "confirmed_at": _iso(story.confirmed_ms),
        "checks": [_check_json(check) for check in checks.shown],
        "checks_left_out": {"after": len(checks.first), "count": checks.left_out} if checks.left_out else None,
        "evidence": _evidence_json(checks.first_failure, explained.evidence),
        "blips": [_blip_json(blip) for blip in story.blips],
        "windows": [_window_json(window) for window in story.windows],
        "clocks": [clock_json(clock) for clock in story.clocks],
        "events": [event_json(event) for event in story.events],
    }


def event_json(event: ClockEvent) -> dict[str, Any]:
    return {
        "number": event.number,
        "outage": event.outage,
        "kind": event.kind.value,
        "at": iso(event.at_ms),
        "by": event.author,
        "via": event.via,
        "recorded_at": iso(event.recorded_ms),
        "note": event.note or None,
    }


def _check_json(check: StoredResult) -> dict[str, Any]:
    return {
        "id": check.text_id,
        "probe": check.probe,
        "location": check.location,
        "started_at": iso(check.started_ms),
        "seconds": check.duration_us / 1_000_000,
        "verdict": check.verdict.value,
        "reason": check.reason or None,
        "step": check.step or None,
        "detail": check.detail or None,
    }


def _evidence_json(check: StoredResult | None, evidence: Evidence | None) -> dict[str, Any] | None:
    if check is None or evidence is None:
        return None
    return {
        "check": check.text_id,
        "detail": evidence.detail or None,
        "steps": [
            {"name": step.name, "component": step.component, "seconds": step.seconds, "ok": step.ok}
            for step in evidence.steps
        ],
        "figures": dict(evidence.figures),
        "items": dict(evidence.items),
    }


def _blip_json(blip: Blip) -> dict[str, Any]:
    return {
        "probe": blip.probe,
        "location": blip.location,
        "start": iso(blip.start_ms),
        "failures": blip.failures,
        "reason": blip.reason or None,
        "step": blip.step or None,
    }


def _window_json(window: Window) -> dict[str, Any]:
    return {
        "number": window.number,
        "rule": window.rule or None,
        "kind": window.kind.value,
        "start": iso(window.start_ms),
        "end": _iso(window.end_ms),
        "text": window.text,
        "author": window.author or None,
        "retroactive": window.retroactive,
    }


def print_story(explained: "Explained", zone: ZoneInfo) -> None:
    """Everything for people, times in the agreement's zone."""
    out = console()
    _print_outage(out, explained.story, zone)
    _print_checks(out, explained, zone)
    _print_evidence(out, explained)
    story = explained.story
    _print_table(out, "Blips in the hour before and after", _blip_rows(story, zone), "No blip in the hour around it.")
    _print_table(out, "Windows that touch it", _window_rows(story, zone), "No window touches it.")
    _print_table(out, "Deadlines", _clock_rows(story, zone), "No deadline is agreed on.")
    _print_table(out, "What was done", _event_rows(story, zone), "Nothing is on record about what was done.")


def _print_outage(out: Console, story: Story, zone: ZoneInfo) -> None:
    outage, last = story.outage, story.last_success
    title = story.terms.title if story.terms else outage.component
    severity = f", {story.terms.severity}" if story.terms else ""
    table = Table(box=None, pad_edge=False, show_header=False, title=Text(f"Outage {outage.id}"), title_justify="left")
    rows = {
        "Component": f"{title} ({outage.component}{severity})",
        "Last success": f"{local_time(last.started_ms, zone)}, {last.probe} at {last.location}" if last else "none",
        "Start": local_time(outage.start_ms, zone),
        "Confirmed": _when(story.confirmed_ms, zone),
        "End": "still open" if outage.end_ms is None else local_time(outage.end_ms, zone),
        "Down": length(outage.down_ms) + (f", unknown {length(outage.unknown_ms)}" if outage.unknown_ms else ""),
        "Why": f"{outage.reason or 'no reason'} at {outage.step or 'no step'} ({', '.join(outage.probes)})",
    }
    for name, content in rows.items():
        table.add_row(Text(name, style="bold"), Text(content))
    out.print(table)


def _print_checks(out: Console, explained: "Explained", zone: ZoneInfo) -> None:
    checks = explained.checks
    if not checks.count:
        out.print(Text("\nIts checks are not on record any more; what is told of them comes from their runs."))
        return
    table = _table("Checks", "Began", "Probe", "Location", "Verdict", "Took", "Found")
    for number, check in enumerate(checks.shown):
        if number == len(checks.first) and checks.left_out:
            table.add_row(Text(f"… {checks.left_out} checks left out …", style="dim"))
        what = " at ".join(part for part in (check.reason, check.step) if part)
        found = ": ".join(part for part in (what, check.detail) if part)
        table.add_row(
            Text(local_time(check.started_ms, zone)),
            Text(check.probe),
            Text(check.location),
            Text(check.verdict.value, style=COLOURS[check.verdict.value]),
            Text(_took(check.duration_us / 1_000_000)),
            Text(found),
        )
    out.print(table)


def _print_evidence(out: Console, explained: "Explained") -> None:
    evidence = explained.evidence
    if evidence is None:
        return
    table = _table("Evidence of the first failure", "What", "Content")
    for step in evidence.steps:
        table.add_row(Text(f"step {step.name}"), Text(f"{_took(step.seconds)}{'' if step.ok else ', failed'}"))
    for name, content in evidence.items.items():
        table.add_row(Text(name), Text(content))
    for name, figure in evidence.figures.items():
        table.add_row(Text(name), Text(f"{figure:g}"))
    if table.row_count:
        out.print(table)


Rows = tuple[Sequence[str], Sequence[Sequence[str]]]
"""The headings of a table, and its rows."""


def _blip_rows(story: Story, zone: ZoneInfo) -> Rows:
    rows = [
        (
            local_time(blip.start_ms, zone),
            blip.probe,
            blip.location,
            str(blip.failures),
            " at ".join(part for part in (blip.reason, blip.step) if part),
        )
        for blip in story.blips
    ]
    return ("Began", "Probe", "Location", "Failures", "Why"), rows


def _window_rows(story: Story, zone: ZoneInfo) -> Rows:
    rows = [
        (
            str(window.number or window.rule),
            window.kind.value + (" (entered afterwards)" if window.retroactive else ""),
            local_time(window.start_ms, zone),
            "goes on" if window.end_ms is None else local_time(window.end_ms, zone),
            window.text,
        )
        for window in story.windows
    ]
    return ("Window", "Kind", "Start", "End", "Text"), rows


def _clock_rows(story: Story, zone: ZoneInfo) -> Rows:
    rows = [
        (
            clock.name.value,
            clock_length(clock, clock.allowed_ms),
            _when(clock.due_ms, zone),
            _when(clock.met_ms, zone),
            clock_text(clock),
            length(clock.paused_ms) if clock.paused_ms else "–",
        )
        for clock in story.clocks
    ]
    return ("Clock", "Allowed", "Due", "Met", "State", "Waited"), rows


def _event_rows(story: Story, zone: ZoneInfo) -> Rows:
    rows = [
        (local_time(event.at_ms, zone), event.kind.value.replace("_", " "), event.author, event.via, event.note)
        for event in story.events
    ]
    return ("When", "What", "Who", "Via", "Note"), rows


def _print_table(out: Console, title: str, content: Rows, empty: str) -> None:
    headings, rows = content
    if not rows:
        out.print(Text(f"\n{empty}"))
        return
    table = _table(title, *headings)
    for row in rows:
        table.add_row(*map(Text, row))
    out.print(table)


def _table(title: str, *headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title=f"\n{title}", title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _took(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _when(milliseconds: int | None, zone: ZoneInfo) -> str:
    return "–" if milliseconds is None else local_time(milliseconds, zone)


def _iso(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else iso(milliseconds)
