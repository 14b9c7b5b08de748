from typing import Any

from tests.probes.examples.parts import sending


def example(tcp: int, udp: int, patience: float) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": udp, **sending(tcp, patience)}
