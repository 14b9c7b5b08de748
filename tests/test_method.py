"""The worked examples of `docs/method.md`, recomputed: a figure there that is not the product's is found here."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.calendars import public_holidays
from monitor.clock import to_milliseconds
from monitor.sla.accounts import Account, account
from monitor.sla.agreement import Agreement
from monitor.sla.availability import percent
from monitor.sla.clock_events import ClockEvent, ClockEventKind
from monitor.sla.deadlines import clocks
from monitor.sla.model import ComponentTerms, Ledger, Life, ProbeTerms, Run, Verdict
from monitor.sla.outages import Outage
from monitor.sla.periods import day
from monitor.sla.record import Record
from monitor.sla.windows import ReasonClass, Window, WindowEntry, WindowKind

WARSAW = ZoneInfo("Europe/Warsaw")
METHOD = (Path(__file__).parent.parent / "docs" / "method.md").read_text(encoding="utf-8")
MINUTE = 60_000
STALE = 150_000


def at(text: str, on: int = 2) -> int:
    """A wall time of a day in March 2026; 24:00 is its end."""
    hour, minute, second = (int(part) for part in (text + ":00").split(":")[:3])
    start = datetime(2026, 3, on, tzinfo=WARSAW).astimezone(UTC)
    return to_milliseconds(start) + ((hour * 60 + minute) * 60 + second) * 1000


def up(first_ms: int, last_ms: int) -> Run:
    return Run(Verdict.UP, first_ms, last_ms, (last_ms - first_ms) // MINUTE + 1, STALE, 2)


def down(first_ms: int, last_ms: int) -> Run:
    return Run(Verdict.DOWN, first_ms, last_ms, (last_ms - first_ms) // 5_000 + 1, STALE, 2, "refused", "connect")


def probe(name: str, component: str) -> ProbeTerms:
    return ProbeTerms(name, "home", at("00:00", 1), component, MINUTE, STALE, 2)


def agreed(floor: str = "98.5", from_ms: int = 0, **rules: object) -> Agreement:
    components = tuple(ComponentTerms(key, key, Fraction(floor) / 100, None, "blocker") for key in ("api", "recovery"))
    return replace(Agreement(from_ms, "Europe/Warsaw", components, spared=("api",)), **rules)  # type: ignore[arg-type]


# One check a minute. A fault from 10:00 to 10:15, and the daemon was stopped from 20:00 to 20:30.
THE_DAY = [
    up(at("12:00", 1), at("09:59")),
    down(at("10:00"), at("10:14:55")),
    up(at("10:15"), at("20:00")),
    up(at("20:30"), at("12:00", 3)),
]
THE_LEDGER = Ledger(
    {("api", "home"): THE_DAY},
    [probe("api", "api")],
    [
        Life("home", at("12:00", 1), at("20:00:30"), clean=True),
        Life("home", at("20:29:50"), at("12:00", 3), clean=False),
    ],
)


def window(kind: WindowKind, start_ms: int, end_ms: int, **more: object) -> Window:
    told = start_ms - 7 * 86_400_000
    return replace(Window(kind, start_ms, end_ms, "", "anna", told, announced_ms=told), **more)  # type: ignore[arg-type]


def reckoned(
    agreements: Iterable[Agreement] = (),
    windows: Iterable[Window] = (),
    ledger: Ledger = THE_LEDGER,
    component: str = "api",
    on: int = 2,
) -> Account:
    entries = [WindowEntry(number, each.recorded_ms, "anna", each) for number, each in enumerate(windows, 1)]
    record = Record(at("12:00", 4), ledger, list(agreements) or [agreed()], entries)
    return account(record, component, day(date(2026, 3, on), WARSAW))


MAINTENANCE = window(WindowKind.MAINTENANCE, at("10:00"), at("12:00"))
EXCLUDED = window(
    WindowKind.EXCLUDED, at("20:00"), at("20:30"), reason_class=ReasonClass.MONITOR_FAULT, approver="board"
)
RESTORE = window(WindowKind.RESTORE, at("00:00"), at("06:00", 3))
HISTORY_AWAY = Ledger(
    {
        ("api", "home"): [up(at("12:00", 1), at("12:00", 4))],
        ("history", "home"): [
            up(at("12:00", 1), at("07:59")),
            down(at("08:00"), at("15:59:55")),
            up(at("16:00"), at("12:00", 4)),
        ],
        ("backups", "home"): [up(at("12:00", 1), at("12:00", 4))],
    },
    [probe("api", "api"), probe("history", "api"), probe("backups", "recovery")],
)
SPARING = agreed(history_probes=("history",))

EXAMPLES: Mapping[str, Account] = {
    "98.5 % promised": reckoned(),
    "96.5 % promised": reckoned([agreed("96.5")]),
    "99 % promised": reckoned([agreed("99")]),
    "98.5 % until noon, then 99 %": reckoned([agreed(), agreed("99", at("12:00"))]),
    "maintenance, which counts": reckoned([], [MAINTENANCE]),
    "maintenance, which does not": reckoned([agreed(maintenance_counts=False)], [MAINTENANCE]),
    "… of which an hour a year is free": reckoned(
        [agreed(maintenance_counts=False, maintenance_cap_ms=60 * MINUTE)], [MAINTENANCE]
    ),
    "… announced too late": reckoned(
        [agreed(maintenance_counts=False, minimum_notice_ms=8 * 86_400_000)], [MAINTENANCE]
    ),
    "excluded": reckoned([], [EXCLUDED]),
    "history away, no restore": reckoned([SPARING], [], HISTORY_AWAY),
    "history away during a restore": reckoned([SPARING], [RESTORE], HISTORY_AWAY),
    "recovery, first day": reckoned([SPARING], [RESTORE], HISTORY_AWAY, "recovery"),
    "recovery, second day": reckoned([SPARING], [RESTORE], HISTORY_AWAY, "recovery", 3),
}


def row(name: str, found: Account) -> list[str]:
    """As a line of the page's tables: seconds, and ratios rounded down."""
    classes = found.classes
    times = (classes.up_ms, classes.down_ms, classes.unknown_ms, classes.maintenance_ms, classes.restore_ms)
    lengths = (*times, classes.excluded_ms, found.certainly_down_ms, found.possibly_down_ms, found.required_ms)
    ratios = (found.observed, found.pessimistic, found.optimistic)
    assert found.verdict is not None
    return [
        name,
        *(f"{(each or 0) // 1000:,}" for each in lengths),
        *("–" if each is None else percent(each) for each in ratios),
        found.verdict.value,
    ]


