"""The kinds `dns`, `tls_certificate` and `tcp` against the stand-in: what each of its network's faults leads to."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

import probes
from probes.contract import Journey, ProbeFailed
from standin import StandIn
from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from tests.probes.platform import Record
from tests.probes.servers import failed_step

KINDS = probes.discover()
UP = ("", "")

OUTCOMES: dict[tuple[Interface, str], tuple[str, str]] = {
    (Interface.TLS, "refuse"): ("refused", "connect"),
    (Interface.TLS, "timeout"): ("timeout", "handshake"),
    (Interface.TLS, "reset"): ("reset", "handshake"),
    (Interface.TLS, "slow"): ("timeout", "handshake"),
    (Interface.TLS, "garbage"): ("tls", "handshake"),
    (Interface.TLS, "expired-certificate"): ("tls", "handshake"),
    (Interface.TLS, "not-yet-valid"): ("tls", "handshake"),
    (Interface.TLS, "wrong-host"): ("tls", "handshake"),
    (Interface.TLS, "untrusted-certificate"): ("tls", "handshake"),
    (Interface.TLS, "expiring-certificate"): UP,
    (Interface.DNS, "refuse"): ("refused", "query"),
    (Interface.DNS, "timeout"): ("timeout", "query"),
    (Interface.DNS, "slow"): ("timeout", "query"),
    (Interface.DNS, "garbage"): ("protocol", "query"),
    (Interface.DNS, "nxdomain"): ("dns", "answer"),
    (Interface.DNS, "servfail"): ("dns", "query"),
    (Interface.DNS, "wrong-answer"): ("content", "answer"),
    (Interface.REFERENCE, "refuse"): ("refused", "connect"),
    (Interface.REFERENCE, "timeout"): UP,  # the network takes the connection, which is all that is asked
}


@pytest.fixture
async def platform() -> AsyncIterator[StandIn]:
    async with StandIn.start() as started:
        yield started


def options(platform: StandIn, interface: Interface) -> tuple[str, dict[str, Any]]:
    place = platform.addresses[interface]
    match interface:
        case Interface.TLS:
            name = {"server_name": "cloud.uptime.example", "ca_file": place["ca_file"]}
            return "tls_certificate", {"host": place["host"], "port": place["port"], "timeout": 0.5, **name}
        case Interface.DNS:
            server = {"host": place["host"], "port": place["port"]}
            return "dns", {
                "name": "cloud.uptime.example",
                "server": server,
                "expected": ["127.0.0.1"],
                "timeout": 1.0,
            }
        case _:
            return "tcp", {"host": place["host"], "port": place["port"], "timeout": 0.5}


async def outcome(platform: StandIn, interface: Interface) -> tuple[tuple[str, str], Journey]:
    name, given = options(platform, interface)
    journey = Record().journey(datetime.now(UTC).timestamp(), component="component")
    kind = KINDS[name]
    try:
        await kind.run(kind.options.model_validate(given), journey)
    except ProbeFailed as failure:
        return (str(failure.reason), failed_step(journey)), journey
    return UP, journey


@pytest.mark.parametrize(
    ("interface", "fault"),
    [
        (place, spec.name)
        for spec in CATALOGUE.values()
        for place in spec.interfaces
        if place in (Interface.TLS, Interface.DNS, Interface.REFERENCE)
    ],
)
async def test_each_fault_is_seen_with_its_reason(platform: StandIn, interface: Interface, fault: str) -> None:
    assert (await outcome(platform, interface))[0] == UP
    platform.faults.switch_on(interface, fault)
    found, journey = await outcome(platform, interface)
    assert found == OUTCOMES[interface, fault]
    if fault == "expiring-certificate":
        assert journey.figures["certificate_expiring"] == 1
