"""Each fault of mails and SMS shows in what arrives, and only while it is on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from tests.standin.receivers import (
    MAIL_SENSOR,
    SMS_SENSOR,
    Mailbox,
    Phone,
    configure,
    is_signed,
    send_value,
    until,
)
from tests.standin.world import World

AT = "2026-09-21 16:15:07"
FAULTS = [
    (str(place), spec.name)
    for spec in CATALOGUE.values()
    for place in spec.interfaces
    if place in (Interface.MAIL, Interface.SMS)
]
PARAMETERS: dict[str, dict[str, Any]] = {
    "late-message": {"seconds": 0.8},
    "wrong-value": {"amount": 2.0},
    "wrong-time": {"seconds": -90.0},
    "replayed": {"seconds": 0.05},
    "cut-text": {"characters": 30},
}


@dataclass
class Round:
    """What came of one alarm and its end: texts (of mails: subject and body), and how late the first one was."""

    world: World
    interface: str
    texts: list[str]
    seconds: float
    phone: Phone

    @property
    def joined(self) -> str:
        return "\n".join(self.texts)


@dataclass
class Customer:
    world: World
    box: Mailbox
    phone: Phone

    def texts(self, interface: str) -> list[str]:
        if interface == "sms":
            return list(self.phone.texts)
        bodies = [mail.get_payload(decode=True) for mail in self.box.mails]
        return [
            f"{mail['Subject']}\n{body.decode('utf-8', 'replace') if isinstance(body, bytes) else ''}"
            for mail, body in zip(self.box.mails, bodies, strict=True)
        ]

    def _is_all_sent(self) -> bool:
        names = {task.get_name() for task in asyncio.all_tasks()}
        held_back = self.world.platform.faults.active(Interface.SMS, "provider-down")
        return not names & {"mail.deliver", "sms.hand_over", *([] if held_back else ["sms.deliver"])}

    async def round(self, interface: str, expected: int = 2) -> Round:
        """Makes it hot and cool again; waits for so many messages, and until nothing more is on its way."""
        self.box.raw.clear()
        self.phone.received.clear()
        loop = asyncio.get_running_loop()
        started, sensor = loop.time(), SMS_SENSOR if interface == "sms" else MAIL_SENSOR
        await send_value(self.world, sensor, 85.3)
        await send_value(self.world, sensor, 21.5)
        if expected:
            await until(lambda: self.texts(interface))
        seconds = loop.time() - started
        await until(lambda: len(self.texts(interface)) >= expected)
        await until(self._is_all_sent)
        return Round(self.world, interface, self.texts(interface), seconds, self.phone)


@pytest.fixture
async def customer(world: World) -> AsyncIterator[Customer]:
    async with Mailbox().open() as box, Phone().open() as phone:
        server = {"smtp_host": "127.0.0.1", "smtp_port": box.port}
        await configure(world, sms_webhook_url=phone.url, attempts=2, retry_seconds=0.02, **server)
        yield Customer(world, box, phone)
        await configure(world, smtp_host=None, sms_webhook_url=None)


Shows = Callable[[Round], bool]
EXPECTED: dict[str, int] = {}  # how many messages come while the fault is on, where it is not two
EVIDENCE: dict[tuple[str, str], Shows] = {}


def evidence(fault: str, *interfaces: str, expected: int = 2) -> Callable[[Shows], Shows]:
    def register(shows: Shows) -> Shows:
        EVIDENCE.update({(interface, fault): shows for interface in interfaces})
        EXPECTED[fault] = expected
        return shows

    return register


@evidence("no-message", "mail", "sms", expected=0)
@evidence("empty-pool", "sms", expected=0)
@evidence("provider-down", "sms", expected=0)
def nothing_came(seen: Round) -> bool:
    return seen.texts == []


@evidence("late-message", "mail", "sms")
def it_came_late(seen: Round) -> bool:
    return seen.seconds >= 0.8


@evidence("doubled-message", "mail", "sms", expected=4)
def each_came_twice(seen: Round) -> bool:
    return len(seen.texts) == 2 * len(set(seen.texts)) == 4


@evidence("wrong-rule", "mail", "sms")
def another_rule(seen: Round) -> bool:
    assert (SMS_SENSOR if seen.interface == "sms" else MAIL_SENSOR) in seen.joined
    return "uptime-" not in seen.joined and "Humidity above 95" in seen.joined


@evidence("wrong-sensor", "mail", "sms")
def another_sensor(seen: Round) -> bool:
    assert "uptime-" in seen.joined
    return "282C02FFFF2" not in seen.joined and "282C02FFFFFE" in seen.joined


@evidence("wrong-value", "mail", "sms")
def another_value(seen: Round) -> bool:
    assert AT in seen.joined
    return "85.3" not in seen.joined and "87.3" in seen.joined and "23.5" in seen.joined


@evidence("wrong-time", "mail", "sms")
def another_time(seen: Round) -> bool:
    assert "85.3" in seen.joined
    moved = datetime.fromisoformat(AT) - timedelta(seconds=90)
    return seen.joined.count(str(moved)) == 2


@evidence("no-all-clear", "mail", "sms", expected=1)
def only_the_start(seen: Round) -> bool:
    return len(seen.texts) == 1 and "Alarm!" in seen.texts[0]


@evidence("garbled-message", "mail")
def no_readable_body(seen: Round) -> bool:
    assert len([text for text in seen.texts if "Rule uptime-email, sensor 282C02FFFF21\n" in text]) == 2
    return "�" in seen.joined and "85.3" not in seen.joined


@evidence("garbled-message", "sms")
def only_question_marks(seen: Round) -> bool:
    return set(seen.joined) == {"?", "\n"}


@evidence("cut-text", "sms")
def cut(seen: Round) -> bool:
    return seen.texts[0].startswith(AT) and {len(text) for text in seen.texts} == {30}


@evidence("forged-signature", "sms")
def wrongly_signed(seen: Round) -> bool:
    return not any(is_signed(headers, body) for headers, body in seen.phone.received)


@evidence("replayed", "sms", expected=4)
def the_same_again(seen: Round) -> bool:
    """To the byte the same: identifier, time and signature too."""
    distinct = {(body, headers["x-signature"], headers["x-timestamp"]) for headers, body in seen.phone.received}
    return (len(seen.phone.received), len(distinct)) == (4, 2)


def test_every_fault_of_mails_and_sms_has_a_case() -> None:
    assert set(FAULTS) == set(EVIDENCE)


@pytest.mark.parametrize(("interface", "fault"), FAULTS)
async def test_a_fault_shows_while_it_is_on_and_only_then(customer: Customer, interface: str, fault: str) -> None:
    shows, faults = EVIDENCE[interface, fault], customer.world.platform.faults
    assert not shows(await customer.round(interface))
    faults.switch_on(interface, fault, **PARAMETERS.get(fault, {}))
    assert shows(await customer.round(interface, EXPECTED[fault]))
    await end(customer, interface, fault)
    assert not shows(await customer.round(interface))


async def end(customer: Customer, interface: str, fault: str) -> None:
    """What the provider held back while it was down comes then."""
    held_back = 2 if fault == "provider-down" else 0
    customer.phone.received.clear()
    customer.world.platform.faults.switch_off(interface, fault)
    await until(lambda: len(customer.phone.received) >= held_back)


@pytest.mark.parametrize("other", ["sms", "mail"])
async def test_a_fault_of_one_way_leaves_the_other_alone(customer: Customer, other: str) -> None:
    customer.world.platform.faults.switch_on("mail" if other == "sms" else "sms", "no-message")
    assert len((await customer.round(other)).texts) == 2


async def test_an_empty_pool_shows_in_the_balance(customer: Customer) -> None:
    world = customer.world
    headers = {"Authorization": "Bearer standin-sms-token"}
    balances = []
    for on in (False, True, False):
        if on:
            world.platform.faults.switch_on("sms", "empty-pool")
        async with world.http.get(world.url("sms") + "/balance", headers=headers) as response:
            balances.append((await response.json())["sms"])
        world.platform.faults.clear()
    assert balances == [1_000_000, 0, 1_000_000]


@pytest.mark.parametrize(("on", "status"), [(False, 200), (True, 503)])
async def test_a_provider_that_is_down_answers_503(customer: Customer, on: bool, status: int) -> None:
    world = customer.world
    if on:
        world.platform.faults.switch_on("sms", "provider-down")
    headers = {"Authorization": "Bearer standin-sms-token"}
    for path in ("/messages", "/balance"):
        async with world.http.get(world.url("sms") + path, headers=headers) as response:
            assert response.status == status


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        ("wrong-rule", {"rule": "a\nb"}),
        ("wrong-rule", {"rule": " "}),
        ("cut-text", {"characters": 0}),
        ("cut-text", {"characters": 161}),
        ("late-message", {"seconds": -1}),
    ],
)
async def test_parameters_that_cannot_be_are_refused(world: World, fault: str, parameters: dict[str, Any]) -> None:
    await world.control("PUT", f"/faults/sms/{fault}", parameters, status=400)
