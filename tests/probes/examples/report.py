from typing import Any

from tests.probes.examples.parts import api


def example(tcp: int, udp: int, patience: float) -> dict[str, Any]:
    return {
        "sensors": ["282C02FFFF01"],
        "api": api(tcp, patience),
        "interface": {"url": f"http://127.0.0.1:{tcp}/api/v2/reports", "timeout": patience},
        "ready_within": patience,
    }
