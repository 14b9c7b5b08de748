"""Alarm mails of the stand-in platform, through a real SMTP server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from monitor.results import Result
from tests.probes.notifications import MAIL_SENSOR, Alarms, running_alarms

KIND = "notification_email"


@pytest.fixture
async def alarms() -> AsyncIterator[Alarms]:
    async with running_alarms() as running:
        yield running


def found(result: Result) -> tuple[str, str, str]:
    return result.verdict, result.reason, result.step


async def is_at_rest(alarms: Alarms) -> bool:
    return (await alarms.values(MAIL_SENSOR))[-1] < 59


async def test_a_healthy_platform_is_up_round_after_round(alarms: Alarms) -> None:
    for number in (1, 2, 3):
        result = await alarms.check(KIND)
        assert found(result) == ("up", "", ""), result.detail
        assert result.figures["rounds"] == number
        assert 0 < result.figures["alarm_delivery_seconds"] < 1
        assert 0 < result.figures["all_clear_delivery_seconds"] < 1
        assert "late_messages" not in result.figures
    assert [step.name for step in result.steps] == [
        "settle",
        "inbox",
        "raise_alarm",
        "store",
        "alarm_arrival",
        "clear_alarm",
        "all_clear_arrival",
        "settle_messages",
    ]
    values = await alarms.values(MAIL_SENSOR)
    assert len(values) == len(set(values)) == 7  # the first round settles what may have been before
    assert [value > 60 for value in values] == [False, *[True, False] * 3]


@pytest.mark.parametrize(
    ("fault", "reason", "step"),
    [
        ("no-message", "missing", "alarm_arrival"),
        ("no-all-clear", "missing", "all_clear_arrival"),
        ("late-message", "missing", "alarm_arrival"),
        ("doubled-message", "doubled", "settle_messages"),
        ("wrong-rule", "content", "alarm_arrival"),
        ("wrong-sensor", "content", "alarm_arrival"),
        ("wrong-value", "altered", "alarm_arrival"),
        ("wrong-time", "shifted", "alarm_arrival"),
        ("garbled-message", "content", "alarm_arrival"),
    ],
)
async def test_each_fault_of_mails_is_the_notifications_fault(
    alarms: Alarms, fault: str, reason: str, step: str
) -> None:
    await alarms.check(KIND)
    alarms.standin.faults.switch_on("mail", fault)
    result = await alarms.check(KIND)
    assert found(result) == ("down", reason, step), result.detail
    assert await is_at_rest(alarms)


@pytest.mark.parametrize(
    ("interface", "fault"),
    [
        ("gateway", "accept-and-drop"),
        ("gateway", "alter"),
        ("gateway", "refuse"),
        ("gateway", "timeout"),
        ("gateway", "garbage"),
        ("gateway", "wrong-status"),
    ],
)
async def test_a_value_that_does_not_arrive_as_sent_is_not_the_notifications_fault(
    alarms: Alarms, interface: str, fault: str
) -> None:
    await alarms.check(KIND)
    alarms.standin.faults.switch_on(interface, fault)
    result = await alarms.check(KIND)
    assert (result.verdict, result.reason) == ("unknown", "blocked"), result.detail
    assert result.detail.startswith("ingest failed: ")


async def test_nobody_is_blamed_for_a_missing_mail_while_the_api_does_not_tell_what_was_sent(alarms: Alarms) -> None:
    alarms.standin.faults.switch_on("mail", "no-message")
    alarms.standin.faults.switch_on("api", "wrong-status")
    result = await alarms.check(KIND)
    assert found(result) == ("unknown", "blocked", "history")


async def test_a_fault_that_ends_leaves_nothing_behind(alarms: Alarms) -> None:
    alarms.standin.faults.switch_on("gateway", "timeout")
    assert (await alarms.check(KIND)).reason == "blocked"
    alarms.standin.faults.clear()
    assert found(await alarms.check(KIND)) == ("up", "", "")


async def test_the_first_try_may_fail(alarms: Alarms) -> None:
    alarms.standin.faults.switch_on("gateway", "fail-first")
    assert found(await alarms.check(KIND)) == ("up", "", "")


async def test_a_late_mail_is_recorded_and_satisfies_no_later_round(alarms: Alarms) -> None:
    await alarms.check(KIND)
    alarms.standin.faults.switch_on("mail", "late-message", seconds=0.5)
    assert (await alarms.check(KIND)).reason == "missing"
    alarms.standin.faults.clear()
    newest = await alarms.record.inbox.newest("smtp")
    async with asyncio.timeout(5):
        await alarms.record.inbox.after("smtp", newest + 1)  # the late alarm and its all-clear
    result = await alarms.check(KIND)
    assert found(result) == ("up", "", ""), result.detail
    assert result.figures["late_messages"] == 2
    assert result.figures["late_seconds"] > 0


async def test_a_second_copy_that_comes_in_the_next_round_is_doubled(alarms: Alarms) -> None:
    await alarms.check(KIND)
    (mail, _all_clear) = await alarms.record.inbox.after("smtp", 0)
    alarms.record.inbox.put("smtp", mail.content, alarms.clock.seen())
    result = await alarms.check(KIND)
    assert found(result) == ("down", "doubled", "settle_messages")
    assert result.detail == "the alarm of round 1 came more than once"


async def test_a_check_that_runs_out_of_time_ends_its_alarm(alarms: Alarms) -> None:
    await alarms.check(KIND)
    alarms.standin.faults.switch_on("mail", "no-message")
    alarms.deadline, alarms.options = 0.2, {"arrival_deadline": 30}
    result = await alarms.check(KIND)
    assert found(result) == ("down", "deadline", "alarm_arrival")
    assert await is_at_rest(alarms)
    alarms.standin.faults.clear()
    alarms.deadline = 4.0
    assert found(await alarms.check(KIND)) == ("up", "", "")


async def test_a_cancelled_check_ends_its_alarm(alarms: Alarms) -> None:
    await alarms.check(KIND)
    alarms.standin.faults.switch_on("mail", "no-message")
    alarms.options = {"arrival_deadline": 30}
    check = asyncio.create_task(alarms.check(KIND), name="check")
    async with asyncio.timeout(5):
        while len(await alarms.values(MAIL_SENSOR)) < 4:  # noqa: ASYNC110  a row of the platform's store is no event
            await asyncio.sleep(0.01)
    check.cancel()
    await asyncio.gather(check, return_exceptions=True)
    assert check.cancelled()
    assert await is_at_rest(alarms)


async def test_after_a_crash_the_next_check_ends_the_alarm_first(alarms: Alarms) -> None:
    await alarms.check(KIND)
    before = dict(alarms.record.memory)
    alarms.standin.faults.switch_on("mail", "no-message")
    await alarms.check(KIND)
    # As the record of a process that died once the alarm was out: the note is committed, no result is stored.
    alarms.standin.faults.clear()
    note = alarms.record.memory["round"].replace('"open":false', '"open":true')
    alarms.record.memory = {**before, "round": note}
    result = await alarms.check(KIND)
    assert found(result) == ("up", "", ""), result.detail
    assert result.figures["rounds"] == 3
    assert [value > 60 for value in await alarms.values(MAIL_SENSOR)][-4:] == [False, False, True, False]


async def test_messages_of_a_check_that_was_killed_are_known_as_its_own(alarms: Alarms) -> None:
    await alarms.check(KIND)
    before = dict(alarms.record.memory)
    await alarms.check(KIND)
    alarms.record.memory = {**before, "round": alarms.record.memory["round"]}
    result = await alarms.check(KIND)
    assert found(result) == ("up", "", "")
    assert result.figures["late_messages"] == 2


async def test_the_round_is_on_record_before_its_alarm_is_sent(alarms: Alarms) -> None:
    await alarms.check(KIND)
    alarms.standin.faults.switch_on("gateway", "refuse")
    await alarms.check(KIND)
    assert '"number":2,"open":true' in alarms.record.memory["round"]


async def test_one_shot_checks_stay_off_an_open_round(alarms: Alarms) -> None:
    await alarms.check(KIND)
    closed = alarms.record.memory["round"]
    alarms.record.memory["round"] = closed.replace('"open":false', '"open":true')
    result = await alarms.check(KIND, one_shot=True)
    assert (result.verdict, result.reason) == ("unknown", "blocked")
    assert len(await alarms.values(MAIL_SENSOR)) == 3
    alarms.record.memory["round"] = closed
    assert found(await alarms.check(KIND, one_shot=True)) == ("up", "", "")
    assert found(await alarms.check(KIND)) == ("up", "", "")
    values = await alarms.values(MAIL_SENSOR)
    assert len(values) == len(set(values))


async def test_values_of_another_sender_excuse_the_notifications(alarms: Alarms) -> None:
    """Two daemons that send for one sensor spoil each other's rounds; that is nobody's downtime."""
    await alarms.check(KIND)
    stranger = Alarms(alarms.standin, alarms.clock)
    alarms.standin.faults.switch_on("mail", "no-message")
    await stranger.check(KIND)
    result = await alarms.check(KIND)
    assert (result.verdict, result.reason) == ("unknown", "blocked")
    assert "which this probe did not send" in result.detail


async def test_a_mail_that_has_nothing_to_do_with_it_is_only_evidence(alarms: Alarms) -> None:
    await alarms.check(KIND)
    for mail in (b"", b"\xff\x00", b"Subject: SMS balance: 5\r\n\r\nThe pool holds 5 SMS.", b"Subject: =?x?q?\r\n"):
        alarms.record.inbox.put("smtp", mail, datetime(2026, 9, 21, tzinfo=UTC))
    result = await alarms.check(KIND)
    assert found(result) == ("up", "", "")
    assert "SMS balance: 5" in "".join(result.evidence.values())


async def test_a_clock_that_went_back_blocks(alarms: Alarms) -> None:
    await alarms.check(KIND)
    note = alarms.record.memory["round"]
    alarms.record.memory["round"] = note.replace('"time":1', '"time":2')
    result = await alarms.check(KIND)
    assert (result.verdict, result.reason) == ("unknown", "blocked")
    assert "the clock went back" in result.detail
