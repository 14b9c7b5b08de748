"""What surrounds the platform, as a plain client sees it, and that each of its faults shows on the wire."""

import asyncio
import contextlib
import json
import socket
import ssl
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import pytest

from monitor.clock import SystemClock
from standin import StandIn, StandInSettings
from standin.catalogue import CATALOGUE
from standin.fault_model import FaultError, Interface
from tests.probes.servers import eventually, open_sockets
from tests.standin.world import DEADLINE_SECONDS, SILENCE_SECONDS, World, gateway_item, http_exchange

ZONE = "cloud.uptime.example"
OURS = (Interface.TLS, Interface.DNS, Interface.REFERENCE)
REQUEST = f"GET / HTTP/1.1\r\nHost: {ZONE}\r\n\r\n".encode()

Shows = Callable[[StandIn], Awaitable[bool]]
PARAMETERS: dict[str, dict[str, Any]] = {
    "slow": {"seconds": 0.5},
    "expiring-certificate": {"days": 3},
    "wrong-answer": {"address": "192.0.2.9"},
}
EVIDENCE: dict[tuple[str, str], Shows] = {}


def evidence(fault: str, interface: str) -> Callable[[Shows], Shows]:
    def register(shows: Shows) -> Shows:
        EVIDENCE[interface, fault] = shows
        return shows

    return register


@pytest.fixture
async def platform() -> AsyncIterator[StandIn]:
    async with StandIn.start() as started:
        yield started


def port(platform: StandIn, interface: str) -> int:
    return int(platform.addresses[interface]["port"])


async def spoken(platform: StandIn, interface: str, said: bytes = b"") -> str:
    """How the server ends a connection in the clear: refused, silent, reset, closed, or with which first byte."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port(platform, interface))
    except ConnectionRefusedError:
        return "refused"
    try:
        writer.write(said)
        async with asyncio.timeout(SILENCE_SECONDS):
            first = await reader.read(1)
        return f"{first.hex()}" if first else "closed"
    except TimeoutError:
        return "silent"
    except ConnectionResetError:
        return "reset"
    finally:
        writer.close()
        with contextlib.suppress(ConnectionResetError):
            await writer.wait_closed()


def trusting(platform: StandIn) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=platform.addresses["tls"]["ca_file"])


async def visit(platform: StandIn, name: str = ZONE) -> tuple[bytes, dict[str, Any]]:
    """The front door's answer over verified TLS, and its certificate."""
    context = await asyncio.to_thread(trusting, platform)
    where = port(platform, "tls")
    reader, writer = await asyncio.open_connection("127.0.0.1", where, ssl=context, server_hostname=name)
    try:
        writer.write(REQUEST)
        answer = await reader.read()
        certificate: dict[str, Any] = writer.get_extra_info("ssl_object").getpeercert()
        return answer, certificate
    finally:
        writer.close()
        with contextlib.suppress(ssl.SSLError, OSError):
            await writer.wait_closed()


async def refusal(platform: StandIn) -> str:
    """Why the certificate is not accepted; empty where it is."""
    try:
        await visit(platform)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    return ""


CLIENT_HELLO = bytes.fromhex("16030100")  # the beginning of one; a proper server waits for the rest


@evidence("refuse", "tls")
async def tls_refused(platform: StandIn) -> bool:
    return await spoken(platform, "tls") == "refused"


@evidence("timeout", "tls")
async def tls_silent(platform: StandIn) -> bool:
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            await visit(platform)
    except TimeoutError:
        return True
    return False


@evidence("reset", "tls")
async def tls_reset(platform: StandIn) -> bool:
    return await spoken(platform, "tls", CLIENT_HELLO) == "reset"


@evidence("garbage", "tls")
async def tls_garbage(platform: StandIn) -> bool:
    return await spoken(platform, "tls", CLIENT_HELLO) == "ff"


@evidence("slow", "tls")
async def tls_slow(platform: StandIn) -> bool:
    return await took(visit(platform)) >= 0.5


@evidence("expired-certificate", "tls")
async def expired(platform: StandIn) -> bool:
    return "expired" in await refusal(platform)


