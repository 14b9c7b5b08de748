"""A mail server of the daemon's own: it takes mail for its recipients, and passes nothing on.

A mail is answered with 250 after it is on disk, with 451 where that failed, so that its sender tries again. What
senders write is in no log line.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from monitor import logs
from monitor.clock import Clock
from monitor.config import SmtpSection
from monitor.inbound.connections import Connections
from monitor.inbound.smtp_session import MailSession
from monitor.inbound.take import Take

# How long the end waits for cut connections to be gone. They need a few turns of the loop, no more.
_CLOSE_SECONDS = 2.0


@asynccontextmanager
async def receive_mail(settings: SmtpSection, take: Take, clock: Clock) -> AsyncIterator[int]:
    """Receives mail while the block runs; yields the port. At its end no connection and no task is left.

    Raises `OSError` where the address cannot be had or a certificate's file not be read, `ssl.SSLError` for files
    that hold no certificate and key.
    """
    tls = await asyncio.to_thread(_tls_context, settings)
    connections = Connections(settings, take, clock)
    server = await asyncio.get_running_loop().create_server(
        lambda: MailSession(connections, tls), settings.host, settings.port
    )
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await connections.close()
                await server.wait_closed()
        except TimeoutError:
            logs.get().error("mail.connections_left", seconds=_CLOSE_SECONDS)


def _tls_context(settings: SmtpSection) -> ssl.SSLContext | None:
    if settings.certificate_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.certificate_file, settings.key_file)
    return context
