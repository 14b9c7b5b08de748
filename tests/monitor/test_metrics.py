"""`/metrics` is what `docs/metrics.md` promises, whatever the probes bring home."""

import asyncio
import re
import subprocess
from pathlib import Path

from monitor.board import Declared
from monitor.metrics.probe_series import EVENTS
from monitor.metrics.promise_series import CLOCK_STATES
from monitor.sla.accounts import Judgement
from monitor.sla.clock_events import ClockEvent, ClockEventKind
from monitor.sla.deadlines import ClockName
from monitor.sla.model import Cause, State, Verdict
from monitor.sla.windows import Window, WindowEntry, WindowKind
from probes.contract import Reason, StepTiming
from tests.monitor.boards import START_MS
from tests.monitor.scraping import Scraped, agreement, samples, with_every_verdict
from tests.real_servers import command

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = 'a"b\\c\nd{e="f"} 1\n# TYPE x counter\nż'


def documented() -> dict[str, tuple[str, frozenset[str]]]:
    row = re.compile(r"^\| `(uptime_\w+)` \| (\w+) \| ([\w, –]+) \|", re.MULTILINE)
    return {
        name: (kind, frozenset(() if labels == "–" else labels.split(", ")))
        for name, kind, labels in row.findall((ROOT / "docs" / "metrics.md").read_text())
    }


def exported(text: str) -> dict[str, tuple[str, frozenset[str]]]:
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    labels: dict[str, set[str]] = {name: set() for name in types}
    for name, pairs in samples(text):
        family = name if name in types else re.sub("_(bucket|sum|count)$", "", name)
        labels[family] |= {label for label, _ in pairs}
    return {name: (kind, frozenset(labels[name])) for name, kind in types.items()}


async def test_what_is_exported_is_what_is_documented() -> None:
    scraped = await with_every_verdict()
    assert exported(await scraped.text()) == documented()


async def test_every_label_value_is_documented_or_configured() -> None:
    scraped = await with_every_verdict()
    allowed = {
        "verdict": {*Verdict, *Judgement},
        "state": {*State, *CLOCK_STATES},
        "cause": set(Cause),
        "kind": set(WindowKind),
        "clock": set(ClockName),
        "event": set(EVENTS),
        "reason": {*(reason.value for reason in Reason), "other"},
        "window": {"day", "7d", "30d", "month", "year"},
    }
    for _, labels in samples(await scraped.text()):
        for name, value in labels:
            assert name not in allowed or value in allowed[name]


async def test_names_follow_the_rules_of_prometheus() -> None:
    for name, (kind, _) in exported(await (await with_every_verdict()).text()).items():
        assert re.fullmatch("uptime_[a-z_]+", name)
        assert name.endswith("_total") == (kind == "counter"), name


