"""What an operator declares and notes while the daemon runs, and what becomes of it in the figures."""

import json
import signal
from pathlib import Path

import pytest

from monitor.clock import iso
from tests.e2e.auditing import (
    TOKENS,
    ask,
    component_in,
    configured,
    now_ms,
    reported,
    said,
    this_year,
    told,
    wall_time,
)
from tests.e2e.configurations import Watch
from tests.e2e.daemons import DaemonProcess, StandIn
from tests.e2e.processes import Keeper

MINUTE_MS = 60_000

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]


@pytest.fixture
def platform(tmp_path: Path, keep: Keeper) -> StandIn:
    return keep(StandIn(tmp_path / "platform")).ready()


@pytest.fixture
def config(tmp_path: Path, platform: StandIn) -> Path:
    watch = Watch(platform.addresses)
    return configured(tmp_path / "daemon", [watch.ingest_gateway(every="1s"), watch.api(every="1s")])


def started(config: Path, keep: Keeper) -> DaemonProcess:
    daemon = keep(DaemonProcess(config)).ready()
    daemon.shows(lambda status: {status.state("api"), status.state("ingest")} == {"up"}, "everything up")
    return daemon


def outage_of(config: Path, component: str) -> str:
    (outage,) = told(config, "outages", component)
    return str(outage["id"])


def bring_down(daemon: DaemonProcess, platform: StandIn) -> None:
    platform.switch("PUT", "gateway", "refuse")
    daemon.shows(lambda status: status.state("ingest") == "down", "the outage")


def mend(daemon: DaemonProcess, platform: StandIn) -> None:
    platform.switch("DELETE", "gateway", "refuse")
    daemon.shows(lambda status: status.state("ingest") == "up", "the end of the outage")


def test_a_window_that_is_declared_while_it_runs(config: Path, platform: StandIn, keep: Keeper) -> None:
    """By the command line; the API tells of it at once, and the report has the downtime in it counted and visible."""
    daemon = started(config, keep)
    begin_ms, end_ms = now_ms() - MINUTE_MS, now_ms() + 10 * MINUTE_MS
    times = ["--from", wall_time(begin_ms), "--to", wall_time(end_ms)]
    said(config, "window", "add", "maintenance", *times, "--component", "ingest", "--text", "new disks", "--by", "Ann")
    assert ask(daemon, "/api/v1/windows").status == 401
    answer = ask(daemon, "/api/v1/windows", token=TOKENS["oncall"])
    (window,) = json.loads(answer.text)["windows"]
    assert (window["kind"], window["text"], window["by"]) == ("maintenance", "new disks", "Ann")
    bring_down(daemon, platform)
    mend(daemon, platform)
    report = reported(config, "report", now_ms())
    (listed,) = json.loads(report["json"])["windows"]
    assert (listed["text"], listed["author"], listed["retroactive"]) == ("new disks", "Ann", True)
    ingest = component_in(report["json"], "ingest")
    assert ingest["milliseconds"]["down"] == ingest["down_in_windows"]["maintenance"] > 0
    assert ingest["milliseconds"]["maintenance"] == 0, "the agreement makes no exception for it"
    assert component_in(report["json"], "api")["milliseconds"]["down"] == 0
    assert b"new disks" in report["html"]


def test_time_that_is_excluded_by_the_api_is_left_out(config: Path, platform: StandIn, keep: Keeper) -> None:
    """Not by its author alone; and the report still says what the figure would be without."""
    daemon = started(config, keep)
    bring_down(daemon, platform)
    mend(daemon, platform)
    window = {
        "kind": "excluded", "from": iso(now_ms() - 2 * MINUTE_MS), "to": iso(now_ms()), "components": ["ingest"],
        "text": "the customer's own line was cut", "class": "customer",
    }  # fmt: skip
    alone = ask(daemon, "/api/v1/windows", {**window, "approver": "oncall"}, TOKENS["oncall"])
    assert (alone.status, [each["path"] for each in json.loads(alone.text)["mistakes"]]) == (400, ["approver"])
    assert ask(daemon, "/api/v1/windows", {**window, "approver": "Bob"}, TOKENS["oncall"]).status == 201
    ingest = component_in(reported(config, "report", now_ms())["json"], "ingest")
    assert ingest["milliseconds"]["down"] == 0 < ingest["milliseconds"]["excluded"]
    assert ingest["down_in_windows"]["excluded"] == ingest["without_windows"]["milliseconds"]["down"] > 0


