from typing import Any

from tests.probes.examples.parts import api


def example(tcp: int, udp: int, patience: float) -> dict[str, Any]:
    login = {"login": "customer@example.com", "password": "token"}
    return {
        "url": f"http://127.0.0.1:{tcp}/",
        "timeout": patience,
        "login": login,
        "data": {"sensors": ["282C02FFFF01"], "api": api(tcp, patience)},
    }
