from typing import Any


def example(tcp: int, udp: int, patience: float) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": tcp, "timeout": patience}
