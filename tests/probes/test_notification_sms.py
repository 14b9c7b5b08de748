"""Alarm SMS of the stand-in platform, read from its provider."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from monitor.results import Result
from probes.contract import ProbeFailed, Reason
from probes.sms import Sms
from probes.sms.polling import CreditOptions, PolledSms, PollOptions
from tests.probes.notifications import SMS_SENSOR, Alarms, running_alarms
from tests.probes.platform import Record
from tests.probes.servers import answering, http_answer, tcp_server

KIND = "notification_sms"


@pytest.fixture
async def alarms() -> AsyncIterator[Alarms]:
    async with running_alarms() as running:
        yield running


def found(result: Result) -> tuple[str, str, str]:
    return result.verdict, result.reason, result.step


async def shown(alarms: Alarms) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{alarms.standin.addresses['control']['url']}/notifications") as answer,
    ):
        told: dict[str, Any] = await answer.json()
        return told


async def test_a_healthy_platform_is_up_and_counts_its_cost(alarms: Alarms) -> None:
    for _ in range(2):
        result = await alarms.check(KIND)
        assert found(result) == ("up", "", ""), result.detail
    assert result.figures["delivery_resolution_seconds"] == 0.02
    assert result.figures["sms_credit"] == 1_000_000 - 2
    # Nobody knows how the sensor was left before the first round, so that one may cost one more.
    assert alarms.record.spent == {"sms:2026-09-21": 5}
    assert (await shown(alarms))["sms_credit"] == 1_000_000 - 4


@pytest.mark.parametrize(
    ("fault", "verdict", "reason", "step"),
    [
        ("no-message", "down", "missing", "alarm_arrival"),
        ("no-all-clear", "down", "missing", "all_clear_arrival"),
        ("late-message", "down", "missing", "alarm_arrival"),
        ("doubled-message", "down", "doubled", "settle_messages"),
        ("wrong-rule", "down", "content", "alarm_arrival"),
        ("wrong-sensor", "down", "content", "alarm_arrival"),
        ("wrong-value", "down", "altered", "alarm_arrival"),
        ("wrong-time", "down", "shifted", "alarm_arrival"),
        ("garbled-message", "down", "content", "alarm_arrival"),
        ("cut-text", "down", "content", "alarm_arrival"),
        ("empty-pool", "unknown", "no_credit", ""),
        ("provider-down", "unknown", "blocked", "inbox"),
    ],
)
async def test_each_fault_of_sms_finds_the_one_who_answers_for_it(
    alarms: Alarms, fault: str, verdict: str, reason: str, step: str
) -> None:
    await alarms.check(KIND)
    alarms.standin.faults.switch_on("sms", fault)
    result = await alarms.check(KIND)
    assert found(result) == (verdict, reason, step), result.detail
    assert (await alarms.values(SMS_SENSOR))[-1] < 59


async def test_no_alarm_is_raised_and_nothing_counted_without_credit(alarms: Alarms) -> None:
    alarms.standin.faults.switch_on("sms", "empty-pool")
    assert (await alarms.check(KIND)).reason == "no_credit"
    assert alarms.record.spent == {}
    assert await alarms.standin.storage.point(SMS_SENSOR) is None  # nothing was ever sent


async def test_a_pool_that_runs_empty_meanwhile_owes_no_sms(alarms: Alarms) -> None:
    await alarms.check(KIND)
    alarms.standin.faults.switch_on("sms", "no-message")
    check = asyncio.create_task(alarms.check(KIND), name="check")
    async with asyncio.timeout(5):
        while len(await alarms.values(SMS_SENSOR)) < 4:  # noqa: ASYNC110  a row of the platform's store is no event
            await asyncio.sleep(0.01)
    alarms.standin.faults.switch_on("sms", "empty-pool")
    result = await check
    assert (result.verdict, result.reason) == ("unknown", "no_credit")


async def test_the_limit_of_a_day_is_never_exceeded(alarms: Alarms) -> None:
    alarms.options = {"daily_cap": 6}
    assert [(await alarms.check(KIND)).reason for _ in range(4)] == ["", "", "capped", "capped"]
    assert alarms.record.spent == {"sms:2026-09-21": 5}
    assert len((await shown(alarms))["sms"]) == 4


async def test_not_even_the_value_that_settles_the_first_round_is_sent_beyond_the_limit(alarms: Alarms) -> None:
    """Nobody knows how the rule stands before the first round: its end may cause a message, too."""
    alarms.options = {"daily_cap": 2}
    assert (await alarms.check(KIND)).reason == "capped"
    assert await alarms.standin.storage.point(SMS_SENSOR) is None


async def test_what_may_be_spent_is_counted_before_it_is_spent(alarms: Alarms) -> None:
    """A check that dies, or whose alarm is refused, has counted what it might have caused."""
    await alarms.check(KIND)
    alarms.standin.faults.switch_on("gateway", "refuse")
    await alarms.check(KIND)
    assert alarms.record.spent == {"sms:2026-09-21": 5}


async def test_sms_that_came_by_webhook_are_known_by_the_providers_id(alarms: Alarms) -> None:
    """What a provider hands over twice is one SMS; what has two ids is doubled."""
    assert found(await alarms.check(KIND))[0] == "up"
    alarm, all_clear = (sms["text"] for sms in (await shown(alarms))["sms"])
    box = alarms.record.inbox
    alarms.options = {"sms": {"webhook": "modem"}}
    alarms.record.memory["position"] = "0"
    for id_, text in (("7", alarm), ("7", alarm), ("8", all_clear)):
        box.put("modem", Sms(id_, "Efento", "+48500100200", text).encoded(), alarms.clock.seen())
    box.put("modem", b"no SMS at all", alarms.clock.seen())
    result = await alarms.check(KIND)
    assert "the same message, handed over again" in result.evidence["message_2"]
    assert "once more" in result.evidence["message_1"]  # it had come by the other way before


TWILIO = b'{"messages": [{"sid": "SM1", "from": "Efento", "to": "+48", "body": "hello", "date_sent": "now"}]}'


async def polled(*answers: bytes, **changes: Any) -> list[list[str]]:
    """What each look finds new; the first is that of opening."""
    left = [http_answer(answer, "Content-Type: application/json") for answer in answers]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"Authorization: Bearer secret" in await reader.readuntil(b"\r\n\r\n")
        writer.write(left.pop(0))
        await writer.drain()

    async with tcp_server(serve) as port:
        given = {"url": f"http://127.0.0.1:{port}/sms?to=1", "token": "secret", **changes}
        channel = PolledSms(PollOptions.model_validate(given), Record().journey())
        looks = [await channel.open(), *[await channel.wait(0) for _ in answers[1:]]]
        return [[arrival.text for arrival in look] for look in looks]


async def test_what_a_provider_lists_is_new_once() -> None:
    assert await polled(b'{"messages": []}', TWILIO, TWILIO, format="twilio") == [[], ["hello"], []]
    assert await polled(TWILIO, TWILIO, format="twilio") == [[], []]


async def test_sms_without_id_are_known_by_their_content() -> None:
    one, two = b'{"text": "one", "sent_at": "1"}', b'{"text": "one", "sent_at": "2"}'
    found = await polled(b'{"messages": []}', b'{"messages": [%s]}' % one, b'{"messages": [%s, %s]}' % (one, two))
    assert found == [[], ["one"], ["one"]]


async def test_sms_of_other_senders_are_left_out() -> None:
    assert await polled(b'{"messages": []}', TWILIO, format="twilio", sender="Bank") == [[], []]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"what is this?", Reason.PROTOCOL),
        (b"[]", Reason.SCHEMA),
        (b'{"messages": 1}', Reason.SCHEMA),
        (b'{"messages": [1]}', Reason.SCHEMA),
    ],
)
async def test_a_list_that_is_none_is_the_providers_failure(answer: bytes, reason: Reason) -> None:
    with pytest.raises(ProbeFailed) as caught:
        await polled(answer)
    assert caught.value.reason is reason
    assert "to=1" not in caught.value.detail


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (b'{"account": {"balance": 12}}', 12),
        (b'{"account": {"balance": "7.5"}}', 7.5),
        (b'{"account": {"balance": true}}', None),
        (b'{"account": {"balance": -1}}', None),
        (b'{"account": 3}', None),
        (b"3", None),
    ],
)
async def test_a_credit_that_is_no_number_is_not_taken_for_one(answer: bytes, left: float | None) -> None:
    async with tcp_server(answering(http_answer(answer, "Content-Type: application/json"))) as port:
        given = {"url": f"http://127.0.0.1:{port}/", "token": "secret", "field": "account.balance"}
        credit = CreditOptions.model_validate(given)
        if left is not None:
            assert await credit.left() == left
            return
        with pytest.raises(ProbeFailed) as caught:
            await credit.left()
        assert caught.value.reason is Reason.SCHEMA
