from typing import Any

CONNECTING_IS_ENOUGH = True


def example(tcp: int, udp: int, patience: float) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": tcp, "timeout": patience}
