"""Every fault that a platform can have: which component it brings down, at which step and for which reason.

And what must not happen: the other component stays out of it, a single failure is no outage, and an outage ends.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from tests.e2e.configurations import Watch, http, write
from tests.e2e.daemons import DaemonProcess, Demo, Status, sum_of, switch
from tests.e2e.listener import Listener
from tests.e2e.processes import Keeper, Process, run

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(90)]

Found = tuple[str | None, str | None, str | None]
"""A probe's verdict, reason and step."""

UP: Found = ("up", None, None)
BLOCKED: Found = ("unknown", "blocked", "api")


@dataclass(frozen=True, slots=True)
class Case:
    """A fault and what the probes of ingest (through the interface that fails), api and history find of it."""

    interface: str
    fault: str
    ingest: Found
    api: Found = UP
    history: Found = UP
    parameters: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        return " ".join([self.interface, self.fault, *(f"{key}={value}" for key, value in self.parameters)])

    @property
    def sender(self) -> str:
        return "ingest-gateway" if self.interface == "gateway" else "ingest-coap"


def sending(fault: str, reason: str, *interfaces: str) -> list[Case]:
    """The message itself fails: ingest is down, whichever way it was sent, and nothing else is touched."""
    return [Case(interface, fault, ("down", reason, "send")) for interface in interfaces or ("coap", "gateway")]


def storing(fault: str, reason: str, **parameters: object) -> list[Case]:
    """The message is acknowledged, but the sample is not there as it was sent: ingest is down, the API is not."""
    found = ("down", reason, "read_back")
    return [Case(way, fault, found, parameters=tuple(parameters.items())) for way in ("coap", "gateway")]


def asking(fault: str, reason: str, **parameters: object) -> Case:
    """The API does not answer properly: it is down, and of ingest nothing can be known."""
    found = ("down", reason, "organisations"), ("down", reason, "api")
    return Case("api", fault, BLOCKED, *found, tuple(parameters.items()))


def showing(fault: str, reason: str, **parameters: object) -> Case:
    """The API answers properly, but shows another history than was sent: also of samples that it showed rightly once,
    so that nothing can be known of the fresh ones."""
    found = ("unknown", "blocked", "older_samples"), UP, ("down", reason, "verify")
    return Case("api", fault, *found, tuple(parameters.items()))


CASES = [
    *sending("refuse", "refused"),
    *sending("timeout", "timeout"),
    *sending("reset", "reset"),
    *sending("slow", "timeout"),
    *sending("wrong-status", "status"),
    *sending("redirect-loop", "redirect", "gateway"),
    *sending("garbage", "protocol"),
    *sending("wrong-schema", "schema", "gateway"),
    *sending("truncated", "protocol"),
    *sending("half-open", "timeout"),
    *sending("endless", "timeout", "gateway"),
    *sending("empty", "protocol", "gateway"),
    *sending("unknown-token", "protocol", "coap"),
    *storing("accept-and-drop", "missing"),
    *storing("lost-partition", "missing", of=1, remainder=0),
    *storing("delay", "missing"),
    *storing("alter", "altered"),
    *storing("double", "doubled"),
    *storing("shift", "shifted"),
    asking("refuse", "refused"),
    asking("timeout", "timeout"),
    asking("reset", "reset"),
    asking("slow", "timeout"),
    asking("wrong-status", "status"),
    asking("redirect-loop", "redirect"),
    asking("garbage", "protocol"),
    asking("wrong-schema", "schema"),
    asking("wrong-content-type", "content"),
    asking("truncated", "protocol"),
    asking("half-open", "timeout"),
    asking("endless", "timeout"),
    asking("gzip-bomb", "too_large"),
    asking("expired-token", "auth"),
    showing("empty", "missing"),
    showing("alter", "altered"),
    showing("double", "doubled"),
    showing("lost-history", "missing"),
    showing("shift", "shifted", seconds=100),
    # A whole hour may as well be a wrongly configured zone, which is not the platform's failure.
    Case("api", "shift", ("unknown", "wrong_zone", "read_back"), UP, ("unknown", "wrong_zone", "verify")),
    # A device takes 2.01 or 201 for its answer, whatever else is in it.
    Case("coap", "wrong-schema", UP),
    Case("coap", "empty", UP),
    Case("gateway", "wrong-content-type", UP),
]
# Every regular check fails and every repetition succeeds: blips for ever, and never an outage.
BLIPS = [Case(interface, "fail-first", UP) for interface in ("coap", "gateway")]


