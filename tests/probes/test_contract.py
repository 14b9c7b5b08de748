"""What every kind of probe promises, whoever wrote it. A new kind needs a module in `examples`, and fails without."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from typing import get_args

import pytest
from pydantic import BaseModel, ValidationError

import probes
from probes.contract import Blocked, ProbeFailed, ProbeKind, ProbeOptions, Reason
from tests.probes.examples import connecting_is_enough, example, refused, seconds
from tests.probes.platform import Record
from tests.probes.servers import (
    Answers,
    Handler,
    answering_then_silent,
    client_tasks,
    closed_port,
    eventually,
    garbage,
    open_sockets,
    silent,
    tcp_server,
    udp_server,
)

KINDS = probes.discover()


def no_datagrams(request: bytes) -> list[bytes]:
    return []


def garbage_datagrams(request: bytes) -> list[bytes]:
    return [b"\xff\x00 what is this?"]


def only_acknowledging(request: bytes) -> list[bytes]:
    return [b"\x60\x00" + request[2:4]]


SERVERS: dict[str, tuple[Handler, Answers]] = {
    "silent": (silent, no_datagrams),
    "garbage": (garbage, garbage_datagrams),
    "half-open": (answering_then_silent(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), only_acknowledging),
}


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> ProbeKind:
    return KINDS[request.param]


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The options and the options inside them."""
    yield model
    for field in model.model_fields.values():
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from models(part)


def test_every_option_is_documented(kind: ProbeKind) -> None:
    lacking = [
        f"{model.__qualname__}.{name}"
        for model in models(kind.options)
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert lacking == []
    assert kind.summary.endswith("?"), "a kind's summary is the question that it asks"


def test_options_are_frozen_and_refuse_unknown_keys(kind: ProbeKind) -> None:
    given = example(kind.name, 1, 1, 1.0)
    options = kind.options.model_validate(given)
    assert all(issubclass(model, ProbeOptions) for model in models(kind.options))
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        kind.options.model_validate({**given, "misspelt": 1})
    with pytest.raises(ValidationError, match="frozen"):
        setattr(options, next(iter(kind.options.model_fields)), None)


def test_options_do_not_print_their_secrets(kind: ProbeKind) -> None:
    given = example(kind.name, 1, 1, 1.0)
    text = repr(kind.options.model_validate(given))
    assert "token='token'" not in text


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Fails if a task is left at the end of the block, or a socket soon after it.

    Belongs inside the servers, because their end closes what a client has forgotten.
    """
    before = open_sockets()
    yield
    assert client_tasks() == set()
    await eventually(lambda: open_sockets() == before)


async def take(kind: ProbeKind, tcp: int, udp: int, patience: float) -> None:
    options = kind.options.model_validate(example(kind.name, tcp, udp, patience))
    await kind.run(options, Record().journey(component="component"))


async def reason_for_failing(check: Awaitable[None]) -> Reason:
    try:
        await check
    except (ProbeFailed, Blocked) as failure:
        return failure.reason
    pytest.fail("the check did not fail")


@pytest.mark.parametrize("behaviour", SERVERS)
async def test_a_server_that_does_not_answer_properly_fails_in_time(kind: ProbeKind, behaviour: str) -> None:
    handler, answers = SERVERS[behaviour]
    async with (
        asyncio.timeout(seconds(kind.name)),
        tcp_server(handler) as tcp,
        udp_server(answers) as udp,
        nothing_left(),
    ):
        if connecting_is_enough(kind.name):
            await take(kind, tcp, udp, 0.2)
            return
        with pytest.raises((ProbeFailed, Blocked)) as caught:
            await take(kind, tcp, udp, 0.2)
        assert str(caught.value)
        assert client_tasks() == set()


async def test_a_refusing_server_fails_at_once(kind: ProbeKind) -> None:
    port = await closed_port()
    async with nothing_left(), asyncio.timeout(seconds(kind.name)):
        assert await reason_for_failing(take(kind, port, port, 10)) == refused(kind.name)


@pytest.mark.parametrize("behaviour", ["silent", "half-open"])
async def test_a_deadline_leaves_neither_socket_nor_task(kind: ProbeKind, behaviour: str) -> None:
    handler, answers = SERVERS[behaviour]
    async with tcp_server(handler) as tcp, udp_server(answers) as udp, nothing_left():
        try:
            async with asyncio.timeout(0.1) as deadline:
                await take(kind, tcp, udp, 10)
        except TimeoutError:
            assert deadline.expired()
        else:
            assert connecting_is_enough(kind.name)
        assert client_tasks() == set()


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 20])
async def test_a_cancel_leaves_neither_socket_nor_task(kind: ProbeKind, turns: int) -> None:
    async with tcp_server(silent) as tcp, udp_server(no_datagrams) as udp, nothing_left():
        check = asyncio.create_task(take(kind, tcp, udp, 10), name="check")
        for _ in range(turns):
            await asyncio.sleep(0)
        check.cancel()
        finished = await asyncio.gather(check, return_exceptions=True)
        assert isinstance(finished[0], asyncio.CancelledError) or connecting_is_enough(kind.name)
        assert client_tasks() == set()