def test_an_outage_from_the_page_to_its_story(config: Path, platform: StandIn, keep: Keeper) -> None:
    daemon = started(config, keep)
    bring_down(daemon, platform)
    outage = outage_of(config, "ingest")
    path, body = f"/api/v1/outages/{outage}/events", {"kind": "acknowledged", "by": "Ann", "note": "on it"}
    assert ask(daemon, path, body).status == 401
    assert ask(daemon, path, body, "a-token-that-nobody-was-given").status == 401
    assert ask(daemon, path, body, TOKENS["oncall"]).status == 201
    assert daemon.metric("uptime_component_outage_open", component="ingest") == 1
    waited = daemon.shown(lambda: deadline_state(daemon, "running"), "the clocks of the outage")
    assert waited, "a blocker's workaround and correction have deadlines"
    mend(daemon, platform)
    story = told(config, "explain", outage[:6])
    assert [(each["kind"], each["by"], each["via"]) for each in story["events"]] == [("acknowledged", "Ann", "api")]
    assert story["last_success"]["probe"] == "ingest-gateway"
    failure = next(each for each in story["checks"] if each["verdict"] == "down")
    assert story["evidence"]["check"] == failure["id"]
    assert story["outage"]["reason"] == failure["reason"]
    assert story["outage"]["start"] == failure["started_at"] > story["last_success"]["started_at"]
    assert outage in said(config, "explain", outage)
    (listed,) = component_in(reported(config, "report", now_ms())["json"], "ingest")["outages"]
    assert (listed["id"], listed["start"]) == (outage, story["outage"]["start"])
    assert [clock["name"] for clock in listed["clocks"]] == [clock["name"] for clock in story["clocks"]]


def deadline_state(daemon: DaemonProcess, state: str) -> float:
    return daemon.metric("uptime_deadline_state", component="ingest", state=state)


def test_what_was_known_stays_what_was_known(config: Path, platform: StandIn, keep: Keeper) -> None:
    """A report as of a moment has the same bytes in every format, however much was recorded later: by an outage, a
    crash, another start, a window."""
    daemon = started(config, keep)
    before_ms = now_ms()
    before = reported(config, "before", before_ms)
    bring_down(daemon, platform)
    while_down_ms = now_ms()
    while_down = reported(config, "while_down", while_down_ms)
    daemon.kill()
    assert reported(config, "before-2", before_ms) == before
    assert reported(config, "while_down-2", while_down_ms) == while_down
    daemon = keep(DaemonProcess(config)).ready()
    mend(daemon, platform)
    said(config, "window", "add", "maintenance", "--from", iso(before_ms), "--to", iso(now_ms()), "--text", "late",
         "--by", "Ann")  # fmt: skip
    daemon.send(signal.SIGTERM)
    assert daemon.ended(15) == 0
    assert reported(config, "before-3", before_ms) == before
    assert reported(config, "while_down-3", while_down_ms) == while_down
    whole = reported(config, "whole", now_ms())
    assert component_in(before["json"], "ingest")["outages"] == []
    (running,) = component_in(while_down["json"], "ingest")["outages"]
    (ended,) = component_in(whole["json"], "ingest")["outages"]
    assert (running["id"], running["end"]) == (ended["id"], None)
    assert ended["end"] is not None
    assert component_in(whole["json"], "ingest")["milliseconds"]["unknown"] > 0, "nobody looked after the crash"


def test_a_report_of_a_year_that_has_not_begun_is_refused(config: Path, keep: Keeper) -> None:
    started(config, keep)
    assert said(config, "report", str(int(this_year()) + 1), code=2) == ""
