"""The journeys against the stand-in platform, which was written from the same interface and by other hands."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

import probes
from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.efento.samples import SampleState
from standin import StandIn, StandInSettings
from tests.probes.platform import SERIAL, START, Record

KINDS = probes.discover()
API_FAULTS = {
    "wrong-status": Reason.STATUS,
    "garbage": Reason.PROTOCOL,
    "wrong-schema": Reason.SCHEMA,
    "wrong-content-type": Reason.CONTENT,
    "truncated": Reason.PROTOCOL,
    "half-open": Reason.TIMEOUT,
    "endless": Reason.TIMEOUT,  # it comes too slowly to reach the size limit first
    "gzip-bomb": Reason.TOO_LARGE,
    "redirect-loop": Reason.REDIRECT,
    "refuse": Reason.REFUSED,
    "reset": Reason.RESET,
    "timeout": Reason.TIMEOUT,
}
COAP_FAULTS = {
    "wrong-status": Reason.STATUS,
    "garbage": Reason.PROTOCOL,
    "unknown-token": Reason.PROTOCOL,
    "half-open": Reason.TIMEOUT,
    "refuse": Reason.REFUSED,
    "reset": Reason.RESET,
    "timeout": Reason.TIMEOUT,
    "accept-and-drop": Reason.MISSING,
}
WAITED_FOR = {"garbage", "half-open", "timeout"}  # after which a right answer might still come


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    now = Record().journey(START).now
    async with StandIn.start(StandInSettings(now=now, serials=(SERIAL,))) as platform:
        yield platform


def options_of(kind: str, standin: StandIn, patience: float) -> dict[str, Any]:
    places = standin.addresses
    api: dict[str, Any] = {"url": places["api"]["url"], "token": "standin-api-token", "timeout": patience}
    api["answer_limit"] = 1_000_000
    sending = {
        "attempts": 1,
        "answer_timeout": patience,
        "read_back": {"deadline": 0.3},
        "sensors": [SERIAL],
        "api": api,
    }
    examples: dict[str, dict[str, Any]] = {
        "ingest_coap": {
            "host": "127.0.0.1",
            "port": places["coap"]["port"],
            "token": "standin-sensor-token",
            **sending,
        },
        "ingest_gateway": {"url": places["gateway"]["url"], "token": "standin-gateway-token", **sending},
        "history": {"sensors": [SERIAL], "api": api},
        "api": {"sensors": [SERIAL], "api": api},
    }
    return examples[kind]


async def take(kind: str, standin: StandIn, record: Record, patience: float = 5.0) -> Journey:
    options = KINDS[kind].options.model_validate(options_of(kind, standin, patience))
    journey = record.journey(START, component=kind)
    try:
        await KINDS[kind].run(options, journey)
    finally:
        record.keep(journey)
    return journey


@pytest.mark.parametrize("way", ["ingest_coap", "ingest_gateway"])
async def test_a_healthy_platform_is_up_all_along(standin: StandIn, way: str) -> None:
    record = Record()
    await take(way, standin, record)
    assert record.in_state(SampleState.SEEN) == [START]
    await take("api", standin, record)
    assert (await take("history", standin, record)).figures["samples_verified"] == 1


@pytest.mark.parametrize("fault", API_FAULTS)
async def test_each_fault_of_the_api_has_its_reason(standin: StandIn, fault: str) -> None:
    parameters = {"mebibytes": 8} if fault == "gzip-bomb" else {}
    standin.faults.switch_on("api", fault, **parameters)
    with pytest.raises(ProbeFailed) as caught:
        await take("api", standin, Record(), 0.4 if API_FAULTS[fault] is Reason.TIMEOUT else 5.0)
    assert caught.value.reason is API_FAULTS[fault]


@pytest.mark.parametrize("fault", COAP_FAULTS)
async def test_each_fault_of_the_sensors_interface_has_its_reason(standin: StandIn, fault: str) -> None:
    standin.faults.switch_on("coap", fault)
    with pytest.raises(ProbeFailed) as caught:
        await take("ingest_coap", standin, Record(), 0.4 if fault in WAITED_FOR else 5.0)
    assert caught.value.reason is COAP_FAULTS[fault]


async def test_a_wrong_zone_blocks(standin: StandIn) -> None:
    standin.live.change({"answer_zone": "UTC"})
    with pytest.raises(Blocked) as caught:
        await take("ingest_coap", standin, Record())
    assert caught.value.reason is Reason.WRONG_ZONE
