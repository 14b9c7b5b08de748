"""One call: what counts as having got through, that it ends in time, and that nobody learns the address from it."""

import asyncio
import logging
import socket

import pytest
from structlog.testing import capture_logs

from monitor.clock import SystemClock
from monitor.heartbeats.calling import call, with_suffix
from tests.heartbeats.services import (
    TOKEN,
    Behaviour,
    answering,
    half_open,
    hang_up,
    redirect_to_itself,
    saying,
    service,
    silence,
)

IN_TIME = 0.3
ENDLESS = b"x" * 65_536
OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"

ANSWERS: list[tuple[str, Behaviour, str]] = [
    ("ok", answering(), ""),
    ("no content", answering("204 No Content", ""), ""),
    ("unknown to healthchecks", answering(text="OK (not found)"), "the service does not know this address"),
    ("too often for healthchecks", answering(text="OK (rate limited)"), "called too often"),
    ("500", answering("500 Internal Server Error", f"no such {TOKEN}"), "answered with status 500"),
    ("404", answering("404 Not Found", TOKEN), "answered with status 404"),
    ("redirect loop", redirect_to_itself, "answered with status 302"),
    ("silent", silence, "no answer in time"),
    ("half an answer", half_open(b"HTTP/1.1 200 OK\r\nContent-Le"), "no answer in time"),
    ("no body", half_open(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), "no answer in time"),
    ("hangs up", hang_up, "the connection broke off"),
    ("ends early", saying(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"), "the answer was no HTTP"),
    ("garbage", saying(b"\x00\xff" + TOKEN.encode() + b"\r\n\r\n"), "the answer was no HTTP"),
    ("huge", saying(OK_HEAD, ENDLESS), ""),
    ("endless headers", saying(b"HTTP/1.1 200 OK\r\nX: ", ENDLESS), "the answer was no HTTP"),
]


@pytest.mark.parametrize(("behaviour", "why"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
async def test_what_a_service_may_do(behaviour: Behaviour, why: str, caplog: pytest.LogCaptureFixture) -> None:
    """In time, without a connection or a task left, and without a word that tells the address."""
    caplog.set_level(logging.DEBUG)
    began = SystemClock().monotonic()
    async with service(behaviour) as asked:
        with capture_logs() as logged:
            assert await call("POST", asked.url(), "all is well", IN_TIME) == why
        assert SystemClock().monotonic() - began < IN_TIME + 1.0
        if behaviour is not silence and not why.startswith("no answer"):
            await asked.closed.wait()
        assert len(asked.calls) == 1
        assert len(asyncio.all_tasks()) <= 2  # this test, and the service's for its connection
        await asyncio.sleep(0)
    assert TOKEN not in why + caplog.text + repr(logged)


async def test_a_refusing_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert await call("GET", f"http://127.0.0.1:{port}/{TOKEN}", "", IN_TIME) == "refused"


async def test_a_name_without_an_address() -> None:
    assert await call("GET", f"http://nowhere.invalid/{TOKEN}", "", 10.0) == "its name has no address"


async def test_a_service_without_tls() -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as plain:
        port = plain.sockets[0].getsockname()[1]
        assert await call("GET", f"https://127.0.0.1:{port}/{TOKEN}", "", 2.0) == "TLS failed"


async def test_a_text_goes_along_with_post_alone_and_is_cut() -> None:
    async with service(answering(text="")) as asked:
        for method in ("POST", "GET", "HEAD"):
            assert await call(method, asked.url("/fail"), "ż" * 8_000, 2.0) == ""
    assert [(call.line.split()[0], len(call.body)) for call in asked.calls] == [
        ("POST", 5_000),
        ("GET", 0),
        ("HEAD", 0),
    ]


async def test_a_cancelled_call_leaves_nothing() -> None:
    async with service(half_open(b"HTTP/1.1 200 OK\r\n")) as asked, asyncio.TaskGroup() as group:
        calling = group.create_task(call("POST", asked.url(), "", 60.0))
        await asked.called(1)
        calling.cancel()
        await asyncio.wait([calling])
        assert calling.cancelled()
        assert {task for task in asyncio.all_tasks() if "connected" not in repr(task)} == {asyncio.current_task()}


@pytest.mark.parametrize(
    ("url", "suffix", "whole"),
    [
        ("https://hc.example/uuid", "/fail", "https://hc.example/uuid/fail"),
        ("https://hc.example/uuid/", "/start", "https://hc.example/uuid/start"),
        ("https://hc.example/uuid/", "", "https://hc.example/uuid/"),
        ("https://hc.example/key/slug?create=1", "/fail", "https://hc.example/key/slug/fail?create=1"),
        ("https://kuma.example/api/push/t", "?status=down&msg=x", "https://kuma.example/api/push/t?status=down&msg=x"),
        ("https://kuma.example/push?token=t", "?status=up", "https://kuma.example/push?token=t&status=up"),
    ],
)
def test_suffixes(url: str, suffix: str, whole: str) -> None:
    assert with_suffix(url, suffix) == whole
