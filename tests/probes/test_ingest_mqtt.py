"""Publishing to a broker: what counts as its failure, and that nothing is left behind whatever it does."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import ValidationError

from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.efento.samples import SampleState
from probes.efento.signal import DEFAULT_KEY, sensor_signal
from probes.ingest_mqtt import Options, ingest_mqtt
from standin import StandIn, StandInSettings
from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from tests.probes.brokers import ACCEPTED, acknowledging, closing, endlessly_acknowledging, leaving, packet, saying
from tests.probes.platform import SERIAL, START, Record, running_platform
from tests.probes.servers import (
    Handler,
    client_tasks,
    closed_port,
    eventually,
    failed_step,
    garbage,
    open_sockets,
    silent,
    slamming,
    tcp_server,
)

SIGNAL = sensor_signal(SERIAL, DEFAULT_KEY, ["TEMPERATURE"]).channels[0]
OTHER = "282C02FFFF02"


def options_of(port: int, api_url: str = "http://127.0.0.1:1/api/v2", **changes: Any) -> Options:
    quick: dict[str, Any] = {"attempts": 1, "answer_timeout": 2.0, "read_back": {"deadline": 0.3}}
    api = {"url": api_url, "token": "standin-api-token", "timeout": 2.0}
    place: dict[str, Any] = {"host": "127.0.0.1", "port": port, "sensors": [SERIAL]}
    return Options.model_validate({**place, **quick, "api": api, **changes})


async def failing(options: Options) -> tuple[ProbeFailed | Blocked, Journey]:
    journey = Record().journey()
    with pytest.raises((ProbeFailed, Blocked)) as caught:
        await ingest_mqtt(options, journey)
    assert isinstance(caught.value, (ProbeFailed, Blocked))
    return caught.value, journey


BAD_BROKERS: dict[str, tuple[Handler, Reason, str]] = {
    "silent": (silent, Reason.TIMEOUT, "login"),
    "closes at once": (saying(then=leaving), Reason.RESET, "login"),
    "garbage": (garbage, Reason.PROTOCOL, "login"),
    "closes before CONNACK": (closing, Reason.RESET, "login"),
    "resets before CONNACK": (slamming, Reason.RESET, "login"),
    "half a CONNACK": (saying(ACCEPTED[:3]), Reason.TIMEOUT, "login"),
    "half a CONNACK, then closes": (saying(ACCEPTED[:3], then=leaving), Reason.RESET, "login"),
    "PUBACK for CONNACK": (saying(bytes.fromhex("40020001")), Reason.TIMEOUT, "login"),
    "CONNACK of MQTT 5": (saying(bytes.fromhex("2003000000")), Reason.PROTOCOL, "login"),
    "wrong version": (saying(bytes.fromhex("20020001")), Reason.STATUS, "login"),
    "identifier rejected": (saying(bytes.fromhex("20020002")), Reason.STATUS, "login"),
    "unavailable": (saying(bytes.fromhex("20020003")), Reason.STATUS, "login"),
    "bad password": (saying(bytes.fromhex("20020004")), Reason.AUTH, "login"),
    "not authorised": (saying(bytes.fromhex("20020005")), Reason.AUTH, "login"),
    "unknown code": (saying(bytes.fromhex("20020077")), Reason.PROTOCOL, "login"),
    "no PUBACK": (saying(ACCEPTED), Reason.TIMEOUT, "publish"),
    "closes for PUBACK": (saying(ACCEPTED, then=closing), Reason.RESET, "publish"),
    "resets for PUBACK": (saying(ACCEPTED, then=slamming), Reason.RESET, "publish"),
    "garbage for PUBACK": (saying(ACCEPTED, then=garbage), Reason.PROTOCOL, "publish"),
    "another's PUBACK": (saying(ACCEPTED, bytes.fromhex("4002ffff")), Reason.TIMEOUT, "publish"),
    "endless PUBACKs": (saying(ACCEPTED, then=endlessly_acknowledging), Reason.PROTOCOL, "publish"),
    "talks on and on": (saying(ACCEPTED * 20), Reason.PROTOCOL, "publish"),
}


@pytest.mark.parametrize("name", BAD_BROKERS)
async def test_each_misbehaviour_has_its_reason_and_step_and_leaves_nothing(name: str) -> None:
    handler, reason, step = BAD_BROKERS[name]
    patience = 0.2 if reason is Reason.TIMEOUT else 5.0
    async with tcp_server(handler) as port, nothing_left():
        failure, journey = await failing(options_of(port, answer_timeout=patience))
        assert (failure.reason, failed_step(journey)) == (reason, step), failure.detail
        assert failure.detail.startswith(f"127.0.0.1:{port}: ")
        assert client_tasks() == set()


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """To be left while the server still serves: its end would close a forgotten connection."""
    before = open_sockets()
    yield
    assert client_tasks() == set()
    await eventually(lambda: open_sockets() == before)


async def test_garbage_is_kept_as_evidence() -> None:
    async with tcp_server(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        failure, journey = await failing(options_of(port))
    assert failure.reason is Reason.PROTOCOL
    assert journey.evidence_items()["mqtt_answer"].startswith(b"HTTP/1.1 400".hex(" "))


async def test_a_lost_connection_is_noticed_at_once() -> None:
    async with asyncio.timeout(5), tcp_server(saying(ACCEPTED, then=closing)) as port:
        await failing(options_of(port, answer_timeout=60))


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 70])
async def test_a_name_without_address_is_a_matter_of_dns(host: str) -> None:
    failure, journey = await failing(options_of(1, host=host))
    assert (failure.reason, failed_step(journey)) == (Reason.DNS, "connect")


def resolving_to(*addresses: str) -> Callable[..., Awaitable[list[Any]]]:
    async def getaddrinfo(_host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return getaddrinfo


async def test_the_hosts_addresses_are_tried_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolving_to("127.0.0.2", "127.0.0.1"))
    async with tcp_server(saying(bytes.fromhex("20020005"))) as port:
        failure, _ = await failing(options_of(port, host="two.example"))
    assert failure.reason is Reason.AUTH


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Makes 127.0.0.2 a host that answers nothing at a port, because its queue is full, and resolves names to it."""
    held: list[socket.socket] = []

    def fill(port: int) -> None:
        held.append(socket.create_server(("127.0.0.2", port), backlog=0))
        for _ in range(3):
            held.append(waiting := socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.2", port))
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolving_to("127.0.0.2", "127.0.0.1"))

    yield fill
    for each in held:
        each.close()


