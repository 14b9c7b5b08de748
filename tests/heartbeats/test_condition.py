"""When a daemon does its work, when it does not, and when only a new start can help."""

from datetime import UTC, datetime

from monitor.clock import ManualClock, to_milliseconds
from monitor.heartbeats import Condition
from monitor.heartbeats.condition import STUCK_SECONDS
from monitor.results import Result
from monitor.sla.model import Verdict
from tests.monitor.build import config_of, probe_config

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Daemon:
    """Two probes, every 30 s and every 5 min, a store that takes a heartbeat every second, and a clock."""

    def __init__(self) -> None:
        config = config_of([probe_config(name="api", every=30.0), probe_config(name="email", every=300.0)])
        self.clock = ManualClock(NOON)
        self.results: dict[str, Result] = {}
        self.condition = Condition(config, self.clock, self.results.get)

    def check(self, probe: str, seconds_ago: float = 0.0) -> None:
        started_ms = to_milliseconds(self.clock.now()) - round(seconds_ago * 1000)
        self.results[probe] = Result(probe, "ingest", "frankfurt", started_ms, 1000, Verdict.UP)

    def wait(self, seconds: float, *, writes: bool = True, answers: bool = True) -> None:
        self.clock.advance(seconds)
        if writes:
            self.condition.took_heartbeat()
        if answers:
            self.condition.answered()


def test_all_is_well_while_checks_are_stored() -> None:
    daemon = Daemon()
    daemon.check("api")
    daemon.check("email")
    daemon.wait(75.0)
    assert (daemon.condition.problems(), daemon.condition.unwell(), daemon.condition.is_stuck()) == ([], [], False)
    daemon.wait(0.001)
    assert daemon.condition.unwell() == ["probe api has no fresh result: last at 2026-11-23T12:00:00.000Z"]


def test_a_daemon_that_has_stored_nothing_is_ready_but_proves_nothing() -> None:
    daemon = Daemon()
    assert (daemon.condition.problems(), daemon.condition.unwell()) == ([], ["no check has been stored yet"])
    daemon.check("email")
    assert daemon.condition.unwell() == []
    daemon.wait(76.0)
    assert daemon.condition.problems() == ["probe api has no fresh result: never"]


def test_a_store_that_takes_no_heartbeat_is_not_writable() -> None:
    daemon = Daemon()
    daemon.check("api")
    daemon.wait(3.0, writes=False)
    assert daemon.condition.problems() == []
    daemon.wait(1.0, writes=False)
    assert daemon.condition.problems() == ["the store has not been writable for 4 s"]
    assert daemon.condition.heartbeat_age() == 4.0


def test_a_store_that_hangs_makes_the_daemon_stuck_and_one_that_fails_does_not() -> None:
    failing, hanging = Daemon(), Daemon()
    for _ in range(20):  # far longer than any result speaks
        failing.wait(STUCK_SECONDS, writes=False)
    assert not failing.condition.is_stuck()
    hanging.wait(STUCK_SECONDS + 1.0, writes=False, answers=False)
    assert not hanging.condition.is_stuck()
    hanging.wait(0.1, writes=False, answers=False)
    assert hanging.condition.is_stuck()


def test_a_daemon_none_of_whose_checks_comes_to_an_end_is_stuck() -> None:
    daemon = Daemon()
    daemon.check("api")
    daemon.wait(755.0)  # the slower probe's result speaks for 750 s, and its next check may take 5 s
    assert not daemon.condition.is_stuck()
    daemon.wait(0.1)
    assert daemon.condition.is_stuck()
    daemon.check("email")
    assert not daemon.condition.is_stuck()


def test_silence_from_before_the_start_is_no_reason_to_start_again() -> None:
    daemon = Daemon()
    for probe in ("api", "email"):
        daemon.check(probe, seconds_ago=86_400)
    daemon.wait(10.0)
    assert len(daemon.condition.problems()) == 2
    assert not daemon.condition.is_stuck()
