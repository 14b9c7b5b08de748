"""Options that several kinds have in common."""

from typing import Any


def api(tcp: int, patience: float) -> dict[str, Any]:
    return {"url": f"http://127.0.0.1:{tcp}/api/v2", "token": "token", "timeout": patience}


def sending(tcp: int, patience: float) -> dict[str, Any]:
    quick = {"attempts": 2, "retry_pause": 0.01, "answer_timeout": patience}
    return {"sensors": ["282C02FFFF01"], "api": api(tcp, patience), **quick}
