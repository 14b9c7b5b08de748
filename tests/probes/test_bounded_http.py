"""An HTTP exchange ends in time, in bounded memory and with the right reason, whatever the server does."""

import asyncio
import gzip
import tracemalloc
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from probes.bounded_http import Answer, Bounds, Request, exchange, require_status
from probes.contract import Blocked, Journey, ProbeFailed, Reason
from tests.probes.servers import (
    Handler,
    answering,
    answering_then_silent,
    client_tasks,
    closed_port,
    endless,
    eventually,
    garbage,
    http_answer,
    open_sockets,
    silent,
    slamming,
    tcp_server,
)

LIMIT = 10_000
QUICK = Bounds(seconds=0.5, body_bytes=LIMIT)
BOMB = gzip.compress(bytes(300_000_000 // 4), 9)


async def fetch(handler: Handler, bounds: Bounds = QUICK, path: str = "/x?secret=s3cret") -> Answer:
    """One exchange with a server of this behaviour, which must leave nothing behind and tell no secret."""
    before = open_sockets()
    try:
        async with tcp_server(handler) as port:
            request = Request("GET", f"http://127.0.0.1:{port}{path}", {"X-Key": "s3cret"})
            try:
                return await exchange(request, bounds)
            finally:
                assert client_tasks() == set()
    except ProbeFailed as failure:
        assert failure.detail
        assert "s3cret" not in failure.detail
        raise
    finally:
        await eventually(lambda: open_sockets() == before)  # the server's own end takes a turn of the loop


async def reason(handler: Handler, bounds: Bounds = QUICK) -> Reason:
    with pytest.raises(ProbeFailed) as caught:
        await fetch(handler, bounds)
    return caught.value.reason


async def test_a_good_answer_comes_whole() -> None:
    answer = await fetch(answering(http_answer(b'{"a": 1}', "Content-Type: application/json; charset=utf-8")))
    assert (answer.status, answer.json(), answer.content_type()) == (200, {"a": 1}, "application/json")
    assert answer.header_count == 2
    assert answer.name.endswith("/x")


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(gzip.compress(b"hello"), "gzip"), (zlib.compress(b"hello"), "deflate"), (b"hello", "identity"), (b"", "gzip")],
    ids=["gzip", "deflate", "identity", "empty"],
)
async def test_compressed_bodies_are_unpacked(body: bytes, encoding: str) -> None:
    answer = await fetch(answering(http_answer(body, f"Content-Encoding: {encoding}")))
    assert answer.body == (b"hello" if body else b"")


HEAD = b"HTTP/1.1 200 OK\r\n"

FAULTS: dict[str, tuple[Handler, Reason]] = {
    "silent": (silent, Reason.TIMEOUT),
    "half-open after the headers": (answering_then_silent(HEAD + b"Content-Length: 5\r\n\r\nab"), Reason.TIMEOUT),
    "half-open in the headers": (answering_then_silent(HEAD + b"Content-"), Reason.TIMEOUT),
    "slammed": (slamming, Reason.RESET),
    "closed without an answer": (answering(), Reason.RESET),
    "garbage": (garbage, Reason.PROTOCOL),
    "cut off": (answering(HEAD + b"Content-Length: 500\r\n\r\nshort"), Reason.PROTOCOL),
    "bad chunks": (answering(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nno"), Reason.PROTOCOL),
    "huge": (answering(http_answer(b"x" * (LIMIT + 1))), Reason.TOO_LARGE),
    "endless": (endless(HEAD + b"\r\n", b"x" * 65536), Reason.TOO_LARGE),
    "endless chunks": (endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 4096), Reason.TOO_LARGE),
    "endless headers": (endless(HEAD, b"X-Filler: " + b"y" * 500 + b"\r\n"), Reason.PROTOCOL),
    "endless header line": (endless(HEAD + b"X-Filler: ", b"y" * 65536), Reason.PROTOCOL),
    "gzip bomb": (answering(http_answer(BOMB, "Content-Encoding: gzip")), Reason.TOO_LARGE),
    "not gzip": (answering(http_answer(b"hello", "Content-Encoding: gzip")), Reason.PROTOCOL),
    "cut gzip": (answering(http_answer(gzip.compress(b"hello")[:-4], "Content-Encoding: gzip")), Reason.PROTOCOL),
    "more than gzip": (answering(http_answer(gzip.compress(b"a") + b"b", "Content-Encoding: gzip")), Reason.PROTOCOL),
    "unknown encoding": (answering(http_answer(b"hello", "Content-Encoding: zstd")), Reason.PROTOCOL),
    "two lengths": (answering(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), Reason.PROTOCOL),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_faulty_server_fails_in_time_with_a_fitting_reason(fault: str) -> None:
    handler, expected = FAULTS[fault]
    async with asyncio.timeout(2):
        assert await reason(handler) is expected


async def test_a_bomb_and_an_endless_body_stay_small() -> None:
    tracemalloc.start()
    try:
        for fault in ("gzip bomb", "endless", "endless headers", "endless header line"):
            await reason(FAULTS[fault][0])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe{}", b'{"a": NaN}', b"[" * 100_000], ids=["empty", "cut", "no UTF-8", "NaN", "deep"]
)
async def test_a_body_that_is_no_json_is_a_protocol_failure(body: bytes) -> None:
    answer = await fetch(answering(http_answer(body)), Bounds(0.5, 200_000))
    with pytest.raises(ProbeFailed) as caught:
        answer.json()
    assert caught.value.reason is Reason.PROTOCOL


def redirect(location: str, status: str = "302 Found") -> Handler:
    return answering(http_answer(b"", f"Location: {location}", status=status))


async def test_a_redirect_loop_ends_at_the_limit() -> None:
    assert await reason(redirect("/x"), Bounds(2, LIMIT, redirects=3)) is Reason.REDIRECT
    assert await reason(redirect("/x")) is Reason.REDIRECT


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "http://", "http://[", "javascript:alert(1)", "mailto:a@b"])
async def test_a_redirect_to_nowhere_is_a_redirect_failure(location: str) -> None:
    assert await reason(redirect(location), Bounds(1, LIMIT, redirects=3)) is Reason.REDIRECT


