"""Each start and each end of an alert is mailed once, in the words of the settings."""

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import pytest

from tests.standin.receivers import MAIL_SENSOR, SMS_SENSOR, Mailbox, configure, mail_server, send_value, sent, until
from tests.standin.world import SERIAL, World

AT = "2026-09-21 16:15:07"  # the clock of `world`, in Warsaw


@pytest.fixture
async def box(world: World) -> AsyncIterator[Mailbox]:
    async with mail_server(world) as opened:
        yield opened


async def test_an_alert_is_mailed_at_its_start_and_at_its_end(world: World, box: Mailbox) -> None:
    for value in (21.5, 85.3, 85.3, 70.0, 59.5, 58.9, 59.5):
        await send_value(world, MAIL_SENSOR, value)
    await until(lambda: len(box.raw) == 2)
    alarm, all_clear = sorted(box.mails, key=lambda mail: str(mail["Subject"]))
    assert alarm["Subject"] == "Alarm! Rule uptime-email, sensor 282C02FFFF21"
    assert alarm["From"] == "Efento Cloud <alerts@standin.example>"
    assert alarm["To"] == "probe@uptime.example"
    assert text_of(alarm) == (
        "Alarm!\n\nRule: uptime-email\nSensor: 282C02FFFF21\nOrganisation: Stand-in\nLocation: Loopback\n"
        f"Value: 85.3 °C\nTime: {AT}\n"
    )
    assert all_clear["Subject"] == "Back to normal. Rule uptime-email, sensor 282C02FFFF21"
    assert text_of(all_clear).startswith("Back to normal.\n\nRule: uptime-email\n")
    assert "Value: 58.9 °C\n" in text_of(all_clear)
    shown = await sent(world)
    assert [(mail["to"], mail["state"]) for mail in shown["mails"]] == [("probe@uptime.example", "sent")] * 2
    assert shown["sms"] == []


def text_of(mail: EmailMessage) -> str:
    return str(mail.get_content()).replace("\r\n", "\n")


async def test_rules_without_recipients_or_for_other_sensors_send_nothing(world: World, box: Mailbox) -> None:
    await send_value(world, SERIAL, 90.0)
    await send_value(world, SMS_SENSOR, 59.0)
    await send_value(world, MAIL_SENSOR, 61.0)
    await until(lambda: len(box.raw) == 1)
    shown = await sent(world)
    assert (len(shown["mails"]), shown["sms"]) == (1, [])
    rules = [(row["serial"], row["rule"]) for row in await world.platform.storage.alerts()]
    assert rules == [(SERIAL, "Temperature above 80"), (MAIL_SENSOR, "uptime-email")]


async def test_the_wording_is_a_setting(world: World, box: Mailbox) -> None:
    await configure(world, alarm_subject="[{location}] {rule}: {value}", alarm_body="{sensor} {time}", zone="UTC")
    await send_value(world, MAIL_SENSOR, 85.0)
    await until(lambda: box.raw)
    (mail,) = box.mails
    assert mail["Subject"] == "[Loopback] uptime-email: 85.0 °C"
    assert mail.get_content().strip() == f"{MAIL_SENSOR} 2026-09-21 14:15:07"


@pytest.mark.parametrize(
    "wrong",
    [
        {"alarm_body": "{nonsense}"},
        {"alarm_subject": "a\nBcc: b@c.example"},
        {"all_clear_body": "{rule"},
        {"sms_webhook_url": "ftp://x"},
        {"attempts": 0},
        {"smtp": "x"},
    ],
)
async def test_settings_that_cannot_be_are_refused(world: World, wrong: dict[str, Any]) -> None:
    await world.control("PUT", "/settings", {"notifications": wrong}, status=400)


async def test_the_providers_secrets_are_not_shown(world: World) -> None:
    shown = str(await world.control("GET", "/settings")) + repr(world.platform.live.current)
    assert "standin-sms-token" not in shown and "standin-sms-secret" not in shown


async def test_a_mail_server_that_is_away_does_not_hold_up_measurements(world: World) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        await configure(world, smtp_host="127.0.0.1", smtp_port=server.sockets[0].getsockname()[1])
        for value in (70.0, 20.0) * 10:
            await send_value(world, MAIL_SENSOR, value)
        assert len(await world.platform.storage.alerts()) == 10
        assert {mail["state"] for mail in (await sent(world))["mails"]} == {"waiting"}
        await configure(world, smtp_host=None)


async def test_mails_of_alerts_wait_for_a_server(world: World) -> None:
    await send_value(world, MAIL_SENSOR, 90.0)
    async with Mailbox().open() as box:
        await configure(world, smtp_host="127.0.0.1", smtp_port=box.port)
        await until(lambda: box.raw)