@evidence("not-yet-valid", "tls")
async def not_yet_valid(platform: StandIn) -> bool:
    return "not yet valid" in await refusal(platform)


@evidence("wrong-host", "tls")
async def wrong_host(platform: StandIn) -> bool:
    return "mismatch" in await refusal(platform)


@evidence("untrusted-certificate", "tls")
async def untrusted(platform: StandIn) -> bool:
    return "unable to get local issuer" in await refusal(platform)


@evidence("expiring-certificate", "tls")
async def expiring(platform: StandIn) -> bool:
    _, certificate = await visit(platform)
    left = ssl.cert_time_to_seconds(certificate["notAfter"]) - SystemClock().now().timestamp()
    return abs(left - 3 * 86_400) < 600


async def question(platform: StandIn, kind: str = "A", name: str = ZONE, *, payload: int = 0) -> dns.message.Message:
    """Over UDP, by hand. Raises `TimeoutError`, `ConnectionRefusedError`, and the library's error for garbage."""
    query = dns.message.make_query(name, kind, use_edns=0 if payload else -1, payload=payload or 512)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect(("127.0.0.1", port(platform, "dns")))
        await loop.sock_sendall(client, query.to_wire())
        async with asyncio.timeout(SILENCE_SECONDS if not slow_is_on(platform) else DEADLINE_SECONDS):
            wire = await loop.sock_recv(client, 65_535)
    response = dns.message.from_wire(wire)
    assert query.is_response(response)
    return response


def slow_is_on(platform: StandIn) -> bool:
    return platform.faults.active(Interface.DNS, "slow") is not None


async def over_tcp(platform: StandIn, kind: str, name: str = ZONE) -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    reader, writer = await asyncio.open_connection("127.0.0.1", port(platform, "dns"))
    try:
        writer.write(query.to_wire(prepend_length=True))
        async with asyncio.timeout(SILENCE_SECONDS):
            length = int.from_bytes(await reader.readexactly(2), "big")
            return dns.message.from_wire(await reader.readexactly(length))
    finally:
        writer.close()
        await writer.wait_closed()


def values(response: dns.message.Message) -> list[str]:
    return [
        f"{dns.rcode.to_text(response.rcode())}",
        *(record.to_text() for set_ in response.answer for record in set_),
    ]


async def took(work: Awaitable[object]) -> float:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await work
    return loop.time() - started


@evidence("refuse", "dns")
async def dns_refused(platform: StandIn) -> bool:
    try:
        await question(platform)
    except ConnectionRefusedError:
        assert await spoken(platform, "dns") == "refused"
        return True
    assert await spoken(platform, "dns") == "silent"
    return False


@evidence("timeout", "dns")
async def dns_silent(platform: StandIn) -> bool:
    try:
        await question(platform)
    except TimeoutError:
        with pytest.raises(TimeoutError):
            await over_tcp(platform, "A")
        return True
    await over_tcp(platform, "A")
    return False


@evidence("garbage", "dns")
async def dns_garbage(platform: StandIn) -> bool:
    try:
        await question(platform)
    except dns.exception.DNSException:
        with pytest.raises(dns.exception.DNSException):
            await over_tcp(platform, "A")
        return True
    return False


@evidence("slow", "dns")
async def dns_slow(platform: StandIn) -> bool:
    return await took(question(platform)) >= 0.5


@evidence("nxdomain", "dns")
async def nxdomain(platform: StandIn) -> bool:
    return values(await question(platform)) == ["NXDOMAIN"]


@evidence("servfail", "dns")
async def servfail(platform: StandIn) -> bool:
    return values(await question(platform)) == values(await over_tcp(platform, "A")) == ["SERVFAIL"]


@evidence("wrong-answer", "dns")
async def wrong_answer(platform: StandIn) -> bool:
    return values(await question(platform)) == ["NOERROR", "192.0.2.9"]


@evidence("refuse", "reference")
async def reference_refused(platform: StandIn) -> bool:
    return await spoken(platform, "reference") == "refused"


