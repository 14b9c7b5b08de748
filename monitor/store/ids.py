"""A result's identity. Of our own results: who wrote it and its number, so that a gap is seen. Of others: a digest.

An id fits 63 bits. Own ones are positive: `writer * 2**32 + number`, numbers counted from 1 for every start of a
daemon; outside they are written `boot id:number`. Imported ones are negative: the first 63 bits of the SHA-256 of
their text.
"""

import re
from collections.abc import Mapping
from hashlib import sha256

NUMBERS_PER_WRITER = 2**32
_DIGEST_MASK = 2**63 - 1
_IMPORTED = re.compile(r"imported:[0-9a-f]{16}")


def own_id(writer: int, number: int) -> int:
    return writer * NUMBERS_PER_WRITER + number


def own_range(writer: int) -> tuple[int, int]:
    """The smallest and the greatest id that the writer's results can have."""
    return own_id(writer, 1), own_id(writer, NUMBERS_PER_WRITER - 1)


def writer_of(result_id: int) -> int:
    """Who wrote a result that was not imported."""
    return result_id // NUMBERS_PER_WRITER


def text_id(result_id: int, boot_ids: Mapping[int, str]) -> str:
    """How a result is named outside the store; `boot_ids` by writer."""
    if result_id < 0:
        return f"imported:{-result_id:016x}"
    writer, number = divmod(result_id, NUMBERS_PER_WRITER)
    return f"{boot_ids[writer]}:{number}"


def import_id(text: str, writers: Mapping[str, int]) -> int:
    """The id of a result that is named like this; `writers` by boot id.

    The inverse of `text_id` for results that came from this store; a digest for every other text.
    """
    boot_id, _, number = text.rpartition(":")
    if boot_id in writers and number.isascii() and number.isdecimal() and str(int(number)) == number:
        if 0 < int(number) < NUMBERS_PER_WRITER:
            return own_id(writers[boot_id], int(number))
    elif boot_id == "imported" and _IMPORTED.fullmatch(text) and 0 < int(number, 16) <= _DIGEST_MASK:
        return -int(number, 16)
    return -_digest(text)


def _digest(text: str) -> int:
    # 63 zero bits will not be met in practice; were they, 0 would be an id that is neither own nor imported.
    return (int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> 1) or 1
