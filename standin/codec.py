"""CoAP's message format, by aiocoap's codec. The only importer of aiocoap here, which ships no type information."""

from dataclasses import dataclass
from enum import IntEnum

from aiocoap import Message  # type: ignore[import-untyped]
from aiocoap.error import UnparsableMessage  # type: ignore[import-untyped]


class Kind(IntEnum):
    CON = 0
    NON = 1
    ACK = 2
    RST = 3


class Code(IntEnum):
    EMPTY = 0
    GET = 1
    POST = 2
    CREATED = 65  # 2.01
    CONTENT = 69  # 2.05
    BAD_REQUEST = 128  # 4.00
    UNAUTHORIZED = 129  # 4.01
    NOT_FOUND = 132  # 4.04
    METHOD_NOT_ALLOWED = 133  # 4.05
    INTERNAL_SERVER_ERROR = 160  # 5.00


_REQUEST_CODES = range(1, 32)  # class 0, without the empty message


@dataclass(frozen=True, slots=True)
class CoapMessage:
    """`code` is a `Code`, or another number that RFC 7252 allows (three bits of class, five of detail)."""

    kind: int
    code: int
    message_id: int
    token: bytes = b""
    path: str = ""
    payload: bytes = b""

    @property
    def is_request(self) -> bool:
        return self.kind in (Kind.CON, Kind.NON) and self.code in _REQUEST_CODES

    @property
    def is_ping(self) -> bool:
        return self.kind == Kind.CON and self.code == Code.EMPTY


def decode(datagram: bytes) -> CoapMessage | None:
    """None for what is not a CoAP message."""
    try:
        message = Message.decode(datagram)
    except (UnparsableMessage, UnicodeDecodeError):
        return None
    path = "/".join(message.opt.uri_path)
    return CoapMessage(int(message.mtype), int(message.code), message.mid, message.token, path, message.payload)


def encode(message: CoapMessage) -> bytes:
    encoded = Message(
        code=message.code,
        payload=message.payload,
        _mtype=message.kind,
        _mid=message.message_id,
        _token=message.token,
    )
    if message.path:
        encoded.opt.uri_path = tuple(message.path.split("/"))
    return bytes(encoded.encode())


def code_of(dotted: str) -> int:
    """The number of a code as people write it, e.g. 160 for `5.00`."""
    major, _, minor = dotted.partition(".")
    return int(major) << 5 | int(minor)
