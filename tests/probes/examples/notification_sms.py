from typing import Any

from tests.probes.examples.notification_email import alarms


def example(tcp: int, udp: int, patience: float) -> dict[str, Any]:
    poll = {"url": f"http://127.0.0.1:{tcp}/messages", "token": "token", "timeout": patience}
    credit = {"url": f"http://127.0.0.1:{tcp}/balance", "token": "token", "timeout": patience}
    return {
        **alarms(tcp, patience),
        "rule": "uptime-sms",
        "sms": {"poll": poll},
        "credit": credit,
        "daily_cap": 10,
    }
