"""The daemon's calls: what is told when, at which pace, and what becomes of a service that does not answer."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from monitor.clock import ManualClock, SystemClock
from monitor.config import PingSection
from monitor.heartbeats import Pings
from tests.heartbeats.services import TOKEN, Service, answering, hang_up, service, silence

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Daemon:
    """What the calls speak for, on a clock that a test moves."""

    def __init__(self, asked: Service, **settings: Any) -> None:
        self.clock = ManualClock(NOON)
        self.problems: list[str] = []
        section = PingSection(url=SecretStr(asked.url()), timeout=0.3).model_copy(update=settings)
        self.pings = Pings(section, self.clock, lambda: self.problems)

    async def at(self, seconds: float, *problems: str) -> None:
        """Goes on by so much, and looks."""
        self.clock.advance(seconds)
        self.problems = list(problems)
        await self.pings.look()

    def wait(self) -> float:
        return self.pings.next_look() - self.clock.monotonic()


async def test_well_is_told_on_a_grid_that_does_not_drift() -> None:
    async with service(answering()) as asked:
        daemon = Daemon(asked, every=60.0, retry=15.0)
        await daemon.at(0.0)
        await daemon.at(15.0)
        assert (asked.lines, daemon.wait()) == (["POST "], 15.0)
        await daemon.at(38.0)
        assert daemon.wait() == 7.0
        await daemon.at(7.4)  # woken late: the next is due at 120 all the same
        assert len(asked.calls) == 2
        await daemon.at(55.0)
        assert daemon.wait() == pytest.approx(4.6)
        await daemon.at(200.0)  # stood still: one call, not four
        assert (len(asked.calls), daemon.pings.counts) == (3, {"ok": 3, "failed": 0})


async def test_a_daemon_that_is_not_well_says_so_soon_and_why_and_takes_it_back_soon() -> None:
    async with service(answering()) as asked:
        daemon = Daemon(asked, every=60.0, retry=15.0)
        with capture_logs() as logged:
            await daemon.at(0.0)
            await daemon.at(15.0, "the store has not been writable for 17 s", "probe api has no fresh result: never")
            await daemon.at(15.0, "the store has not been writable for 32 s")
            await daemon.at(30.0, "the store has not been writable for 62 s")
            await daemon.at(15.0)
        assert asked.lines == ["POST ", "POST /fail", "POST /fail", "POST "]
        reasons = "the store has not been writable for 17 s\nprobe api has no fresh result: never"
        assert [call.body for call in asked.calls] == ["", reasons, "the store has not been writable for 62 s", ""]
        assert [entry["event"] for entry in logged] == ["daemon.unwell", "daemon.well"]
        assert logged[0]["problems"] == reasons.split("\n")


async def test_nothing_is_said_while_first_checks_are_awaited() -> None:
    async with service(answering()) as asked:
        daemon = Daemon(asked, every=60.0, retry=15.0, settle=40.0)
        for _ in range(3):
            await daemon.at(10.0, "probe api has no fresh result: last at 4")
            assert (asked.calls, daemon.wait()) == ([], 15.0)
        await daemon.at(5.0)
        assert asked.lines == ["POST "]
        await daemon.at(1.0, "the store has not been writable for 17 s")  # it has been well: no more patience
        assert asked.lines == ["POST ", "POST /fail"]


async def test_a_daemon_that_never_becomes_well_says_so_when_the_time_is_over() -> None:
    async with service(answering()) as asked:
        daemon = Daemon(asked, every=60.0, retry=15.0, settle=40.0)
        await daemon.at(39.9, "no check has been stored yet")
        assert asked.calls == []
        await daemon.at(0.1, "no check has been stored yet")
        assert asked.lines == ["POST /fail"]


async def test_a_call_that_failed_is_repeated_soon_and_told_of_once() -> None:
    async with service(hang_up) as asked:
        daemon = Daemon(asked, every=60.0, retry=15.0)
        with capture_logs() as logged:
            for seconds in (0.0, 15.0, 15.0):
                assert daemon.pings.up is not True
                await daemon.at(seconds)
            assert (daemon.pings.up, len(asked.calls)) == (False, 3)
            asked.behaviour = answering()
            await daemon.at(15.0)
            await daemon.at(10.0)
        assert (daemon.pings.up, daemon.pings.counts) == (True, {"ok": 1, "failed": 3})
        assert logged == [
            {"event": "ping.failed", "why": "the connection broke off", "log_level": "warning"},
            {"event": "ping.back", "log_level": "info"},
        ]


async def test_a_failure_that_did_not_get_through_is_repeated_too() -> None:
    async with service(answering()) as asked:
        daemon = Daemon(asked, every=60.0, retry=15.0)
        await daemon.at(0.0)
        asked.behaviour = answering("503 Service Unavailable")
        await daemon.at(15.0, "one")
        asked.behaviour = answering()
        await daemon.at(15.0, "two")
        await daemon.at(15.0, "two")
        assert [call.body for call in asked.calls] == ["", "one", "two"]


async def test_other_services_have_other_suffixes_or_none() -> None:
    async with service(answering()) as asked:
        section = {"well_suffix": "?status=up", "fail_suffix": "?status=down", "start_suffix": None, "method": "GET"}
        daemon = Daemon(asked, every=60.0, **section)
        await daemon.at(0.0)
        await daemon.at(15.0, "one")
        assert asked.lines == ["GET ?status=up", "GET ?status=down"]
        asked.calls.clear()
        daemon = Daemon(asked, every=60.0, fail_suffix=None)
        await daemon.at(0.0)
        await daemon.at(60.0, "one")
        await daemon.at(60.0, "one")
        await daemon.at(60.0)
        assert asked.lines == ["POST ", "POST "]


async def test_a_running_daemon_begins_with_a_start_and_keeps_its_pace() -> None:
    async with service(answering()) as asked, asyncio.TaskGroup() as group:
        section = PingSection(url=SecretStr(asked.url())).model_copy(update={"every": 0.1, "retry": 0.05})
        running = group.create_task(Pings(section, SystemClock(), list).run())
        await asked.called(6)
        running.cancel()
    assert asked.lines[:3] == ["POST /start", "POST ", "POST "]
    first, *_, last = asked.at[1:6]
    assert 0.35 < last - first < 0.7


async def test_a_service_that_holds_the_line_keeps_nobody_from_stopping() -> None:
    async with service(silence) as asked, asyncio.TaskGroup() as group:
        section = PingSection(url=SecretStr(asked.url()), timeout=60.0)
        running = group.create_task(Pings(section, SystemClock(), list).run())
        await asked.called(1)
        running.cancel()
        await asyncio.wait([running], timeout=1.0)
        assert running.cancelled()


async def test_without_an_address_there_is_nothing_to_do() -> None:
    pings = Pings(PingSection(), SystemClock(), list)
    await pings.run()
    assert (pings.up, pings.counts) == (None, {"ok": 0, "failed": 0})


async def test_the_address_is_in_no_line_of_the_log() -> None:
    async with service(hang_up) as asked:
        daemon = Daemon(asked)
        with capture_logs() as logged:
            for behaviour in (hang_up, silence, answering("500 Oh", TOKEN), answering(text=TOKEN)):
                asked.behaviour = behaviour
                await daemon.at(60.0)
        assert logged and TOKEN not in repr(logged) and str(asked.port) not in repr(logged)
        assert TOKEN not in repr(daemon.pings.__dict__)
