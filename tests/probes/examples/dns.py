from typing import Any


def example(tcp: int, udp: int, patience: float) -> dict[str, Any]:
    return {"name": "cloud.uptime.example", "server": {"host": "127.0.0.1", "port": udp}, "timeout": patience}