async def test_a_silent_address_does_not_use_up_the_time_of_another(full: Callable[[int], None]) -> None:
    async with tcp_server(saying(bytes.fromhex("20020005"))) as port:
        full(port)
        async with nothing_left(), asyncio.timeout(5):
            failure, _ = await failing(options_of(port, host="two.example", answer_timeout=60))
    assert failure.reason is Reason.AUTH


async def test_a_cancel_between_two_addresses_leaves_nothing(full: Callable[[int], None]) -> None:
    port = await closed_port()
    full(port)
    async with nothing_left():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.4):
                await ingest_mqtt(options_of(port, host="two.example", answer_timeout=60), Record().journey())
        assert client_tasks() == set()


async def test_several_addresses_refuse_like_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolving_to("127.0.0.2", "127.0.0.1"))
    failure, _ = await failing(options_of(await closed_port(), host="two.example"))
    assert failure.reason is Reason.REFUSED


@pytest.mark.parametrize(
    ("handler", "reason"), [(silent, Reason.TIMEOUT), (garbage, Reason.TLS), (slamming, Reason.RESET)]
)
async def test_a_server_that_speaks_no_tls_fails_the_connection(handler: Handler, reason: Reason) -> None:
    patience = 0.3 if reason is Reason.TIMEOUT else 5.0
    async with tcp_server(handler) as port, nothing_left():
        failure, journey = await failing(options_of(port, tls=True, answer_timeout=patience))
        assert (failure.reason, failed_step(journey)) == (reason, "connect"), failure.detail


CUT_OFF: dict[str, tuple[Handler, dict[str, Any]]] = {
    "connection": (silent, {"tls": True}),
    "login": (silent, {}),
    "publishing": (saying(ACCEPTED), {}),
}


@pytest.mark.parametrize("phase", CUT_OFF)
async def test_the_checks_deadline_leaves_nothing(phase: str) -> None:
    handler, changes = CUT_OFF[phase]
    async with tcp_server(handler) as port, nothing_left():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ingest_mqtt(options_of(port, answer_timeout=60, **changes), Record().journey())
        assert client_tasks() == set()


