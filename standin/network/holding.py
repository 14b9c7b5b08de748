"""What a server does with a connection that a fault holds up."""

import asyncio

from standin.background import Background
from standin.faults import ActiveFault

_PIECE_BYTES = 65_536


async def hold(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: ActiveFault, background: Background
) -> None:
    """Reads and drops what comes, until the client goes or the fault ends; the connection is cut then."""
    ending = background.start(_cut_at_end(writer, fault), f"{fault.interface}.hold")
    try:
        while await reader.read(_PIECE_BYTES):
            pass
    finally:
        ending.cancel()


async def _cut_at_end(writer: asyncio.StreamWriter, fault: ActiveFault) -> None:
    await fault.ended.wait()
    writer.transport.abort()