async def test_promtool_finds_nothing_wrong() -> None:
    promtool = command("promtool")
    scraped = await with_every_verdict()
    text = await scraped.text()
    process = await asyncio.create_subprocess_exec(
        *promtool.argv,
        *("check", "metrics"),
        env=promtool.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await process.communicate(text.encode())
    assert (process.returncode, said.decode()) == (0, "")


async def test_every_label_set_exists_from_the_start() -> None:
    """Of what can be counted. A check later, nothing is new but what the newest check left."""
    scraped = Scraped(agreement())
    start = samples(await scraped.text())
    later = samples(await (await with_every_verdict()).text())
    newest = {"uptime_probe_success", "uptime_probe_last_check_timestamp_seconds", "uptime_deadline_timestamp_seconds"}
    newest |= {"uptime_probe_step_duration_seconds", "uptime_probe_figure"}
    newest |= {f"uptime_component_uptime_{which}ratio" for which in ("", "pessimistic_", "optimistic_")}
    assert {name for name, _ in later.keys() - start.keys()} == newest
    assert start.keys() <= later.keys()
    assert not any(start[key] for key in start if key[0].endswith(("_total", "_count", "_bucket", "_sum")))


async def test_success_is_absent_while_the_newest_check_is_unknown() -> None:
    found = samples(await (await with_every_verdict()).text())
    success = {
        dict(labels)["probe"]: value for (name, labels), value in found.items() if name == "uptime_probe_success"
    }
    assert success == {"p0": 1, "p1": 0}


async def test_the_daemons_own_state() -> None:
    scraped = Scraped(agreement())
    scraped.waiting = 7
    found = samples(await scraped.text())
    assert found["uptime_store_queue_records", ()] == 7
    assert found["uptime_checks_in_flight", ()] == 3
    assert found["uptime_heartbeat_age_seconds", ()] == 1.5
    assert found["uptime_config_loaded_timestamp_seconds", ()] == START_MS / 1000
    assert found["uptime_build_info", (("version", "1.2.3"),)] == 1


async def test_an_open_outage_has_its_severity_and_age() -> None:
    found = samples(await (await with_every_verdict()).text())
    labels = (("component", "api"), ("severity", "blocker"))
    assert found["uptime_component_outage_open", labels] == 1
    assert found["uptime_component_outage_seconds", labels] == 15
    assert found["uptime_component_in_service_seconds", (("component", "api"),)] == 25
    assert found["uptime_component_in_service_seconds", (("component", "recovery"),)] == 0


async def test_nothing_that_a_server_answers_becomes_a_label() -> None:
    scraped = await with_every_verdict()
    before = samples(await scraped.text())
    step = StepTiming(HOSTILE, "ingest", 1.0, 1, True)
    scraped.check(0, Verdict.DOWN, reason=HOSTILE, detail=HOSTILE, step=HOSTILE, steps=(step,), figures={HOSTILE: 1.0})
    text = await scraped.text()
    after = samples(text)
    assert after.keys() <= before.keys()
    assert "a" + '"b' not in text
    other = (
        "uptime_component_failures_total",
        (("component", "ingest"), ("location", "frankfurt"), ("reason", "other")),
    )
    assert after[other] == before[other] + 1


Found = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def of(found: Found, name: str, **labels: str) -> float:
    return found[name, tuple(sorted(labels.items()))]


async def test_bounds_verdict_and_budget_are_those_of_the_board() -> None:
    scraped = await with_every_verdict()
    found = samples(await scraped.text())
    for component in scraped.recorded.board.picture().components:
        key = component.terms.key
        for window, figures in component.figures.items():
            for name, value in (("pessimistic", figures.pessimistic), ("optimistic", figures.optimistic)):
                labels = (("component", key), ("window", window))
                shown = found.get((f"uptime_component_uptime_{name}_ratio", labels))
                assert shown == (None if value is None else float(value))
        year = component.figures["year"]
        assert of(found, "uptime_component_possibly_down_seconds", component=key) == year.possibly_down_ms / 1000
        assert of(found, "uptime_component_certainly_down_seconds", component=key) == year.certainly_down_ms / 1000
        unknown = {c: of(found, "uptime_component_unknown_seconds_total", component=key, cause=c) for c in Cause}
        state = of(found, "uptime_component_state_seconds_total", component=key, state="unknown")
        assert sum(unknown.values()) == state
    # A year of which nobody saw anything but its last seconds can neither be lost nor won yet.
    verdicts = {v: of(found, "uptime_component_verdict", component="api", verdict=v) for v in Judgement}
    assert verdicts == {Judgement.MET: 0, Judgement.MISSED: 0, Judgement.INCONCLUSIVE: 1}
    assert ("uptime_component_verdict", (("component", "recovery"), ("verdict", "met"))) not in found
    spent, left = (
        of(found, f"uptime_component_budget_{name}_seconds", component="api") for name in ("spent", "remaining")
    )
    assert spent == 15
    assert spent + left == of(found, "uptime_component_budget_seconds", component="api") == 157_680


async def test_an_open_outage_has_deadlines_that_wait_and_are_met() -> None:
    scraped = await with_every_verdict()
    board = scraped.recorded.board
    clock = "workaround"

    def states(found: Found, name: str) -> list[str]:
        all_of_them = {
            s: of(found, "uptime_deadline_state", component="api", clock=name, state=s) for s in CLOCK_STATES
        }
        return [state for state, value in all_of_them.items() if value]

    found = samples(await scraped.text())
    outage = board.picture().components[1].open_outage
    assert outage is not None
    due = of(found, "uptime_deadline_timestamp_seconds", component="api", clock=clock)
    assert due == outage.start_ms / 1000 + 8 * 3600
    assert (states(found, clock), states(found, "response")) == (["running"], [])
    events: list[ClockEvent] = []
    for kind, state in ((ClockEventKind.WAITING, "waiting"), (ClockEventKind.WORKED_AROUND, "met")):
        events.append(ClockEvent(len(events) + 1, outage.id, kind, scraped.recorded.now_ms, "anna", 0))
        board.load(scraped.recorded.ledger(), declared=Declared(clock_events=events))
        scraped.recorded.wait(3)
        found = samples(await scraped.text())
        assert states(found, clock) == [state]
        labels = (("clock", clock), ("component", "api"))
        assert (("uptime_deadline_timestamp_seconds", labels) in found) == (state == "met")


async def test_open_windows_and_support_time() -> None:
    scraped = Scraped(agreement())
    start_ms = scraped.recorded.now_ms
    kinds = (WindowKind.MAINTENANCE, WindowKind.EXCLUDED)
    windows = [
        Window(kind, start_ms - 1, start_ms + 60_000, "", "anna", start_ms - 2, components=("api",)) for kind in kinds
    ]
    entries = [WindowEntry(number, each.recorded_ms, "anna", each) for number, each in enumerate(windows, start=1)]
    scraped.recorded.board.load(scraped.recorded.ledger(), declared=Declared(windows=entries))

    def open_now(found: Found, key: str) -> list[float]:
        return [of(found, "uptime_component_windows_open", component=key, kind=kind) for kind in WindowKind]

    found = samples(await scraped.text())
    assert (open_now(found, "api"), open_now(found, "ingest")) == ([1, 0, 1], [0, 0, 0])
    assert found["uptime_support_open", ()] == 1  # Monday 13:00 in Warsaw
    scraped.recorded.wait(3 * 3600)
    found = samples(await scraped.text())
    assert open_now(found, "api") == [0, 0, 0]
    assert found["uptime_support_open", ()] == 0
