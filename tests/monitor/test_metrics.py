"""`/metrics` is what `docs/metrics.md` promises, whatever the probes bring home."""

import asyncio
import re
import subprocess
from pathlib import Path

from monitor.metrics.probe_series import EVENTS
from monitor.sla.model import State, Verdict
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
        "verdict": {verdict.value for verdict in Verdict},
        "state": {state.value for state in State},
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
    newest = {"uptime_probe_success", "uptime_probe_last_check_timestamp_seconds", "uptime_component_uptime_ratio"}
    newest |= {"uptime_probe_step_duration_seconds", "uptime_probe_figure"}
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
