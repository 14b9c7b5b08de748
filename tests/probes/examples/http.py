from typing import Any


def example(tcp: int, udp: int, patience: float) -> dict[str, Any]:
    return {"url": f"http://127.0.0.1:{tcp}/", "timeout": patience}
