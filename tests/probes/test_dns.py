"""Name servers that answer well, wrongly, late, or something else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from pydantic import ValidationError

import probes.dns
from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.dns import Options, look_up
from tests.probes.platform import Record
from tests.probes.servers import client_tasks, closed_port, eventually, failed_step, open_sockets, tcp_server

NAME = "cloud.uptime.example"
Reply = Callable[[dns.message.Message], list[dns.message.Message | bytes]]


def records(*lines: str) -> Reply:
    """An answer of these records, e.g. `A 127.0.0.1`, in one set for each type; `name` may stand before the type."""

    def reply(query: dns.message.Message) -> list[dns.message.Message | bytes]:
        response = dns.message.make_response(query)
        for line in lines:
            owner, kind, value = line.split(" ", 2)
            response.answer.append(dns.rrset.from_text(owner + ".", 60, "IN", kind, value))
        return [response]

    return reply


def code(rcode: dns.rcode.Rcode) -> Reply:
    def reply(query: dns.message.Message) -> list[dns.message.Message | bytes]:
        response = dns.message.make_response(query)
        response.set_rcode(rcode)
        return [response]

    return reply


def truncated(query: dns.message.Message) -> list[dns.message.Message | bytes]:
    response = dns.message.make_response(query)
    response.flags |= dns.flags.TC
    return [response]


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, reply: Reply, seen: list[str]) -> None:
        self._reply, self._seen = reply, seen

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own is not a subclass

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._seen.append("udp")
        for answer in self._reply(dns.message.from_wire(data)):
            self._transport.sendto(answer if isinstance(answer, bytes) else answer.to_wire(), addr)


@asynccontextmanager
async def name_server(reply: Reply, over_tcp: Reply | None = None) -> AsyncIterator[tuple[int, list[str]]]:
    """Gives its port, which is the same for UDP and TCP, and what was asked over which."""
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        query = dns.message.from_wire(await reader.readexactly(length))
        seen.append("tcp")
        for answer in (over_tcp or reply)(query):
            wire = answer if isinstance(answer, bytes) else answer.to_wire()
            writer.write(len(wire).to_bytes(2, "big") + wire)
        await reader.read()

    async with tcp_server(serve) as port:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: Datagrams(reply, seen), local_addr=("127.0.0.1", port)
        )
        try:
            yield port, seen
        finally:
            transport.close()


@pytest.fixture(autouse=True)
async def _nothing_is_left() -> AsyncIterator[None]:
    before = open_sockets()
    yield
    await eventually(lambda: open_sockets() == before)
    assert client_tasks() == set()


def options(port: int, **given: Any) -> Options:
    server = {"host": "127.0.0.1", "port": port}
    return Options.model_validate({"name": NAME, "server": server, "timeout": 4, **given})


async def up(reply: Reply, **given: Any) -> Journey:
    async with name_server(reply) as (port, _):
        journey = Record().journey()
        await look_up(options(port, **given), journey)
        return journey


async def down(reply: Reply, over_tcp: Reply | None = None, **given: Any) -> tuple[Reason, str, str]:
    async with name_server(reply, over_tcp) as (port, _):
        journey = Record().journey()
        with pytest.raises(ProbeFailed) as caught:
            await look_up(options(port, **given), journey)
        if failed_step(journey) == "answer":
            assert NAME in journey.evidence_items()["answer"]
        return caught.value.reason, caught.value.detail, failed_step(journey)


ONE = records(f"{NAME} A 192.0.2.1")
TWO = records(f"{NAME} A 192.0.2.1", f"{NAME} A 192.0.2.2")


@pytest.mark.parametrize(
    ("reply", "given"),
    [
        (ONE, {}),
        (ONE, {"transport": "tcp"}),
        (ONE, {"expected": ["192.0.2.1"]}),
        (TWO, {"expected": ["192.0.2.2", "192.0.2.1"]}),
        (TWO, {"expected": ["192.0.2.2"], "match": "contains"}),
        (TWO, {"expected": [r"192\.0\.2\.\d+", "x"], "match": "regexp"}),
        (TWO, {"min_answers": 2, "max_answers": 2}),
        (records(f"{NAME} CNAME b.example.", "b.example A 192.0.2.1"), {"expected": ["192.0.2.1"]}),
        (records(f"{NAME} CNAME b.example."), {"type": "CNAME", "expected": ["B.example"]}),
        (records(f"{NAME} AAAA 2001:db8::1"), {"type": "AAAA", "expected": ["2001:DB8:0::1"]}),
        (records(f"{NAME} MX 10 mail.example."), {"type": "MX", "expected": ["10 mail.example"]}),
        (records(f"{NAME} NS a.example."), {"type": "NS", "expected": ["a.example."]}),
        (records(f'{NAME} TXT "v=spf1 " "-all"'), {"type": "TXT", "expected": ["v=spf1 -all"]}),
        (records(f'{NAME} TXT "v=spf1 -all"'), {"type": "TXT", "expected": ['"v=spf1" " -all"']}),
        (
            records(f"{NAME} SOA a.example. b.example. 7 1 1 1 1"),
            {"type": "SOA", "expected": [r"a\.example\. .*"], "match": "regexp"},
        ),
    ],
)
async def test_the_expected_records_are_up(reply: Reply, given: dict[str, Any]) -> None:
    journey = await up(reply, **given)
    assert journey.figures["attempts"] == 1
    assert [timing.name for timing in journey.timings()] == ["query", "answer"]


@pytest.mark.parametrize(
    ("reply", "given"),
    [
        (ONE, {"expected": ["192.0.2.2"]}),
        (TWO, {"expected": ["192.0.2.1"]}),
        (ONE, {"expected": ["192.0.2.1", "192.0.2.2"]}),
        (ONE, {"expected": ["192.0.2.1", "192.0.2.2"], "match": "contains"}),
        (TWO, {"expected": [r"192\.0\.2\.1"], "match": "regexp"}),
        (ONE, {"expected": ["192"], "match": "regexp"}),
        (ONE, {"min_answers": 2}),
        (TWO, {"max_answers": 1}),
        (records(f'{NAME} TXT "v=spf1 ?all"'), {"type": "TXT", "expected": ["v=spf1 -all"]}),
    ],
)
async def test_other_records_are_down(reply: Reply, given: dict[str, Any]) -> None:
    reason, detail, step = await down(reply, **given)
    assert (reason, step) == (Reason.CONTENT, "answer")
    assert "192.0.2.1" in detail or "spf1 ?all" in detail


@pytest.mark.parametrize(
    ("reply", "words", "step"),
    [
        (code(dns.rcode.NXDOMAIN), "no such name (NXDOMAIN)", "answer"),
        (code(dns.rcode.SERVFAIL), "SERVFAIL", "query"),
        (code(dns.rcode.REFUSED), "REFUSED", "query"),
        (records(), "no record of type A", "answer"),
        (records(f"{NAME} CNAME b.example."), "no record of type A", "answer"),
        (records("other.example A 192.0.2.1"), "no record of type A", "answer"),
    ],
)
async def test_no_answer_of_the_type_is_down_and_says_which(reply: Reply, words: str, step: str) -> None:
    reason, detail, found = await down(reply)
    assert (reason, found) == (Reason.DNS, step)
    assert words in detail


def of_another_id(query: dns.message.Message) -> list[dns.message.Message | bytes]:
    (response,) = ONE(query)
    assert isinstance(response, dns.message.Message)
    response.id ^= 1
    return [response]


def of_another_question(query: dns.message.Message) -> list[dns.message.Message | bytes]:
    other = dns.message.make_query("evil.example", "A", id=query.id)
    return list(records(f"{NAME} A 192.0.2.66")(other))


def nothing(query: dns.message.Message) -> list[dns.message.Message | bytes]:
    return []


def garbage(query: dns.message.Message) -> list[dns.message.Message | bytes]:
    return [b"\xff\x00 what is this?"]


def cut_short_and_of_another_id(query: dns.message.Message) -> list[dns.message.Message | bytes]:
    (response,) = truncated(query)
    assert isinstance(response, dns.message.Message)
    response.id ^= 1
    return [response]


@pytest.mark.parametrize("reply", [of_another_id, of_another_question, cut_short_and_of_another_id, garbage])
async def test_what_is_no_answer_to_the_question_is_passed_over(reply: Reply) -> None:
    """Somebody may have forged it; the true answer counts. Without one, it is the reason."""
    await up(lambda query: [*reply(query), *ONE(query)], expected=["192.0.2.1"])
    reason, detail, step = await down(reply, timeout=0.2)
    assert (reason, step) == (Reason.PROTOCOL, "query")
    assert "and no other within 0.1 s" in detail
    assert (await down(reply, transport="tcp"))[0] is Reason.PROTOCOL


async def test_silence_is_a_timeout_and_a_closed_port_refused() -> None:
    assert (await down(nothing, timeout=0.2))[0] is Reason.TIMEOUT
    assert (await down(nothing, timeout=0.2, transport="tcp"))[0] is Reason.TIMEOUT
    for transport in ("udp", "tcp"):
        with pytest.raises(ProbeFailed) as caught:
            await look_up(options(await closed_port(), transport=transport), Record().journey())
        assert caught.value.reason is Reason.REFUSED


async def test_an_answer_that_is_cut_short_comes_over_tcp() -> None:
    async with name_server(truncated, TWO) as (port, seen):
        await look_up(options(port, expected=["192.0.2.1", "192.0.2.2"]), Record().journey())
    assert seen == ["udp", "tcp"]
    reason, _, step = await down(truncated, code(dns.rcode.SERVFAIL))
    assert (reason, step) == (Reason.DNS, "query")


@pytest.mark.parametrize(("retries", "is_up"), [(1, True), (0, False)])
async def test_a_lost_question_is_repeated(retries: int, is_up: bool) -> None:
    count = 0

    def second_time(query: dns.message.Message) -> list[dns.message.Message | bytes]:
        nonlocal count
        count += 1
        return ONE(query) if count == 2 else []

    if is_up:
        assert (await up(second_time, retries=retries, timeout=0.4)).figures["attempts"] == 2
    else:
        assert (await down(second_time, retries=retries, timeout=0.2))[0] is Reason.TIMEOUT


def knows_only_the_root(query: dns.message.Message) -> list[dns.message.Message | bytes]:
    return [] if query.question[0].name.to_text() != "." else [dns.message.make_response(query)]


def failing_but_for_the_root(query: dns.message.Message) -> list[dns.message.Message | bytes]:
    return code(dns.rcode.SERVFAIL if query.question[0].name.to_text() != "." else dns.rcode.NOERROR)(query)


@pytest.mark.parametrize(
    ("reply", "raised", "reason"),
    [
        (ONE, None, None),
        (nothing, Blocked, Reason.BLOCKED),
        (code(dns.rcode.SERVFAIL), Blocked, Reason.BLOCKED),
        (code(dns.rcode.REFUSED), Blocked, Reason.BLOCKED),
        (knows_only_the_root, ProbeFailed, Reason.TIMEOUT),
        (failing_but_for_the_root, ProbeFailed, Reason.DNS),
        (code(dns.rcode.NXDOMAIN), ProbeFailed, Reason.DNS),
    ],
)
async def test_this_machines_resolvers_are_not_the_platforms_to_answer_for(
    reply: Reply,
    raised: type[ProbeFailed | Blocked] | None,
    reason: Reason | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A resolver that works for others, but not for this name, tells of the name; one that never works does not."""
    file = tmp_path / "resolv.conf"
    file.write_text("# comment\nsearch example\nnameserver 127.0.0.1\nnameserver nonsense\n")
    monkeypatch.setattr(probes.dns, "RESOLVERS_FILE", file)
    asked = Options.model_validate({"name": NAME, "timeout": 0.3})
    async with name_server(reply) as (port, _):
        monkeypatch.setattr(probes.dns, "DNS_PORT", port)
        if raised is None:
            await look_up(asked, Record().journey())
            return
        with pytest.raises(raised) as caught:
            await look_up(asked, Record().journey())
    assert isinstance(caught.value, ProbeFailed | Blocked)
    assert caught.value.reason is reason


