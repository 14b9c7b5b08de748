"""SMS in the known words, by webhook and by polling, as long as the prepaid pool lasts."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from standin.clock import from_unix
from standin.notifications.texts import SMS_CHARACTERS, Notice, ascii_only
from standin.settings import UTC_ZONE, WARSAW
from tests.standin.receivers import (
    SMS_SENSOR,
    Mailbox,
    Phone,
    configure,
    is_signed,
    mail_server,
    send_value,
    sent,
    until,
)
from tests.standin.world import DEADLINE_SECONDS, T, World, http_exchange

AT = "2026-09-21 16:15:07"  # the clock of `world`, in Warsaw
BEARER = {"Authorization": "Bearer standin-sms-token"}


@pytest.fixture
async def box(world: World) -> AsyncIterator[Mailbox]:
    async with mail_server(world) as opened:
        yield opened


@pytest.fixture
async def phone(world: World) -> AsyncIterator[Phone]:
    async with Phone().open() as opened:
        await configure(world, sms_webhook_url=opened.url, retry_seconds=0.02)
        yield opened


async def poll(world: World, after: str = "0") -> list[dict[str, Any]]:
    async with world.http.get(world.url("sms") + "/messages", params={"after": after}, headers=BEARER) as response:
        assert response.status == 200
        messages: list[dict[str, Any]] = (await response.json())["messages"]
        return messages


async def balance(world: World) -> int:
    async with world.http.get(world.url("sms") + "/balance", headers=BEARER) as response:
        return int((await response.json())["sms"])


async def test_an_alert_is_told_by_sms_in_the_known_words(world: World, phone: Phone) -> None:
    for value in (85.3, 58.9):
        await send_value(world, SMS_SENSOR, value)
    await until(lambda: len(phone.received) == 2)
    alarm, all_clear = sorted(phone.messages, key=lambda message: int(message["id"]))
    assert alarm == {
        "id": alarm["id"],
        "from": "Efento",
        "to": "+48500100200",
        "text": f"{AT} Alarm! Regula uptime-sms, czujnik: 282C02FFFF22 w Stand-in - Loopback, wartosc 85.3C",
        "sent_at": "2026-09-21T14:15:07+00:00",
    }
    assert all_clear["text"] == (
        f"{AT} Powrot do normalnego stanu. Regula uptime-sms, czujnik 282C02FFFF22 w Stand-in - Loopback: Wartosc 58.9C"
    )
    assert all(is_signed(headers, body) for headers, body in phone.received)
    assert {headers["x-timestamp"] for headers, _body in phone.received} == {str(T + 7)}
    assert await poll(world) == [alarm, all_clear]
    assert await poll(world, alarm["id"]) == [all_clear]
    await until_state(world, "delivered")


async def until_state(world: World, state: str) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while {sms["state"] for sms in (await sent(world))["sms"]} != {state}:  # noqa: ASYNC110  seen from outside
            await asyncio.sleep(0.005)


async def test_a_webhook_is_called_until_it_takes_the_message(world: World, phone: Phone) -> None:
    phone.statuses = [500, 302, 401]
    await send_value(world, SMS_SENSOR, 85.0)
    await until(lambda: len(phone.received) == 4)
    assert len({message["id"] for message in phone.messages}) == 1
    await until_state(world, "delivered")
    assert (await sent(world))["sms"][0]["attempts"] == 4


async def test_an_sms_that_nobody_takes_is_kept(world: World, phone: Phone) -> None:
    await configure(world, attempts=2)
    phone.statuses = [500] * 9
    await send_value(world, SMS_SENSOR, 85.0)
    await until_state(world, "undelivered")
    assert (len(phone.received), len(await poll(world))) == (2, 1)


async def test_without_a_webhook_messages_are_kept_for_polling(world: World) -> None:
    for value in (85.0, 20.0, 85.0):
        await send_value(world, SMS_SENSOR, value)
    numbers = [int(message["id"]) for message in await poll(world)]
    assert len(numbers) == 3 and numbers == sorted(set(numbers)) and numbers[0] >= T * 1000
    assert await poll(world, str(numbers[-1])) == []
    await until_state(world, "kept")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/messages", {}, 401),
        ("/balance", {}, 401),
        ("/messages", {"Authorization": "standin-sms-token"}, 401),
        ("/messages", {"Authorization": "Bearer wrong"}, 401),
        ("/messages?after=x", BEARER, 400),
        ("/messages?after=-1", BEARER, 400),
        ("/messages", BEARER, 200),
        ("/nothing", BEARER, 404),
    ],
)
async def test_who_may_ask_what(world: World, path: str, headers: dict[str, str], status: int) -> None:
    assert (await http_exchange(world.port("sms"), "GET", path, headers)).status == status


def notice(**changes: Any) -> Notice:
    facts: dict[str, Any] = {
        "alarm": True,
        "rule": "r",
        "sensor": "s",
        "organisation": "o",
        "location": "l",
        "parameter": "TEMPERATURE",
        "value": 85.0,
        "moment": datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC),
    }
    return Notice(**{**facts, **changes})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "2026-01-15 13:00:00 Alarm! Regula r, czujnik: s w o - l, wartosc 85.0C"),
        (
            {"moment": from_unix(1_784_116_800)},
            "2026-07-15 14:00:00 Alarm! Regula r, czujnik: s w o - l, wartosc 85.0C",
        ),
        ({"rule": "Zażółć gęślą"}, "2026-01-15 13:00:00 Alarm! Regula Zazolc gesla, czujnik: s w o - l, wartosc 85.0C"),
        ({"value": -0.125}, "2026-01-15 13:00:00 Alarm! Regula r, czujnik: s w o - l, wartosc -0.125C"),
        (
            {"parameter": "HUMIDITY", "value": 44.0},
            "2026-01-15 13:00:00 Alarm! Regula r, czujnik: s w o - l, wartosc 44.0%",
        ),
        (
            {"parameter": "PULSE_CNT", "value": 7.0, "alarm": False},
            "2026-01-15 13:00:00 Powrot do normalnego stanu. Regula r, czujnik s w o - l: Wartosc 7.0",
        ),
    ],
)
def test_the_text_of_an_sms(changes: dict[str, Any], text: str) -> None:
    assert notice(**changes).sms(WARSAW) == text


def test_a_long_sms_is_cut() -> None:
    text = notice(rule="x" * 300).sms(UTC_ZONE)
    assert len(text) == SMS_CHARACTERS and text.startswith("2026-01-15 12:00:00 Alarm! Regula xxx")
    assert ascii_only("°C Ł") == "C L"


# The prepaid pool


async def test_each_sms_takes_one_and_the_owner_is_warned(world: World, box: Mailbox) -> None:
    assert await balance(world) == 1_000_000
    await world.control("PUT", "/notifications/credit", {"sms": 12})
    for value in (85.0, 20.0) * 7:
        await send_value(world, SMS_SENSOR, value)
    await until(lambda: len(box.raw) == 3)
    assert sorted(str(mail["Subject"]) for mail in box.mails) == [
        "SMS balance of Stand-in: 0",
        "SMS balance of Stand-in: 10",
        "SMS balance of Stand-in: 5",
    ]
    assert set(box.recipients) == {"customer@example.com"}
    shown = await sent(world)
    assert [sms["state"] for sms in shown["sms"]] == ["kept"] * 12 + ["no_credit"] * 2
    assert (shown["sms_credit"], await balance(world), len(await poll(world))) == (0, 0, 12)
    await world.control("PUT", "/notifications/credit", {"sms": 1})
    await send_value(world, SMS_SENSOR, 85.0)
    assert len(await poll(world)) == 13


@pytest.mark.parametrize("wrong", [{}, {"sms": -1}, {"sms": "5"}, {"sms": True}, {"sms": 1, "more": 1}])
async def test_a_credit_that_cannot_be_is_refused(world: World, wrong: dict[str, Any]) -> None:
    await world.control("PUT", "/notifications/credit", wrong, status=400)
