"""The ways that messages take to us: slow, full or flooded, they are never the platform's failure."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Sequence

import pytest

from monitor.results import Result
from probes.contract import Blocked, Message
from probes.efento.alarm_channel import Arrival, InboxChannel, news
from probes.sms.polling import PolledSms, PollOptions
from tests.probes.notifications import Alarms, running_alarms
from tests.probes.platform import Letterbox, Record, api_answer
from tests.probes.servers import answering, tcp_server
from tests.probes.test_mailbox import SILENCE, USUAL, FakeImap, channel_to

KIND = "notification_sms"


@pytest.fixture
async def alarms() -> AsyncIterator[Alarms]:
    async with running_alarms() as running:
        yield running


def found(result: Result) -> tuple[str, str, str]:
    return result.verdict, result.reason, result.step


class Numbered(InboxChannel):
    def arrival(self, message: Message) -> Arrival:
        return Arrival(str(message.number), message.content.decode(), message.received_at.timestamp())


class SlowInbox(Letterbox):
    """The store is so slow that no look ends in time; it ends all the same."""

    async def after(self, channel: str, number: int) -> Sequence[Message]:
        await asyncio.sleep(0.05)
        return await super().after(channel, number)


async def test_a_message_that_is_there_is_seen_however_slow_the_store_is() -> None:
    record = Record(inbox=SlowInbox())
    channel = Numbered(record.journey(), "smtp")
    await channel.open()
    assert await channel.wait(0.01) == ()
    record.inbox.put("smtp", b"in time")
    assert [each.text for each in await channel.wait(0.01)] == ["in time"]
    assert await channel.wait(0.0) == ()


async def test_what_came_since_the_last_check_is_seen_however_slow_the_store_is() -> None:
    record = Record(inbox=SlowInbox(), memory={"position": "0"})
    record.inbox.put("smtp", b"overnight")
    assert [each.text for each in await Numbered(record.journey(), "smtp").open()] == ["overnight"]


@pytest.mark.parametrize("command", ["NOOP", "SEARCH", "FETCH"])
async def test_the_time_that_a_slow_mailbox_takes_is_not_the_platforms(command: str) -> None:
    """A check that is cut off then fails at the mailbox, not at the arrival."""
    server = FakeImap()
    async with channel_to(server, timeout=5) as channel:
        journey = channel._journey
        await channel.open()
        server.answers |= {"SEARCH": b"* SEARCH 6\r\n{tag} OK done\r\n", command: SILENCE}
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), journey.step("alarm_arrival"):
                await news(channel, journey, 1)
    assert journey.failed_step is not None and journey.failed_step.component == "mailbox"


@pytest.mark.parametrize(
    ("quota", "is_full"),
    [
        (b'* QUOTAROOT INBOX ""\r\n* QUOTA "" (STORAGE 512 512)\r\n', True),
        (b'* QUOTAROOT INBOX ""\r\n* QUOTA "" (STORAGE 400 512)\r\n', True),
        (b'* QUOTAROOT INBOX ""\r\n* QUOTA "" (STORAGE 10 5120 MESSAGE 10 10)\r\n', True),
        (b'* QUOTAROOT INBOX ""\r\n* QUOTA "" (STORAGE 10 5120)\r\n', False),
        (b"* QUOTAROOT INBOX\r\n", False),
    ],
)
async def test_a_mailbox_that_is_full_is_our_own_failure(quota: bytes, is_full: bool) -> None:
    offer = USUAL["CAPABILITY"].replace(b"IDLE", b"IDLE QUOTA")
    async with channel_to(FakeImap(CAPABILITY=offer, GETQUOTAROOT=quota + b"{tag} OK done\r\n")) as channel:
        await channel.open()
        if is_full:
            with pytest.raises(Blocked, match="full"):
                await channel.require_room()
        else:
            await channel.require_room()
        assert await channel.wait(0.0) == [], "the connection can still be used"


async def test_a_mailbox_without_a_quota_is_not_full() -> None:
    async with channel_to(FakeImap()) as channel:
        await channel.open()
        await channel.require_room()


def listing(ids: Sequence[str]) -> bytes:
    return api_answer(json.dumps({"messages": [{"id": each, "text": "advertisement"} for each in ids]}).encode())


async def test_a_long_list_of_a_provider_is_not_new_at_every_look() -> None:
    async with tcp_server(answering(listing([str(number) for number in range(1000)]))) as port:
        options = PollOptions.model_validate({"url": f"http://127.0.0.1:{port}/", "token": "secret", "every": 0.01})
        record = Record()
        journey = record.journey()
        channel = PolledSms(options, journey)
        assert await channel.open() == ()
        assert await channel.wait(0.0) == []
        record.keep(journey)
        assert await PolledSms(options, record.journey()).open() == []


async def test_a_flood_of_messages_keeps_nobody_busy_and_blames_nobody(alarms: Alarms) -> None:
    numbers = itertools.count()

    async def flooding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(listing([str(next(numbers))]))(reader, writer)

    await alarms.check(KIND)
    alarms.standin.faults.switch_on("sms", "no-message")
    async with tcp_server(flooding) as port:
        alarms.options = {"sms": {"poll": {"url": f"http://127.0.0.1:{port}/", "token": "secret", "every": 0.02}}}
        assert found(await alarms.check(KIND)) == ("unknown", "blocked", "alarm_arrival")


async def test_an_advertisement_does_not_hide_that_the_pool_ran_empty(alarms: Alarms) -> None:
    left = iter([b'{"sms": 100}'])

    async def balance(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(api_answer(next(left, b'{"sms": 0}')))(reader, writer)

    await alarms.check(KIND)
    alarms.standin.faults.switch_on("sms", "garbled-message")  # something comes that nobody can read
    async with tcp_server(balance) as port:
        alarms.options = {"credit": {"url": f"http://127.0.0.1:{port}/", "token": "secret"}}
        assert found(await alarms.check(KIND))[:2] == ("unknown", "no_credit")
