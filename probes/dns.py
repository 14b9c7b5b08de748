"""DNS: does a name have the expected records?"""

import asyncio
import ipaddress
import re
import socket
from pathlib import Path
from typing import Any, Literal, get_args

# The library of that name: this module is called `probes.dns`, and imports are absolute.
import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from pydantic import Field, field_validator, model_validator

from probes.contract import Blocked, Journey, ProbeFailed, ProbeOptions, Reason, probe
from probes.network_errors import network_failure
from probes.option_types import Host, Port, Seconds

RESOLVERS_FILE = Path("/etc/resolv.conf")
DNS_PORT = 53
UDP_PAYLOAD = 1232  # bytes that pass everywhere without being fragmented; a longer answer comes over TCP

RecordType = Literal["A", "AAAA", "CNAME", "MX", "TXT", "NS", "SOA"]
Place = tuple[str, int]

_BACKEND: Any = dns.asyncbackend.get_backend("asyncio")
for _type in get_args(RecordType):  # their modules, which would be loaded in the first check and delay it
    dns.rdata.get_rdata_class(dns.rdataclass.IN, dns.rdatatype.from_text(_type))  # type: ignore[no-untyped-call]


class NameServer(ProbeOptions):
    host: Host = Field(description="Name or address")
    port: Port = Field(53, description="UDP and TCP port")


class Options(ProbeOptions):
    name: str = Field(description="What to ask for, e.g. cloud.example.com", min_length=1)
    type: RecordType = Field("A", description="Type of the records")
    server: NameServer | None = Field(
        None,
        description=f"Name server to ask; none: those of {RESOLVERS_FILE}. While these do not answer a question for "
        "the root either, the check is unknown: they are not the platform's",
    )
    expected: tuple[str, ...] = Field((), description="Values that are expected, written as in a zone file")
    match: Literal["exact", "contains", "regexp"] = Field(
        "exact",
        description="`exact`: the answers are the expected ones and no others; `contains`: all expected ones are among "
        "the answers; `regexp`: each answer as a whole matches one of the expected patterns",
    )
    min_answers: int = Field(1, description="Fewest answers that are accepted", ge=1)
    max_answers: int | None = Field(None, description="Most answers that are accepted; none: any number", ge=1)
    transport: Literal["udp", "tcp"] = Field("udp", description="`udp` turns to TCP where an answer is cut short")
    retries: int = Field(1, description="How often a failed question is repeated, at the next server if any", ge=0)
    timeout: Seconds = Field(4.0, description="Seconds for the question with all its repetitions, shared evenly")

    @field_validator("name")
    @classmethod
    def _is_name(cls, name: str) -> str:
        try:
            dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError) as error:
            raise ValueError("a domain name") from error
        return name

    @model_validator(mode="after")
    def _expects_what_can_be(self) -> "Options":
        if self.max_answers is not None and self.max_answers < self.min_answers:
            raise ValueError("max_answers must not be less than min_answers")
        for value in self.expected:
            _pattern(value) if self.match == "regexp" else _record(self.type, value)
        return self

    def longest_seconds(self) -> float:
        """Seconds that the journey may take by these options; the probe's timeout must not be shorter."""
        return self.timeout if self.server else 2 * self.timeout  # the resolvers are asked for the root, too

    @property
    def attempts(self) -> int:
        return self.retries + 1


@probe("dns", Options)
async def look_up(options: Options, journey: Journey) -> None:
    async with journey.step("query"):
        servers = await _servers(options.server)
        try:
            response = await _ask(options, servers, journey)
        except ProbeFailed as failure:
            if options.server is None:
                await _require_working_resolver(options, servers, failure)
            raise
    async with journey.step("answer"):
        try:
            _judge(options, _answers(options, response), journey)
        except ProbeFailed:
            journey.evidence("answer", response.to_text())
            raise


