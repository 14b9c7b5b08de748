from typing import Any

from tests.probes.examples.parts import api


def example(tcp: int, udp: int, patience: float) -> dict[str, Any]:
    place = {"token": "token", "timeout": patience}
    return {
        "sensors": ["282C02FFFF01"],
        "api": api(tcp, patience),
        "manifest": {"url": f"http://127.0.0.1:{tcp}/manifest.json", **place},
        "drill": {"every": 0, "endpoint": {"url": f"http://127.0.0.1:{tcp}/restores", **place}},
    }
