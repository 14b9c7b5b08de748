"""Every error of the network gets its reason, also inside a library's wrapper."""

import errno
import socket
import ssl

import aiohttp
import pytest

from probes.contract import Reason
from probes.network_errors import network_failure


@pytest.mark.parametrize(
    ("error", "reason", "text"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), Reason.REFUSED, "Connection refused"),
        (aiohttp.ClientOSError(errno.ECONNRESET, "Connection reset by peer"), Reason.RESET, "Connection reset by peer"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), Reason.RESET, "Broken pipe"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Reason.DNS, "Name or service not known"),
        (ssl.SSLError(1, "bad record"), Reason.TLS, "bad record"),
        (OSError(errno.ETIMEDOUT, "Connection timed out"), Reason.TIMEOUT, "Connection timed out"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), Reason.NETWORK, "No route to host"),
        (OSError(), Reason.NETWORK, "OSError"),
    ],
)
def test_an_error_has_its_reason_and_a_text(error: OSError, reason: Reason, text: str) -> None:
    failure = network_failure(error, "host:1")
    assert (failure.reason, failure.detail) == (reason, f"host:1: {text}")
