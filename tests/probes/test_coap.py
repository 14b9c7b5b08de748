"""A CoAP exchange ends in time, with the right reason, whatever the server does."""

import asyncio
import os
import socket

import pytest

from probes.contract import ProbeFailed, Reason
from probes.efento.coap import PAYLOAD_LIMIT, CoapReply, Retransmission, coap_session
from tests.probes.servers import Answers, acknowledge, client_tasks, closed_port, open_sockets, udp_server

QUICK = Retransmission(ack_timeout=0.05, factor=1.0, retransmissions=4)


async def post(port: int, *, path: str = "m", wait: float = 0.4, host: str = "127.0.0.1") -> CoapReply:
    async with coap_session(host, port, QUICK) as session:
        return await session.post(path, b"payload", wait=wait)


async def failure(answers: Answers) -> ProbeFailed:
    async with udp_server(answers) as port:
        with pytest.raises(ProbeFailed) as caught:
            await post(port)
    return caught.value


def token_of(request: bytes) -> bytes:
    return request[4 : 4 + (request[0] & 0x0F)]


async def test_a_piggybacked_answer_is_the_reply() -> None:
    requests: list[bytes] = []

    def answers(request: bytes) -> list[bytes]:
        requests.append(request)
        return [acknowledge(request, payload=b"\x98\x01\x01")]

    async with udp_server(answers) as port:
        assert await post(port, path="efento/m") == CoapReply("2.01", b"\x98\x01\x01")
    (request,) = requests
    assert request[0] == 0x44  # version 1, confirmable, four bytes of token
    assert request[1] == 0x02  # POST
    assert request.endswith(b"\xb6efento\x01m\xffpayload")


async def test_the_same_message_is_sent_again_until_it_is_acknowledged() -> None:
    requests: list[bytes] = []

    def answers(request: bytes) -> list[bytes]:
        requests.append(request)
        return [acknowledge(request)] if len(requests) == 3 else []

    async with udp_server(answers) as port:
        assert (await post(port, wait=5)).code == "2.01"
    assert len(requests) == 3
    assert len(set(requests)) == 1


async def test_a_separate_response_is_awaited_and_acknowledged() -> None:
    requests: list[bytes] = []

    def answers(request: bytes) -> list[bytes]:
        requests.append(request)
        if request[1] == 0:
            return []
        empty = b"\x60\x00" + request[2:4]
        return [empty, b"\x44\x41\x12\x34" + token_of(request) + b"\xffhi"]

    async with udp_server(answers) as port:
        assert await post(port) == CoapReply("2.01", b"hi")
        async with asyncio.timeout(5):
            while len(requests) < 2:  # noqa: ASYNC110  what the server has seen is no event
                await asyncio.sleep(0.005)
    assert requests[1] == b"\x60\x00\x12\x34"


async def test_an_acknowledgement_without_a_response_is_a_timeout_and_stops_the_repetition() -> None:
    requests: list[bytes] = []

    def answers(request: bytes) -> list[bytes]:
        requests.append(request)
        return [b"\x60\x00" + request[2:4]]

    assert (await failure(answers)).reason is Reason.TIMEOUT
    assert len(requests) == 1


async def test_silence_is_a_timeout() -> None:
    caught = await failure(lambda request: [])
    assert caught.reason is Reason.TIMEOUT
    assert "no answer within 0.4 s" in caught.detail


async def test_a_closed_port_is_refused() -> None:
    with pytest.raises(ProbeFailed) as caught:
        await post(await closed_port())
    assert caught.value.reason is Reason.REFUSED


async def test_a_reset_message_is_a_reset() -> None:
    assert (await failure(lambda request: [b"\x70\x00" + request[2:4]])).reason is Reason.RESET


async def test_an_acknowledgement_with_an_unknown_token_is_a_protocol_failure() -> None:
    caught = await failure(lambda request: [b"\x64\x41" + request[2:4] + b"abcd"])
    assert (caught.reason, "unknown token" in caught.detail) == (Reason.PROTOCOL, True)


@pytest.mark.parametrize(
    "tail",
    [b"\xf1a", b"\xbd", b"\xb2\xff\xfe", b"\xff" * 3 + b"\xe0"],
    ids=["reserved delta", "cut option", "path not UTF-8", "payload"],
)
async def test_an_answer_with_malformed_options_or_payload_ends_in_time(tail: bytes) -> None:
    async with udp_server(lambda request: [acknowledge(request) + tail]) as port:
        try:
            reply = await post(port)
        except ProbeFailed as caught:
            assert caught.reason is Reason.PROTOCOL
            assert "no CoAP message" in caught.detail
        else:
            assert reply.payload == tail[1:]


@pytest.mark.parametrize("datagram", [b"\x44", b"\x6f\x41\x00\x00", b"GET / HTTP/1.1\r\n", b"\x00" * 2000])
async def test_garbage_is_a_protocol_failure(datagram: bytes) -> None:
    caught = await failure(lambda request: [datagram])
    assert caught.reason is Reason.PROTOCOL
    assert "other datagrams" in caught.detail


async def test_random_datagrams_never_escape_the_exchange() -> None:
    caught = await failure(lambda request: [os.urandom(n) for n in range(40)] + [request[:2] + os.urandom(30)])
    assert caught.reason in (Reason.PROTOCOL, Reason.RESET)


async def test_garbage_before_the_answer_does_no_harm() -> None:
    async with udp_server(lambda request: [b"\xff\xff", acknowledge(request)]) as port:
        assert (await post(port)).code == "2.01"


async def test_a_flood_ends_in_time(caplog: pytest.LogCaptureFixture) -> None:
    def answers(request: bytes) -> list[bytes]:
        return [b"\x54\x41" + n.to_bytes(2, "big") + b"abcd" for n in range(2000)]

    assert (await failure(answers)).reason is Reason.PROTOCOL
    assert caplog.records == []


async def test_a_payload_beyond_the_limit_is_too_large() -> None:
    caught = await failure(lambda request: [acknowledge(request, payload=b"x" * (PAYLOAD_LIMIT + 1))])
    assert caught.reason is Reason.TOO_LARGE


async def test_a_name_without_address_is_a_dns_failure() -> None:
    with pytest.raises(ProbeFailed) as caught:
        await post(5683, host="no-such-host.invalid")
    assert caught.value.reason is Reason.DNS


@pytest.mark.parametrize("steps", range(8))
async def test_a_cancel_at_any_point_leaves_neither_socket_nor_task(steps: int) -> None:
    async with udp_server(lambda request: []) as port:
        before = open_sockets()
        task = asyncio.create_task(post(port))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (open_sockets(), client_tasks()) == (before, set())


async def test_ipv6_is_spoken_where_the_machine_has_it() -> None:
    try:
        probe = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 on this machine")
    port = probe.getsockname()[1]
    probe.close()
    with pytest.raises(ProbeFailed) as caught:
        await post(port, host="::1")
    assert caught.value.reason is Reason.REFUSED