async def test_a_machine_without_resolvers_cannot_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(probes.dns, "RESOLVERS_FILE", tmp_path / "none")
    with pytest.raises(Blocked):
        await look_up(Options.model_validate({"name": NAME}), Record().journey())


async def test_a_name_server_may_be_named() -> None:
    async with name_server(ONE) as (port, _):
        await look_up(options(port, server={"host": "localhost", "port": port}), Record().journey())
    with pytest.raises(ProbeFailed) as caught:
        await look_up(options(1, server={"host": "no-such-host.invalid"}), Record().journey())
    assert caught.value.reason is Reason.DNS


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "a..b"}, "a domain name"),
        ({"name": "x" * 64}, "a domain name"),
        ({"type": "AXFR"}, "Input should be"),
        ({"expected": ["300.0.0.1"]}, "no A record: '300.0.0.1'"),
        ({"type": "MX", "expected": ["mail.example"]}, "no MX record"),
        ({"match": "regexp", "expected": ["("]}, "no regular expression"),
        ({"min_answers": 2, "max_answers": 1}, "max_answers must not be less"),
        ({"retries": -1}, "greater than or equal to 0"),
    ],
)
def test_options_that_cannot_work_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message.replace("(", r"\(")):
        Options.model_validate({"name": NAME, **given})


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("turns", [1, 3, 6, 12, 24])
async def test_a_cancel_leaves_nothing(transport: str, turns: int) -> None:
    """The fixture looks for what is left."""

    async def take() -> None:
        await look_up(options(port, transport=transport), Record().journey())

    async with name_server(nothing) as (port, _):
        check = asyncio.create_task(take())
        for _ in range(turns):
            await asyncio.sleep(0)
        check.cancel()
        with pytest.raises(asyncio.CancelledError):
            await check
        for _ in range(5):  # a server that is closed while it accepts a connection would keep that one
            await asyncio.sleep(0)