@dataclass(frozen=True, slots=True)
class Course:
    """What was seen while all faults were on at the same time, each on a platform of its own, and afterwards.

    `during` has the last answer of that time, `states` every state that a component was ever seen in.
    """

    during: Status
    states: dict[str, set[str]]
    after: Status
    metrics: str
    outages: list[dict[str, Any]]

    def outages_of(self, key: str) -> list[dict[str, Any]]:
        return [outage for outage in self.outages if outage["component"] == key]


def watch_of(case: Case, platform: dict[str, Any] | None = None) -> Watch:
    return Watch(platform or {}, [*CASES, *BLIPS].index(case) + 1)


def found_by(case: Case, status: Status) -> tuple[Found, Found, Found]:
    watch = watch_of(case)
    ingest, api, history = (status.verdict(watch.name(probe)) for probe in (case.sender, "api", "history"))
    return ingest, api, history


def expected_states(case: Case) -> tuple[str, str]:
    """Of ingest and api: what their probes find, once confirmed; the worst decides."""
    api = next(word for word in ("down", "unknown", "up") if word in (str(case.api[0]), str(case.history[0])))
    return str(case.ingest[0]), api


def states(case: Case, status: Status) -> tuple[str, str]:
    watch = watch_of(case)
    return status.state(watch.name("ingest")), status.state(watch.name("api"))


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, keep_for_all: Keeper) -> Course:
    folder = tmp_path_factory.mktemp("course")
    every = [*CASES, *BLIPS]
    platforms = start_platforms(folder / "platforms.json", len(every), keep_for_all)
    watches = [watch_of(case, platform) for case, platform in zip(every, platforms, strict=True)]
    config = write(folder, [probe for case, watch in zip(every, watches, strict=True) for probe in probes(case, watch)])
    daemon = keep_for_all(DaemonProcess(config)).ready()
    daemon.shows(all_up, "everything up", 30)
    for case, watch in zip(every, watches, strict=True):
        switch(watch.platform, "PUT", case.interface, case.fault, **dict(case.parameters))
    seen: dict[str, set[str]] = {}

    def as_expected(status: Status) -> bool:
        for component in status.content["components"]:
            seen.setdefault(component["key"], set()).add(component["state"])
        return all(
            (found_by(case, status), states(case, status))
            == ((case.ingest, case.api, case.history), expected_states(case))
            for case in CASES
        )

    during = daemon.shows_or_last(as_expected, 20)
    for watch in watches:
        switch(watch.platform, "DELETE")
    after = daemon.shows_or_last(all_up, 15)
    outages = json.loads(run("outages", "--json", "-c", str(config), cwd=folder).stdout)
    return Course(during, seen, after, daemon.fetch("/metrics").text, outages)


def probes(case: Case, watch: Watch) -> Sequence[dict[str, Any]]:
    pace = {"every": "4s", "recheck": "300ms"}
    sender = watch.ingest_gateway(**pace) if case.interface == "gateway" else watch.ingest_coap(**pace)
    return sender, watch.api(**pace), watch.history(**pace)


def start_platforms(file: Path, number: int, keep: Keeper) -> list[dict[str, Any]]:
    arguments = ["-m", "tests.e2e.platforms", str(number), str(file)]
    process = keep(Process(arguments, cwd=Path(__file__).parents[2], command=Path(sys.executable)))
    process.shown(file.exists, "the platforms")
    found: list[dict[str, Any]] = json.loads(file.read_text())
    return found


