"""TCP connect: can a client open a connection at all?"""

import asyncio
from contextlib import suppress

from pydantic import Field

from probes.contract import Journey, ProbeFailed, ProbeOptions, Reason, probe
from probes.network_errors import network_failure
from probes.option_types import Host, Port, Seconds


class Options(ProbeOptions):
    host: Host = Field(description="Name or address")
    port: Port = Field(description="TCP port")
    timeout: Seconds = Field(10.0, description="Seconds for name resolution and connection")


@probe("tcp", Options)
async def tcp(options: Options, journey: Journey) -> None:
    where = f"{options.host}:{options.port}"
    async with journey.step("connect"):
        try:
            async with asyncio.timeout(options.timeout):
                _reader, writer = await asyncio.open_connection(options.host, options.port)
        except TimeoutError as error:
            raise ProbeFailed(Reason.TIMEOUT, f"{where}: no connection within {options.timeout:g} s") from error
        except OSError as error:
            raise network_failure(error, where) from error
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()