def table_rows() -> list[list[str]]:
    lines = [line for line in METHOD.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def rows_of_the_page() -> dict[str, list[str]]:
    return {line[0]: line for line in table_rows() if len(line) == 14}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_worked_example_is_what_the_product_computes(name: str) -> None:
    assert rows_of_the_page().get(name) == row(name, EXAMPLES[name])


def test_no_example_stands_there_that_is_not_recomputed() -> None:
    assert rows_of_the_page().keys() - {"example", "---"} == EXAMPLES.keys()


def test_the_seconds_that_decide() -> None:
    deciding = EXAMPLES["98.5 % promised"].deciding_ms
    assert deciding is not None
    assert f"{deciding // 1000:,} s more of certain uptime" in METHOD


def test_the_example_of_support_hours() -> None:
    """A major error before a public holiday and a weekend, and a customer who is waited for."""
    began, waited, went_on = (
        to_milliseconds(datetime(2026, month, on, hour, tzinfo=WARSAW).astimezone(UTC))
        for month, on, hour in ((4, 30, 15), (5, 4, 9), (5, 4, 11))
    )
    outage = Outage("operations", began, None, 0, 0)
    events = [
        ClockEvent(1, outage.id, ClockEventKind.WAITING, waited, "anna", waited),
        ClockEvent(2, outage.id, ClockEventKind.RESUMED, went_on, "anna", went_on),
    ]
    found = clocks(outage, "major", agreed(), public_holidays("PL"), events, went_on)
    due = {each.name.value: datetime.fromtimestamp((each.due_ms or 0) / 1000, WARSAW) for each in found}
    assert {name: f"{when:%Y-%m-%d %H:%M}" for name, when in due.items()} == stated_deadlines()


def stated_deadlines() -> dict[str, str]:
    named = ("`response`", "`workaround`", "`correction`")
    return {line[0].strip("`"): line[2] for line in table_rows() if len(line) == 4 and line[0] in named}


def test_what_a_year_can_hold_before_met_is_out_of_reach() -> None:
    hours = (1 - Fraction(199, 200)) * 365 * 24
    assert f"may be {float(hours):.1f} h in a year of 365 days" in METHOD


def show() -> None:  # pragma: no cover  # to write the page: python -m tests.test_method
    import sys

    for name, found in EXAMPLES.items():
        sys.stdout.write("| " + " | ".join(row(name, found)) + " |\n")


if __name__ == "__main__":
    show()