async def test_a_redirect_to_another_host_does_not_get_the_secrets() -> None:
    seen: list[bytes] = []

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(http_answer(b"there"))
        await writer.drain()

    async with tcp_server(other) as port:
        answer = await fetch(redirect(f"http://127.0.0.1:{port}/y"), Bounds(1, LIMIT, redirects=1))
    assert answer.body == b"there"
    assert b"s3cret" not in seen[0]


async def test_a_closed_port_is_refused_and_an_unknown_name_has_no_address() -> None:
    for host, expected in (("127.0.0.1", Reason.REFUSED), ("no-such-host.invalid", Reason.DNS)):
        with pytest.raises(ProbeFailed) as caught:
            await exchange(Request("GET", f"http://{host}:{await closed_port()}/"), QUICK)
        assert caught.value.reason is expected


async def test_plain_http_behind_https_is_a_tls_failure() -> None:
    async with tcp_server(answering(http_answer(b"x"))) as port, tcp_server(garbage) as other:
        for where in (port, other):
            with pytest.raises(ProbeFailed) as caught:
                await exchange(Request("GET", f"https://127.0.0.1:{where}/"), QUICK)
            assert caught.value.reason in (Reason.TLS, Reason.TIMEOUT)


@pytest.mark.parametrize(("status", "expected"), [("401 No", Reason.AUTH), ("500 Broken", Reason.STATUS)])
async def test_an_unexpected_status_is_told_apart_from_refused_credentials(status: str, expected: Reason) -> None:
    answer = await fetch(answering(http_answer(b"", status=status)))
    with pytest.raises(ProbeFailed) as caught:
        require_status(answer, 200, 204)
    assert caught.value.reason is expected
    assert caught.value.detail.endswith(f"status {status[:3]}, expected 200, 204")


async def test_phases_are_kept_as_figures() -> None:
    ticks = iter(range(100))
    journey = Journey(probe="p", component="c", now=lambda: datetime.now(UTC), monotonic=lambda: float(next(ticks)))
    async with tcp_server(answering(http_answer(b"hello"))) as port:
        await exchange(Request("GET", f"http://127.0.0.1:{port}/"), QUICK, journey)
    assert journey.figures.keys() >= {"connect_seconds", "first_byte_seconds", "transfer_seconds"}
    assert all(figure > 0 for figure in journey.figures.values())


@pytest.mark.parametrize("steps", range(12))
async def test_a_cancel_at_any_point_leaves_neither_socket_nor_task(steps: int) -> None:
    before = open_sockets()
    async with tcp_server(silent) as port:
        task = asyncio.create_task(exchange(Request("GET", f"http://127.0.0.1:{port}/"), QUICK))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert client_tasks() == set()
    await eventually(lambda: open_sockets() == before)  # the server's own end takes a turn of the loop


async def test_a_file_of_authorities_that_cannot_be_used_is_ours(tmp_path: Path) -> None:
    """A deployment that forgot it must not page for the platform."""
    broken = tmp_path / "ca.pem"
    await asyncio.to_thread(broken.write_text, "this is no certificate")
    for file in (broken, tmp_path / "none.pem"):
        with pytest.raises(Blocked):
            await exchange(Request("GET", "https://127.0.0.1:1/", ca_file=str(file)), QUICK)
