from typing import Any

from tests.probes.examples.parts import sending


def example(tcp: int, udp: int, patience: float) -> dict[str, Any]:
    return {"url": f"http://127.0.0.1:{tcp}/measurements", **sending(tcp, patience)}
