"""What an error of the operating system's network means for a probe."""

import socket
import ssl

from probes.contract import ProbeFailed, Reason

_OWN = ("builtins", "socket", "ssl")


def network_failure(error: OSError, where: str) -> ProbeFailed:
    """The failure that names the reason; `where` is what was talked to, e.g. `host:port`."""
    return ProbeFailed(_reason(error), f"{where}: {_text(error)}")


def _reason(error: OSError) -> Reason:
    # Libraries wrap errors in classes of their own; the number tells the class that Python would have chosen.
    match OSError(error.errno, "") if error.errno and type(error).__module__ not in _OWN else error:
        case socket.gaierror():
            return Reason.DNS
        case ssl.SSLError() | ssl.CertificateError():
            return Reason.TLS
        case ConnectionRefusedError():
            return Reason.REFUSED
        case ConnectionError():
            return Reason.RESET
        case TimeoutError():
            return Reason.TIMEOUT
        case _:
            return Reason.NETWORK


def _text(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
