from typing import Any

from tests.probes.examples.parts import api


def alarms(tcp: int, patience: float) -> dict[str, Any]:
    """What both kinds of notification need."""
    return {
        "sensor": "282C02FFFF21",
        "rule": "uptime-email",
        "normal": [20, 58],
        "alarm": [61, 99],
        "gateway": {
            "url": f"http://127.0.0.1:{tcp}/measurements",
            "token": "token",
            "timeout": patience,
            "attempts": 1,
        },
        "api": api(tcp, patience),
        "arrival_deadline": patience,
        "linger": 0,
    }


def example(tcp: int, udp: int, patience: float) -> dict[str, Any]:
    imap = {
        "host": "127.0.0.1",
        "port": tcp,
        "tls": "none",
        "user": "probe",
        "password": "token",
        "timeout": patience,
    }
    return {**alarms(tcp, patience), "mailbox": {"imap": imap}}
