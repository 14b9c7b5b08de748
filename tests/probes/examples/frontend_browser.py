from typing import Any

from tests.probes.examples.parts import api
from tests.real_servers import command

SECONDS = 15  # a browser has to start first


def example(tcp: int, udp: int, patience: float) -> dict[str, Any]:
    return {
        "url": f"http://127.0.0.1:{tcp}/",
        "login": "customer@example.com",
        "password": "token",
        "executable": command("chromium").argv[0],
        "sandbox": False,
        "limits": {"page": patience, "login": patience, "data": patience},
        "data": {"sensors": ["282C02FFFF01"], "api": api(tcp, patience)},
    }
