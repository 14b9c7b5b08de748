from typing import Any

from tests.probes.examples.parts import api


def example(tcp: int, udp: int, patience: float) -> dict[str, Any]:
    return {"api": api(tcp, patience), "sensors": ["282C02FFFF01"]}