@pytest.mark.parametrize("phase", CUT_OFF)
@pytest.mark.parametrize("turns", range(0, 40, 3))
async def test_a_cancel_at_any_moment_leaves_nothing(phase: str, turns: int) -> None:
    handler, changes = CUT_OFF[phase]
    async with tcp_server(handler) as port, nothing_left():
        options = options_of(port, answer_timeout=60, **changes)
        check = asyncio.ensure_future(ingest_mqtt(options, Record().journey()))
        for _ in range(turns):
            await asyncio.sleep(0)
        check.cancel()
        (outcome,) = await asyncio.gather(check, return_exceptions=True)
        assert isinstance(outcome, asyncio.CancelledError)
        assert client_tasks() == set()


async def test_a_measurement_travels_as_gateways_word_it_and_is_seen_again() -> None:
    record, seen = Record(), list[bytes]()
    async with running_platform() as platform, tcp_server(acknowledging(platform, seen)) as port:
        journey = record.journey()
        api = {"url": platform.api_url, "token": "token"}
        login = {"username": "sensor", "password": "secret", "topic": "a/{serial}/b"}
        await ingest_mqtt(options_of(port, api=api, **login), journey)
        record.keep(journey)
        await eventually(lambda: len(seen) == 3)
    assert record.in_state(SampleState.SEEN) == [START]
    assert [timing.name for timing in journey.timings()] == ["send", "connect", "login", "publish", "read_back", "api"]
    connect, publish, disconnect = seen
    # MQTT, level 4, clean session with user name and password; an identifier of 22 letters and digits.
    assert connect[1:11] == b"\0\x04MQTT\x04\xc2\0\x3c"
    assert connect[11:19] == b"\0\x16uptime"
    assert connect[35:] == b"\0\x06sensor\0\x06secret"
    assert publish[0] == 0x32  # QoS 1, neither retained nor a repetition
    topic = f"a/{SERIAL}/b"
    assert publish[1 : 3 + len(topic)] == b"\0" + bytes([len(topic)]) + topic.encode()
    (measurement,) = json.loads(publish[5 + len(topic) :])["measurements"]
    assert (measurement["serial"], measurement["measured_at"]) == (SERIAL, "2026-09-21 14:15:00 UTC")
    assert measurement["params"] == [{"channel": 1, "type": "temperature", "value": SIGNAL.value(START)}]
    assert disconnect == b"\xe0"


