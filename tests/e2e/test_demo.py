"""The demo as whoever tries the product meets it: what it says and shows, how it stops, and how it goes on."""

import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import to_milliseconds
from monitor.sla.model import Cause, Run, State
from probes.efento.samples import SampleRun, SampleState
from tests.e2e.daemons import Demo, Status
from tests.e2e.processes import CLOCK, COMMAND, Keeper, environment, is_running, run, until
from tests.e2e.records import ledger_of, lives_of, samples_of, states_between

WATCHED = ("ingest", "notifications", "reports", "api", "frontend", "recovery", "operations")
UP_WITHIN_SECONDS = 40.0
STOP_SECONDS = 8.0  # a check under way may have an alarm to clear, and a browser to end
# A result of the demo's probes speaks for 2.5 of their intervals of 5 s; only then nobody knows.
STALE_MS = 12_500
CONFIG = str(Path(__file__).parents[2] / "config" / "demo.yaml")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]


def all_up(status: Status) -> bool:
    return all(status.state(key) == "up" for key in WATCHED)


@dataclass(frozen=True, slots=True)
class Ended:
    """A demo that has had one outage of the API and was ended."""

    folder: Path
    exit_code: int
    stand_in: int
    outages: list[dict[str, Any]]
    samples: dict[str, list[SampleRun]]
    silent_ms: int  # when its last result stopped speaking


def outages_of(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        run("outages", "--json", "-c", CONFIG, cwd=folder, DEMO_STORE=f"sqlite:///{folder / 'uptime.db'}").stdout
    )
    return found


def end(demo: Demo, number: signal.Signals) -> Ended:
    stand_in = demo.stand_in
    demo.send(number)
    code = demo.ended(STOP_SECONDS)
    file = demo.folder / "uptime.db"
    silent_ms = STALE_MS + max(run.last_ms for runs in ledger_of(file).runs.values() for run in runs)
    return Ended(demo.folder, code, stand_in, outages_of(demo.folder), samples_of(file), silent_ms)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, keep_for_all: Keeper) -> dict[str, Ended]:
    """Two that lived at the same time; one was stopped by Ctrl-C, the other killed."""
    place = tmp_path_factory.mktemp("ended")
    demos = [keep_for_all(Demo(place / name)) for name in ("stopped", "killed")]
    for demo in demos:
        demo.ready().switch("PUT", "api", "wrong-status")
    for demo in demos:
        demo.shows(lambda status: status.state("api") == "down", "the outage")
        demo.switch("DELETE")
    for demo in demos:
        demo.shows(all_up, "the end of the outage")
    return {"stopped": end(demos[0], signal.SIGINT), "killed": end(demos[1], signal.SIGKILL)}


def test_the_platform_ends_with_its_demo(ended: dict[str, Ended]) -> None:
    """Also after a kill, which leaves the demo no time to say anything."""
    assert {how: each.exit_code for how, each in ended.items()} == {"stopped": 0, "killed": -9}
    until(lambda: not any(is_running(each.stand_in) for each in ended.values()), "the stand-ins have ended")


def test_it_says_where_everything_listens(demo: Demo) -> None:
    places = [place["url"] for part in demo.addresses.values() for place in part.values()]
    printed = "".join(demo.output)
    assert len(places) == 5 + 13
    assert [url for url in places if url not in printed and not url.endswith(("/healthz", "/readyz"))] == []


def test_everything_promised_is_watched_and_up_within_40_seconds(demo: Demo) -> None:
    status = demo.shows(all_up, "everything up", UP_WITHIN_SECONDS)
    assert {component["key"] for component in status.content["components"]} == set(WATCHED)
    page = demo.fetch("/")
    assert (page.status, page.content_type) == (200, "text/html")
    shown = {key: state for state, key in re.findall(r'class="component (\w+)" id="(\w+)"', page.text)}
    assert shown == dict.fromkeys(WATCHED, "up")


def test_the_page_shows_how_long_mails_and_sms_take(demo: Demo) -> None:
    status = demo.shows(all_up, "everything up", UP_WITHIN_SECONDS)
    for probe in ("email", "sms"):
        assert 0 < status.probe(probe)["figures"]["alarm_delivery_seconds"] < 2
        assert 0 < status.probe(probe)["figures"]["all_clear_delivery_seconds"] < 2
    measured = re.findall(r'class="measured">([^<]*)<', demo.fetch("/").text)
    assert len([line for line in measured if "deliver" in line]) >= 2, measured


def test_metrics_and_health_answer(demo: Demo) -> None:
    demo.shows(all_up, "everything up", UP_WITHIN_SECONDS)
    assert [demo.metric("uptime_component_state", component=key, state="up") for key in WATCHED] == [1] * len(WATCHED)
    assert demo.metric("uptime_results_stored_total") >= 4
    assert demo.fetch("/healthz").status == 200
    assert (demo.fetch("/readyz").status, demo.fetch("/readyz").text) == (200, "ready\n")


def test_ctrl_c_ends_it_in_mid_check_though_the_platform_is_silent(tmp_path: Path, keep: Keeper) -> None:
    """One demo is told alone, the other with its whole process group, as a terminal does it."""
    alone, grouped = (keep(Demo(tmp_path / name)) for name in ("alone", "grouped"))
    for demo in (alone, grouped):
        for interface in ("coap", "gateway", "api"):
            demo.ready().switch("PUT", interface, "timeout")
    assert_stops_in_mid_check(alone, alone.send)
    assert_stops_in_mid_check(grouped, grouped.send_to_group)


