"""What an auditor and an operator do on the command line and by the API, with the answers taken apart."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from monitor.clock import iso, to_milliseconds
from tests.e2e.configurations import Probe, write
from tests.e2e.daemons import Answer, DaemonProcess
from tests.e2e.processes import CLOCK, run

TOKENS = {"oncall": "the-token-of-whoever-is-on-call", "auditor": "the-token-of-the-auditor"}
ZONE = ZoneInfo("Europe/Warsaw")
FORMATS = ("html", "pdf", "csv", "json")
QUICK = {"sla": {"confirm_after": 2, "recheck": "100ms"}, "web": {"port": 0, "tokens": TOKENS}}


def configured(folder: Path, probes: list[Probe], **sections: Any) -> Path:
    """A daemon that confirms within a second, whose API takes what is declared, and that seals only when told to."""
    return write(folder, probes, **{"seal": {"enabled": False}, **QUICK, **sections})


def now_ms() -> int:
    return to_milliseconds(CLOCK.now())


def this_year() -> str:
    return str(CLOCK.now().astimezone(ZONE).year)


def days_ago(days: float) -> datetime:
    return CLOCK.now() - timedelta(days=days)


def said(config: Path, *arguments: str, code: int = 0) -> str:
    """What a command prints, having ended with the code."""
    done = run(*arguments, "-c", str(config), cwd=config.parent)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def told(config: Path, *arguments: str, code: int = 0) -> Any:
    """The same of a command that tells it as JSON."""
    return json.loads(said(config, *arguments, "--json", code=code))


def reported(config: Path, folder: str, as_of_ms: int, period: str | None = None) -> dict[str, bytes]:
    """The bytes of a report in every format."""
    period = period or this_year()
    said(config, "report", period, "--as-of", iso(as_of_ms), "-o", f"{folder}/")
    return {each: (config.parent / folder / f"uptime-{period}.{each}").read_bytes() for each in FORMATS}


def component_in(report: bytes, key: str) -> dict[str, Any]:
    """A component's part of a report in JSON."""
    (found,) = [each for each in json.loads(report)["components"] if each["key"] == key]
    classes = found["milliseconds"]
    assert classes["period"] == sum(length for name, length in classes.items() if name != "period")
    return dict(found)


def ask(daemon: DaemonProcess, path: str, body: Mapping[str, Any] | None = None, token: str = "") -> Answer:
    """`POST` of what is given as JSON, else `GET`."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(daemon.url(path), data, headers), timeout=5) as response:
            return Answer(response.status, response.headers.get_content_type(), response.read().decode())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, refusal.headers.get_content_type(), refusal.read().decode())


def wall_time(at_ms: int) -> str:
    """As a person types it, in the agreement's zone and without saying so."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZONE):%Y-%m-%d %H:%M:%S}"