async def _servers(chosen: NameServer | None) -> list[Place]:
    """Addresses to ask, in turn. Raises `Blocked` where this machine has no resolvers."""
    if chosen is None:
        found = [(address, DNS_PORT) for address in await asyncio.to_thread(_system_resolvers)]
        if not found:
            raise Blocked(f"{RESOLVERS_FILE} names no resolver")
        return found
    if _is_address(chosen.host):
        return [(chosen.host, chosen.port)]
    try:
        entries = await asyncio.get_running_loop().getaddrinfo(chosen.host, chosen.port, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise network_failure(error, f"name server {chosen.host}") from error
    return [(str(entry[4][0]), chosen.port) for entry in entries]


async def _ask(options: Options, servers: list[Place], journey: Journey) -> dns.message.QueryMessage:
    """The first usable response; raises the last attempt's `ProbeFailed` where there is none, or rather that of an
    earlier attempt that was not mere silence."""
    failure: ProbeFailed | None = None
    attempts = max(options.attempts, len(servers))
    for attempt in range(attempts):
        journey.figure("attempts", attempt + 1)
        query = dns.message.make_query(options.name, options.type, use_edns=0, payload=UDP_PAYLOAD)
        try:
            return await _ask_once(
                query, servers[attempt % len(servers)], options.transport, options.timeout / attempts
            )
        except ProbeFailed as error:
            if failure is None or error.reason is not Reason.TIMEOUT:
                failure = error
    assert failure is not None
    raise failure


async def _ask_once(
    query: dns.message.QueryMessage, place: Place, transport: str, seconds: float
) -> dns.message.QueryMessage:
    """A response that is the query's own (id, question, source) and either has records or denies the name."""
    where = f"{place[0]}:{place[1]}"
    strange: list[str] = []
    try:
        async with asyncio.timeout(seconds):
            response = await (_over_tcp(query, place) if transport == "tcp" else _over_udp(query, place, strange))
    except TimeoutError as error:
        if strange:
            raise ProbeFailed(Reason.PROTOCOL, f"{where}: {strange[0]}, and no other within {seconds:g} s") from error
        raise ProbeFailed(Reason.TIMEOUT, f"{where}: no answer within {seconds:g} s") from error
    except (dns.exception.DNSException, EOFError) as error:
        raise ProbeFailed(Reason.PROTOCOL, f"{where}: {_strangeness(error)}") from error
    except OSError as error:
        raise network_failure(error, where) from error
    if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise ProbeFailed(Reason.DNS, f"{where}: {dns.rcode.to_text(response.rcode())}")
    assert isinstance(response, dns.message.QueryMessage)
    return response


async def _over_udp(query: dns.message.Message, place: Place, strange: list[str]) -> dns.message.Message:
    """Waits for the query's own answer; what else comes is put down in `strange`: it may be anybody's forgery."""
    family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
    # A connected socket, so that the system drops what others send and tells when nobody listens.
    async with await _BACKEND.make_socket(family, socket.SOCK_DGRAM, 0, None, place) as connected:
        await dns.asyncquery.send_udp(connected, query, None)
        while True:
            try:
                response: dns.message.Message
                response, _, _ = await dns.asyncquery.receive_udp(connected, raise_on_truncation=True)
            except dns.message.Truncated as cut:
                if query.is_response(cut.message()):  # type: ignore[no-untyped-call]
                    break
                strange.append("a truncated answer to another question")
                continue
            except dns.exception.DNSException as error:
                strange.append(_strangeness(error))
                continue
            if query.is_response(response):
                return response
            strange.append("an answer to another question")
    return await _over_tcp(query, place)


def _strangeness(error: Exception) -> str:
    return f"an answer that is none ({type(error).__name__})"


async def _over_tcp(query: dns.message.Message, place: Place) -> dns.message.Message:
    return await dns.asyncquery.tcp(query, place[0], port=place[1], backend=_BACKEND)


async def _require_working_resolver(options: Options, servers: list[Place], failure: ProbeFailed) -> None:
    """Raises `Blocked` unless one of this machine's resolvers knows the root, which any of them does that works."""
    seconds = options.timeout / len(servers)
    for place in servers:
        query = dns.message.make_query(dns.name.root, "NS", use_edns=0, payload=UDP_PAYLOAD)
        try:
            response = await _ask_once(query, place, options.transport, seconds)
        except ProbeFailed:
            continue
        if response.rcode() == dns.rcode.NOERROR:
            return
    raise Blocked(f"no resolver of this machine works: {failure.reason}: {failure.detail}") from failure


def _answers(options: Options, response: dns.message.QueryMessage) -> list[dns.rdata.Rdata]:
    """The records asked for, behind all aliases. Raises `ProbeFailed` (dns) where there are none."""
    if response.rcode() == dns.rcode.NXDOMAIN:
        raise ProbeFailed(Reason.DNS, f"{options.name}: there is no such name (NXDOMAIN)")
    try:
        found = response.resolve_chaining().answer
    except dns.exception.DNSException as error:
        raise ProbeFailed(Reason.PROTOCOL, f"{options.name}: {error}") from error
    if found is None:
        raise ProbeFailed(Reason.DNS, f"{options.name}: the name has no record of type {options.type}")
    return list(found)


def _judge(options: Options, answers: list[dns.rdata.Rdata], journey: Journey) -> None:
    journey.figure("answers", len(answers))
    most = options.max_answers or len(answers)
    if not options.min_answers <= len(answers) <= most:
        raise ProbeFailed(Reason.CONTENT, f"{options.name}: {len(answers)} answers: {_shown(answers)}")
    if not options.expected:
        return
    if options.match == "regexp":
        patterns = [_pattern(value) for value in options.expected]
        right = all(any(pattern.fullmatch(_text(answer)) for pattern in patterns) for answer in answers)
    else:
        wanted = {_meaning(_record(options.type, value)) for value in options.expected}
        found = {_meaning(answer) for answer in answers}
        right = wanted <= found if options.match == "contains" else wanted == found
    if not right:
        raise ProbeFailed(Reason.CONTENT, f"{options.name}: other answers than expected: {_shown(answers)}")


def _record(record_type: str, value: str) -> dns.rdata.Rdata:
    """The value as a record, so that notations of the same value are equal. Raises `ValueError`."""
    text = _quoted(value) if record_type == "TXT" and not value.startswith('"') else value
    try:
        return dns.rdata.from_text(dns.rdataclass.IN, record_type, text, origin=dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"an expected value that is no {record_type} record: {value!r}") from error


def _quoted(text: str) -> str:
    """A plain text as the strings of a TXT record, each of which holds 255 bytes."""
    pieces = [text[start : start + 255] for start in range(0, len(text), 255)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)


def _pattern(value: str) -> re.Pattern[str]:
    try:
        return re.compile(value)
    except re.error as error:
        raise ValueError(f"an expected value that is no regular expression: {error}") from error


def _meaning(record: dns.rdata.Rdata) -> dns.rdata.Rdata | str:
    """What is equal for equal records: names in any case, a TXT's text however it is cut into strings."""
    return _text(record) if record.rdtype == dns.rdatatype.TXT else record


def _text(record: dns.rdata.Rdata) -> str:
    """As in a zone file; the strings of a TXT record joined, because the limits between them mean nothing."""
    if record.rdtype == dns.rdatatype.TXT:
        return b"".join(getattr(record, "strings")).decode("utf-8", "backslashreplace")  # noqa: B009  untyped there
    return record.to_text()


def _shown(answers: list[dns.rdata.Rdata]) -> str:
    return ", ".join(sorted(_text(answer) for answer in answers))[:300]


def _system_resolvers() -> list[str]:
    """The addresses on the `nameserver` lines (resolv.conf(5)), in order."""
    try:
        lines = RESOLVERS_FILE.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    return [word[1] for word in words if len(word) > 1 and word[0] == "nameserver" and _is_address(word[1])]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
