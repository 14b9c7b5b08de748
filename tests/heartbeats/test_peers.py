"""Other daemons' calls: who called, who is silent, and what a stranger can find out (nothing)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from monitor.clock import ManualClock
from monitor.config import PeerEntry
from monitor.heartbeats import Peers
from monitor.heartbeats.peers import Word
from monitor.web.app import inbound_application
from monitor.web.peers import BODY_BYTES, routes

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DUBLIN, OSLO = "dublin-dublin-dublin", "oslo-oslo-oslo-oslo"
Client: TypeAlias = "TestClient[web.Request, web.Application]"


def two_peers(clock: ManualClock) -> Peers:
    entries = {"dublin": PeerEntry(token=DUBLIN, every=60, grace=30), "oslo": PeerEntry(token=OSLO, every=10, grace=5)}
    return Peers(entries, clock)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def peers(clock: ManualClock) -> Peers:
    return two_peers(clock)


@pytest.fixture
async def client(peers: Peers) -> AsyncIterator[Client]:
    async with TestClient(TestServer(inbound_application(routes(peers)))) as client:
        yield client


def test_a_peer_is_silent_after_its_interval_and_grace(clock: ManualClock, peers: Peers) -> None:
    peers.called("dublin", Word.WELL)
    clock.advance(90.0)
    assert peers.silent()["dublin"] is False
    clock.advance(0.1)
    assert peers.silent()["dublin"] is True
    peers.called("dublin", Word.WELL)
    assert peers.silent()["dublin"] is False


def test_before_the_first_call_nothing_is_known_until_one_is_late(clock: ManualClock, peers: Peers) -> None:
    clock.advance(15.1)
    assert peers.silent() == {"oslo": True}
    clock.advance(75.0)
    assert peers.silent() == {"dublin": True, "oslo": True}
    assert peers.last_calls() == {}


def test_a_peer_that_is_not_well_counts_as_silent_until_it_is_well(clock: ManualClock, peers: Peers) -> None:
    peers.called("dublin", Word.FAIL)
    assert peers.silent()["dublin"] is True
    peers.called("dublin", Word.START)
    assert peers.silent()["dublin"] is True
    peers.called("dublin", Word.WELL)
    assert peers.silent()["dublin"] is False


def test_a_peer_that_only_starts_falls_silent(clock: ManualClock, peers: Peers) -> None:
    peers.called("dublin", Word.WELL)
    for _ in range(10):
        clock.advance(10.0)
        peers.called("dublin", Word.START)
    assert peers.silent()["dublin"] is True
    assert peers.last_calls() == {"dublin": NOON.timestamp() + 100}


def test_a_stepped_clock_makes_nobody_silent(clock: ManualClock, peers: Peers) -> None:
    peers.called("dublin", Word.WELL)
    clock.step_wall_clock(86_400)
    assert peers.silent()["dublin"] is False


def test_names_by_token(peers: Peers) -> None:
    assert [peers.named(token) for token in (DUBLIN, OSLO, DUBLIN[:-1], DUBLIN + "x", "", "\udc80", "ż")] == [
        *("dublin", "oslo"),
        *[None] * 5,
    ]


def test_what_changes_is_logged_once(peers: Peers, clock: ManualClock) -> None:
    with capture_logs() as logged:
        for seconds, call in ((0.0, None), (50.0, None), (1.0, None), (0.0, ("oslo", Word.WELL)), (1.0, None)):
            clock.advance(seconds)
            if call:
                peers.called(*call)
            peers.look()
        peers.called("dublin", Word.FAIL)
        peers.look()
    assert logged == [
        {"event": "peer.silent", "peer": "oslo", "why": "does not call", "seconds": 50.0, "log_level": "warning"},
        {"event": "peer.back", "peer": "oslo", "log_level": "info"},
        {
            "event": "peer.silent",
            "peer": "dublin",
            "why": "says that it is not well",
            "seconds": 0.0,
            "log_level": "warning",
        },
    ]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(("path", "silent"), [("", False), ("/fail", True)])
async def test_calls(method: str, path: str, silent: bool, client: Client, peers: Peers) -> None:
    async with client.request(method, f"/ping/{DUBLIN}{path}") as answer:
        assert (answer.status, await answer.text()) == (200, "" if method == "HEAD" else "OK\n")
    assert peers.silent() == {"dublin": silent}
    assert peers.last_calls() == {"dublin": NOON.timestamp()}


async def test_a_start_is_taken_and_proves_nothing(client: Client, peers: Peers) -> None:
    async with client.post(f"/ping/{DUBLIN}/start") as answer:
        assert answer.status == 200
    assert (peers.silent(), list(peers.last_calls())) == ({}, ["dublin"])


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/ping/dublin-dublin-dubliN", "/ping/dublin", "/ping/x/fail", f"/ping/{OSLO}x/start"])
async def test_an_unknown_token_is_answered_as_any_path(method: str, path: str, client: Client, peers: Peers) -> None:
    async with client.request(method, path) as answer, client.request(method, "/nothing/here") as other:
        assert (answer.status, await answer.text()) == (other.status, await other.text())
        assert {*answer.headers} == {*other.headers} and answer.status == 404
    assert peers.silent() == {}


async def test_other_methods_are_refused(client: Client, peers: Peers) -> None:
    async with client.delete(f"/ping/{DUBLIN}") as answer:
        assert answer.status == 405
    assert peers.last_calls() == {}


async def test_a_body_is_not_looked_at(client: Client, peers: Peers) -> None:
    """As Alertmanager sends it for a dead man's switch; also one that is no JSON at all."""
    for body in (b'{"version": "4", "alerts": [{"status": "firing"}]}', b"\xff" * 200_000):
        async with client.post(f"/ping/{OSLO}", data=body, headers={"Content-Type": "application/json"}) as answer:
            assert answer.status == 200
    assert peers.silent() == {"oslo": False}


async def test_a_body_that_is_too_large_is_refused_before_it_is_sent(client: Client, peers: Peers) -> None:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(f"POST /ping/{OSLO} HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_BYTES + 1}\r\n\r\n".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()
    await writer.wait_closed()
    assert peers.last_calls() == {}


async def test_a_body_that_never_comes_holds_nothing_up(client: Client, peers: Peers) -> None:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(f"POST /ping/{OSLO} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    await writer.wait_closed()
    assert peers.silent() == {"oslo": False}