def all_up(status: Status) -> bool:
    return all(component["state"] == "up" for component in status.content["components"])


def test_every_fault_has_a_case() -> None:
    tried = {(case.interface, case.fault) for case in [*CASES, *BLIPS]}
    sensors_and_api = (Interface.COAP, Interface.GATEWAY, Interface.API)  # the others are in the table of verdicts
    assert tried == {
        (interface.value, spec.name)
        for spec in CATALOGUE.values()
        for interface in spec.interfaces
        if interface in sensors_and_api
    }


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_is_found_where_it_is(course: Course, case: Case) -> None:
    assert found_by(case, course.during) == (case.ingest, case.api, case.history)
    assert states(case, course.during) == expected_states(case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_only_what_is_down_has_an_outage_and_it_ends_with_the_fault(course: Course, case: Case) -> None:
    watch = watch_of(case)
    assert states(case, course.after) == ("up", "up")
    for key, state in zip(("ingest", "api"), expected_states(case), strict=True):
        found = course.outages_of(watch.name(key))
        assert [outage["end"] is not None for outage in found] == [True] * (state == "down")
        assert state == "down" or "down" not in course.states[watch.name(key)]


@pytest.mark.parametrize("case", [case for case in CASES if case.ingest[0] == "unknown"], ids=str)
def test_an_api_that_fails_is_not_held_against_ingest(course: Course, case: Case) -> None:
    assert course.states[watch_of(case).name("ingest")] <= {"up", "unknown"}


@pytest.mark.parametrize("case", BLIPS, ids=str)
def test_failures_whose_repetition_succeeds_are_no_outage(course: Course, case: Case) -> None:
    watch = watch_of(case)
    assert sum_of(course.metrics, "uptime_probe_checks_total", probe=watch.name(case.sender), verdict="down") > 0
    assert course.states[watch.name("ingest")] <= {"up", "unknown"}  # unknown until the repetition has cleared it
    assert course.outages_of(watch.name("ingest")) == []


def test_a_fault_switched_by_command_is_an_outage_within_two_intervals(demo: Demo) -> None:
    """The demo's interval is 5 s; two failures in a row make an outage."""

    def fault(*arguments: str) -> None:
        done = run("standin", "fault", "--data", demo.folder.name, *arguments, cwd=demo.folder.parent)
        assert done.returncode == 0, done.stderr

    def seen(state: str) -> Status:
        def such(status: Status) -> bool:
            assert status.state("api") == "up"
            return status.state("ingest") == state

        return demo.shows(such, f"ingest {state}", 12)  # two intervals, and some time for a slow machine

    demo.shows(lambda status: (status.state("ingest"), status.state("api")) == ("up", "up"), "all up")
    fault("on", "coap", "accept-and-drop")
    outage = seen("down").component("ingest")["outage"]
    assert (outage["probes"], outage["reason"], outage["step"]) == (["ingest-coap"], "missing", "read_back")
    page = demo.fetch("/").text
    assert "Down: Receiving measurements" in page
    assert "missing at step read_back" in page
    assert demo.metric("uptime_component_state", component="ingest", state="down") == 1
    fault("clear")
    assert seen("up").component("ingest")["outage"] is None


def test_a_single_failure_is_no_outage(tmp_path: Path, listener: Listener, keep: Keeper) -> None:
    config = write(tmp_path, [http("page", listener.url(), every="1s", recheck="300ms")])
    daemon = keep(DaemonProcess(config)).ready()
    daemon.shows(lambda status: status.state("api") == "up", "api up")
    listener.failures = 1

    def recovered(status: Status) -> bool:
        assert status.state("api") != "down"
        return status.state("api") == "up" and [entry["verdict"] for entry in daemon.logs("check.finished")][-2:] == [
            "down",
            "up",
        ]

    daemon.shows(recovered, "the failure and the success after it")
    assert daemon.metric("uptime_probe_checks_total", verdict="down") == 1
    assert json.loads(run("outages", "--json", "-c", str(config), cwd=tmp_path).stdout) == []