@evidence("timeout", "reference")
async def reference_silent(platform: StandIn) -> bool:
    return await spoken(platform, "reference") == "silent"


@pytest.mark.parametrize(
    ("interface", "fault"),
    [(str(place), spec.name) for spec in CATALOGUE.values() for place in spec.interfaces if place in OURS],
)
async def test_every_fault_shows_while_it_is_on_and_only_then(platform: StandIn, interface: str, fault: str) -> None:
    shows = EVIDENCE[interface, fault]
    assert not await shows(platform)
    platform.faults.switch_on(interface, fault, **PARAMETERS.get(fault, {}))
    assert await shows(platform)
    platform.faults.switch_off(interface, fault)
    await eventually_not(shows, platform)


async def eventually_not(shows: Shows, platform: StandIn) -> None:
    """A UDP port may be taken for a moment by somebody's passing socket before it is opened again."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await shows(platform):  # noqa: ASYNC110  what is waited for is seen on the wire alone
            await asyncio.sleep(0.01)


async def test_the_front_door_shows_a_page_to_whoever_trusts_its_authority(platform: StandIn) -> None:
    for name in (ZONE, "localhost", "127.0.0.1", "::1"):
        answer, certificate = await visit(platform, name)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and b"front door" in answer
    assert (("DNS", ZONE)) in certificate["subjectAltName"]
    assert platform.addresses["tls"]["url"] == f"https://127.0.0.1:{port(platform, 'tls')}"
    assert await spoken(platform, "reference") == "closed"


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("A", ZONE, ["NOERROR", "127.0.0.1"]),
        ("AAAA", ZONE, ["NOERROR", "::1"]),
        ("MX", ZONE, ["NOERROR", f"10 mail.{ZONE}."]),
        ("TXT", ZONE, ["NOERROR", '"v=spf1 -all"']),
        ("NS", ZONE, ["NOERROR", f"ns1.{ZONE}."]),
        ("A", f"WWW.{ZONE}", ["NOERROR", f"{ZONE}.", "127.0.0.1"]),
        ("CNAME", f"www.{ZONE}", ["NOERROR", f"{ZONE}."]),
        ("MX", f"www.{ZONE}", ["NOERROR", f"{ZONE}.", f"10 mail.{ZONE}."]),
        ("MX", f"mail.{ZONE}", ["NOERROR"]),
        ("A", f"nowhere.{ZONE}", ["NXDOMAIN"]),
        ("A", "example.com", ["REFUSED"]),
        ("SRV", ZONE, ["NOERROR"]),
    ],
)
async def test_the_name_server_knows_its_zone(platform: StandIn, kind: str, name: str, expected: list[str]) -> None:
    response = await question(platform, kind, name)
    assert values(response) == expected
    assert values(await over_tcp(platform, kind, name)) == expected
    if expected in (["NOERROR"], ["NXDOMAIN"]):
        assert [set_.name.to_text() for set_ in response.authority] == [
            f"{ZONE}."
        ]  # the SOA, for how long to believe it


async def test_a_long_answer_is_cut_over_udp_and_whole_over_tcp(platform: StandIn) -> None:
    for payload in (0, 1232):
        response = await question(platform, "TXT", f"long.{ZONE}", payload=payload)
        assert response.flags & dns.flags.TC and values(response) == ["NOERROR"]
    assert len(values(await over_tcp(platform, "TXT", f"long.{ZONE}"))) == 21


async def test_what_is_no_question_is_not_answered(platform: StandIn) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port(platform, "dns")))
        client.send(b"\xff\x00 what is this?")
        client.send(dns.message.make_response(dns.message.make_query(ZONE, "A")).to_wire()[:12])
    assert values(await question(platform)) == ["NOERROR", "127.0.0.1"]


async def test_the_authority_outlives_the_stand_in_only_beside_a_database(tmp_path: Path) -> None:
    settings = StandInSettings(database=tmp_path / "standin.db")
    async with StandIn.start(settings) as platform:
        file = Path(platform.addresses["tls"]["ca_file"])
        assert file.parent == tmp_path / "tls"
        known = file.read_bytes()
    async with StandIn.start(settings) as platform:
        assert file.read_bytes() == known
        await visit(platform)
    assert {each.name for each in file.parent.iterdir()} == {"ca.pem", "ca.key"}
    assert stat.S_IMODE((file.parent / "ca.key").stat().st_mode) == 0o600
    (file.parent / "ca.key").write_text("damaged")
    async with StandIn.start(settings) as platform:
        assert file.read_bytes() != known
        await visit(platform)
    async with StandIn.start() as platform:
        temporary = Path(platform.addresses["tls"]["ca_file"])
        assert temporary.exists()
    assert not temporary.parent.exists()


async def test_nothing_is_left_of_connections_that_a_fault_holds_up() -> None:
    before = open_sockets()
    async with StandIn.start() as platform:
        for interface in ("tls", "dns", "reference"):
            platform.faults.switch_on(interface, "timeout")
        where = [port(platform, "tls"), port(platform, "reference")]
        held = [await asyncio.open_connection("127.0.0.1", each) for each in where]
        platform.faults.switch_off("tls", "timeout")
        async with asyncio.timeout(DEADLINE_SECONDS):
            with contextlib.suppress(ConnectionResetError):
                assert await held[0][0].read() == b""
    for _reader, writer in held:
        writer.close()
        with contextlib.suppress(ConnectionResetError):
            await writer.wait_closed()
    await eventually(lambda: open_sockets() == before)


async def test_a_refused_port_is_the_same_again_afterwards(platform: StandIn) -> None:
    before = {str(each): port(platform, each) for each in OURS}
    for name in before:
        platform.faults.switch_on(name, "refuse")
        platform.faults.switch_off(name, "refuse")
    assert {str(each): port(platform, each) for each in OURS} == before
    await visit(platform)
    await over_tcp(platform, "A")
    await eventually_not(dns_refused, platform)


@pytest.mark.parametrize(
    ("parameters", "stored"),
    [
        ({}, ["282C02FFFF02", "282C02FFFF04"]),
        ({"remainder": 0}, ["282C02FFFF01", "282C02FFFF03"]),
        ({"of": 4, "remainder": 3}, ["282C02FFFF01", "282C02FFFF02", "282C02FFFF04"]),
        ({"serials": "282C02FFFF01,282C02FFFF02"}, ["282C02FFFF03", "282C02FFFF04"]),
    ],
)
async def test_a_lost_partition_loses_its_sensors_alone(
    world: World, parameters: dict[str, Any], stored: list[str]
) -> None:
    world.platform.faults.switch_on("gateway", "lost-partition", **parameters)
    serials = [f"282C02FFFF0{number}" for number in range(1, 5)]
    for serial in serials:
        await send(world, serial)
    assert [serial for serial in serials if await world.stored(serial)] == stored


async def send(world: World, serial: str) -> None:
    body = json.dumps({"measurements": [gateway_item("2026-09-21 14:15:00 UTC", 21.5, serial=serial)]}).encode()
    headers = {"X-Api-Token": world.platform.live.current.gateway_token, "Content-Type": "application/json"}
    exchange = await http_exchange(world.port("gateway"), "POST", "/api/v2/measurements", headers, body)
    assert exchange.status == 201


@pytest.mark.parametrize(
    ("interface", "fault", "parameters", "message"),
    [
        ("coap", "lost-partition", {"serials": "1,2"}, "serials must be serial numbers with commas between them"),
        ("coap", "lost-partition", {"of": 0}, "of must be a number from 1 to 1000"),
        ("tls", "expiring-certificate", {"days": -1}, "days must be a number of days above 0"),
        ("dns", "wrong-answer", {"address": "x"}, "address must be an IPv4 address"),
        ("tls", "nxdomain", {}, "nxdomain does not fit tls; it fits: dns"),
    ],
)
async def test_wrong_parameters_are_refused(
    platform: StandIn, interface: str, fault: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(FaultError) as refusal:
        platform.faults.switch_on(interface, fault, **parameters)
    assert str(refusal.value).startswith(message)
