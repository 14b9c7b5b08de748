"""What the tests of inhibition and of holding have in common: posting to an Alertmanager, and asking it."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from tests.alerting.servers import CLOCK

Labels = Mapping[str, str]
PAUSE_SECONDS = 0.02


def post(url: str, alerts: Iterable[Labels], *, age_seconds: float = 60, over: bool = False) -> None:
    """Alerts that began so long ago and hold for five minutes, or are over."""
    now = CLOCK.now()
    times = {
        "startsAt": (now - timedelta(seconds=age_seconds)).isoformat(),
        "endsAt": (now if over else now + timedelta(minutes=5)).isoformat(),
    }
    body = json.dumps([{"labels": dict(labels), **times} for labels in alerts]).encode()
    request = urllib.request.Request(f"{url}/api/v2/alerts", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5):
        pass


def states(url: str, matcher: str = "") -> dict[frozenset[tuple[str, str]], str]:
    """Of each alert by its labels, or those that match: `active`, or `suppressed` by another alert or a silence."""
    query = f"?filter={quote(matcher)}" if matcher else ""
    with urllib.request.urlopen(f"{url}/api/v2/alerts{query}", timeout=10) as answer:
        alerts: list[dict[str, Any]] = json.load(answer)
    return {frozenset(alert["labels"].items()): alert["status"]["state"] for alert in alerts}


def state(url: str, labels: Labels) -> str | None:
    """That of one alert of a `site`; None where there is none."""
    return states(url, f'site="{labels["site"]}"').get(frozenset(labels.items()))


def wait_until(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether it came to hold in time."""
    over = CLOCK.monotonic() + seconds
    while not holds():
        if CLOCK.monotonic() > over:
            return False
        time.sleep(PAUSE_SECONDS)
    return True
