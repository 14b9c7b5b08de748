from typing import Any


def example(tcp: int, udp: int, patience: float) -> dict[str, Any]:
    return {"interface": {"url": f"http://127.0.0.1:{tcp}/api/v2", "token": "token", "timeout": patience}}