def assert_stops_in_mid_check(demo: Demo, send: Callable[[signal.Signals], None]) -> None:
    stand_in = demo.stand_in
    until(lambda: demo.metric("uptime_checks_in_flight") > 0, "a check in flight")
    began = CLOCK.monotonic()
    send(signal.SIGINT)
    assert demo.ended(STOP_SECONDS) == 0
    assert CLOCK.monotonic() - began < STOP_SECONDS
    assert demo.logs("daemon.stopping")[0]["checks_in_flight"] > 0
    assert demo.output[-1].startswith("Stopped.")
    assert not is_running(stand_in)
    assert [life.clean for life in lives_of(demo.folder / "uptime.db")] == [True]


@pytest.fixture(scope="module")
def again(ended: dict[str, Ended], keep_for_all: Keeper) -> dict[str, Demo]:
    """The same two demos, started once more after nothing spoke for the present any longer."""
    silent_ms = max(each.silent_ms for each in ended.values())
    until(lambda: to_milliseconds(CLOCK.now()) > silent_ms, "silence", 30)
    demos = {how: keep_for_all(Demo(each.folder)) for how, each in ended.items()}
    for demo in demos.values():
        demo.ready()
    return demos


@pytest.mark.parametrize(
    ("how", "clean", "cause"), [("stopped", True, Cause.DAEMON_STOPPED), ("killed", False, Cause.DAEMON_KILLED)]
)
def test_the_time_between_two_starts_is_unknown(
    ended: dict[str, Ended], again: dict[str, Demo], how: str, clean: bool, cause: Cause
) -> None:
    ledger = ledger_of(again[how].folder / "uptime.db")
    assert ledger.lives[0].clean is clean
    blind = (ended[how].silent_ms, ledger.lives[1].first_ms)
    assert blind[0] < blind[1]
    assert states_between(ledger, "api", blind) == {(State.UNKNOWN, cause)}


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_the_next_start_goes_on_with_the_history(ended: dict[str, Ended], again: dict[str, Demo], how: str) -> None:
    before = ended[how]
    again[how].shows(all_up, "everything up", UP_WITHIN_SECONDS)
    assert [(each["component"], each["reason"], each["end"] is None) for each in before.outages] == [
        ("api", "status", False)
    ]
    assert outages_of(before.folder) == before.outages
    assert_samples_go_on(before.samples, samples_of(before.folder / "uptime.db"))


def assert_samples_go_on(before: dict[str, list[SampleRun]], later: dict[str, list[SampleRun]]) -> None:
    """What the sensors had sent is known, and what they could not send meanwhile was sent: one run without a gap."""
    assert before.keys() == later.keys() and before
    for serial, runs in later.items():
        assert runs[0].first == before[serial][0].first
        assert runs[-1].last > before[serial][-1].last
        assert [run.state for run in runs] == [SampleState.SEEN]


def test_on_a_terminal_ctrl_c_ends_make_demo_as_a_success(tmp_path: Path) -> None:
    """Make reports an interrupt as its own failure; on a terminal the demo gets it alone."""
    process, terminal = pty.fork()
    if process == 0:  # pragma: no cover  # the child; becomes make
        os.chdir(Path(__file__).parents[2])
        os.execvp("make", ["make", "demo", f"ARGS=--port 0 --data {tmp_path}"])
    seen = b""
    while b"Ctrl-C stops the demo." not in seen:
        seen += os.read(terminal, 4096)
    pressed = CLOCK.monotonic()
    os.write(terminal, b"\x03")
    with suppress(OSError):  # what a terminal reads once nobody writes to it any more
        while os.read(terminal, 4096):
            pass
    _process, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert CLOCK.monotonic() - pressed < STOP_SECONDS


def test_the_other_verbs_work_on_a_running_demo(demo: Demo) -> None:
    """As the demo itself says: source its file, then ask."""
    script = f". {demo.folder / 'demo.env'}; {COMMAND} check --json; {COMMAND} uptime --json; {COMMAND} outages"
    demo.shows(all_up, "everything up", UP_WITHIN_SECONDS)
    done = subprocess.run(["sh", "-ec", script], cwd=demo.folder, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr + done.stdout
    results, end = json.JSONDecoder().raw_decode(done.stdout)
    assert [result["probe"] for result in results] == [probe["id"] for probe in demo.status().content["probes"]]
    assert {result["verdict"] for result in results} == {"up"}
    assert all(step["seconds"] >= 0 and step["ok"] for result in results for step in result["steps"])
    assert all(result["steps"] for result in results)
    assert "notifications" in done.stdout[end:]


def test_a_new_demo_has_a_simulated_year_to_show(tmp_path: Path, keep: Keeper) -> None:
    """The next start in the same folder adds nothing to it."""
    folder, began_ms = tmp_path / "new", to_milliseconds(CLOCK.now())
    demo = keep(Demo(folder, "--past")).ready()
    assert "is simulated" in "".join(demo.output)
    demo.shows(all_up, "everything up", UP_WITHIN_SECONDS)
    assert any(component["outages"] for component in report_of(folder)["components"])
    past = runs_before(folder, began_ms)
    demo.send(signal.SIGINT)
    assert demo.ended(STOP_SECONDS) == 0
    again = keep(Demo(folder, "--past")).ready()
    assert "is simulated" not in "".join(again.output)
    assert runs_before(folder, began_ms) == past


def report_of(folder: Path) -> dict[str, Any]:
    """Of the year that the past lies in; at its beginning that is the one before."""
    period = str((CLOCK.now() - timedelta(days=60)).year)
    arguments = ("report", period, "--format", "json", "-o", "-", "-c", CONFIG)
    done = run(*arguments, cwd=folder, DEMO_STORE=f"sqlite:///{folder / 'uptime.db'}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def runs_before(folder: Path, end_ms: int) -> dict[tuple[str, str], list[Run]]:
    runs = ledger_of(folder / "uptime.db").runs
    return {key: [each for each in found if each.last_ms <= end_ms] for key, found in runs.items()}