async def test_each_attempt_introduces_itself_anew_and_a_later_one_may_succeed() -> None:
    seen = list[bytes]()
    async with running_platform() as platform:
        healthy = acknowledging(platform, seen)

        calls = 0

        async def second_time_lucky(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal calls
            calls += 1
            if calls == 1:
                seen.append(await packet(reader))
            else:
                await healthy(reader, writer)

        async with tcp_server(second_time_lucky) as port:
            journey = Record().journey()
            api = {"url": platform.api_url, "token": "token"}
            await ingest_mqtt(options_of(port, api=api, attempts=2, retry_pause=0.01), journey)
    assert journey.figures["attempts"] == 2
    assert journey.evidence_items()["attempt_1"].startswith("reset: ")
    assert seen[0][13:] != seen[1][13:]


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    now = Record().journey(START).now
    async with StandIn.start(StandInSettings(now=now, serials=(SERIAL, OTHER))) as platform:
        yield platform


def options_for(standin: StandIn, **changes: Any) -> Options:
    login = {"username": "standin", "password": "standin-mqtt-password"}
    return options_of(standin.addresses["mqtt"]["port"], standin.addresses["api"]["url"], **{**login, **changes})


async def test_a_healthy_platform_is_up(standin: StandIn) -> None:
    record = Record()
    for now in (START, START + 10):
        journey = record.journey(now)
        await ingest_mqtt(options_for(standin), journey)
        record.keep(journey)
    assert record.in_state(SampleState.SEEN) == [START, START + 10]


STANDIN_FAULTS: dict[str, tuple[Reason, str]] = {
    "refuse": (Reason.REFUSED, "connect"),
    "timeout": (Reason.TIMEOUT, "login"),
    "reset": (Reason.RESET, "login"),
    "slow": (Reason.TIMEOUT, "login"),
    "garbage": (Reason.PROTOCOL, "login"),
    "half-open": (Reason.TIMEOUT, "publish"),
    "refuse-login": (Reason.AUTH, "login"),
    "cut-off": (Reason.RESET, "publish"),
    "unknown-packet": (Reason.TIMEOUT, "publish"),
    "accept-and-drop": (Reason.MISSING, "read_back"),
    "delay": (Reason.MISSING, "read_back"),
    "alter": (Reason.ALTERED, "read_back"),
    "double": (Reason.DOUBLED, "read_back"),
    "lost-partition": (Reason.MISSING, "read_back"),
    "shift": (Reason.SHIFTED, "read_back"),
}
PARAMETERS = {"shift": {"seconds": 7.0}}  # a whole hour would look like a wrongly configured zone


@pytest.mark.parametrize("fault", [spec.name for spec in CATALOGUE.values() if Interface.MQTT in spec.interfaces])
async def test_each_fault_of_the_broker_has_its_reason_and_step(standin: StandIn, fault: str) -> None:
    reason, step = STANDIN_FAULTS[fault]
    standin.faults.switch_on("mqtt", fault, **PARAMETERS.get(fault, {}))
    patience = 0.4 if reason is Reason.TIMEOUT else 5.0
    failure, journey = await failing(options_for(standin, answer_timeout=patience))
    assert (failure.reason, failed_step(journey)) == (reason, step), failure.detail


@pytest.mark.parametrize("login", [{"password": "wrong"}, {"username": "me"}, {"username": None, "password": None}])
async def test_wrong_credentials_are_a_matter_of_authentication(standin: StandIn, login: dict[str, Any]) -> None:
    failure, _ = await failing(options_for(standin, **login))
    assert failure.reason is Reason.AUTH


async def test_an_api_that_does_not_answer_is_not_the_brokers_fault(standin: StandIn) -> None:
    standin.faults.switch_on("api", "refuse")
    failure, journey = await failing(options_for(standin))
    assert isinstance(failure, ProbeFailed)
    assert journey.failed_step is not None
    assert (failure.reason, journey.failed_step.component) == (Reason.REFUSED, "api")


async def test_each_sensor_has_its_turn(standin: StandIn) -> None:
    record = Record()
    for _ in range(2):
        journey = record.journey()
        await ingest_mqtt(options_for(standin, sensors=[SERIAL, OTHER]), journey)
        record.keep(journey)
    assert [record.in_state(SampleState.SEEN, serial) for serial in (SERIAL, OTHER)] == [[START], [START]]


async def test_a_partition_that_is_lost_is_seen_as_one_sensor_and_not_the_other(standin: StandIn) -> None:
    standin.faults.switch_on("mqtt", "lost-partition")
    record, both = Record(), options_for(standin, sensors=[OTHER, SERIAL])
    healthy = record.journey()
    await ingest_mqtt(both, healthy)
    record.keep(healthy)
    assert "sensors" not in healthy.evidence_items()
    hit = record.journey(START + 5)
    with pytest.raises(ProbeFailed):
        await ingest_mqtt(both, hit)
    assert hit.evidence_items()["sensor"] == SERIAL
    assert hit.evidence_items()["sensors"].splitlines() == [
        f"{OTHER} up 2026-09-21T14:15:00Z",
        f"{SERIAL} down missing 2026-09-21T14:15:05Z",
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"topic": "efento/+/measurements"}, "topic"),
        ({"topic": "efento/{sensor}"}, "topic"),
        ({"topic": ""}, "topic"),
        ({"topic": "ż" * 32_768}, "topic"),
        ({"password": "secret"}, "without a username"),
        ({"ca_file": __file__}, "only with tls"),
        ({"certificate_file": __file__, "key_file": __file__}, "only with tls"),
        ({"tls": True, "certificate_file": __file__}, "only both together"),
        ({"tls": True, "ca_file": "/nowhere/ca.pem"}, "ca_file"),
        ({"port": 0}, "port"),
        ({"host": "mqtt://host"}, "host"),
    ],
)
def test_options_that_cannot_work_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        options_of(**{"port": 1883, **wrong})


def test_neither_password_is_shown() -> None:
    login = {"username": "me", "password": "hush-hush", "key_password": "hush-hush"}
    assert "hush-hush" not in repr(options_of(1883, **login)) + repr(options_of(1883, **login).broker())


async def test_tls_files_that_cannot_be_used_are_our_own_fault() -> None:
    failure, _ = await failing(options_of(1, tls=True, ca_file=__file__))
    assert isinstance(failure, Blocked)
    assert failure.detail.startswith("our TLS files cannot be used: ")
