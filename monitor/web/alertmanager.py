"""Acknowledgements that come through Alertmanager's webhook (`POST /api/v1/alertmanager`, version 4 of its JSON).

Alertmanager itself knows no acknowledgement, and no webhook tells of a silence. So an alert is one only where somebody
said so: a firing alert that names an `outage` and has `acknowledged_by`, as labels or annotations, e.g. sent by the
on-call tool or by `amtool alert add alertname=Acknowledged outage=… acknowledged_by=anna`; or any firing alert that
names an `outage` and comes through a receiver called `acknowledged`. An outage is named by its id, or by the address of
its page, as in the alerts that the daemon pushes. All else is passed over, so that the webhook can stand behind any
route. An outage is acknowledged once this way; what Alertmanager repeats changes nothing. It counts from its arrival:
an alert may have begun long before somebody wrote into it that he works on it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from monitor import logs
from monitor.declaring import Declaring
from monitor.given import DeclarationError, Mistake

VERSION = "4"
RECEIVER = "acknowledged"
BY = "acknowledged_by"
OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    outage: str
    by: str


async def acknowledge(declaring: Declaring, payload: Mapping[str, Any], token: str) -> dict[str, Any]:
    """Puts on record what the alerts acknowledge; says how many did, were known already, were none, or were refused.

    One that cannot be (an unknown outage) is refused by itself, not with the others. Raises `DeclarationError` where
    the payload is not Alertmanager's, and `StoreError`, after which it sends everything again.
    """
    alerts = _alerts(payload)
    meant = [found for alert in alerts if (found := _acknowledgement(alert, payload, token)) is not None]
    counts = {"acknowledged": 0, "repeated": 0, "passed_over": len(alerts) - len(meant)}
    refused = []
    for each in meant:
        if await declaring.is_acknowledged(each.outage):
            counts["repeated"] += 1
            continue
        values = {"kind": "acknowledged", "by": each.by}
        try:
            await declaring.note(each.outage, values, via="alertmanager")
        except DeclarationError as error:
            logs.get().warning("acknowledgement.refused", why=str(error))
            refused += [{"path": mistake.key, "expected": mistake.text} for mistake in error.mistakes]
        else:
            counts["acknowledged"] += 1
            logs.get().info("outage.noted", token=token, outage=each.outage, kind="acknowledged")
    return {**counts, "refused": refused}


def _alerts(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    alerts = payload.get("alerts")
    if payload.get("version") != VERSION:
        raise DeclarationError([Mistake("version", f'expected "{VERSION}", of Alertmanager\'s webhook')])
    if not isinstance(alerts, list) or not all(isinstance(alert, dict) for alert in alerts):
        raise DeclarationError([Mistake("alerts", "expected a list of alerts")])
    return alerts


def _acknowledgement(alert: Mapping[str, Any], payload: Mapping[str, Any], token: str) -> Acknowledgement | None:
    texts = dict(_texts(alert))
    by = texts.get(BY) or (token if payload.get("receiver") == RECEIVER else "")
    outage = _outage_id(texts.get(OUTAGE, ""))
    return Acknowledgement(outage, by) if alert.get("status") == "firing" and by and outage else None


def _outage_id(text: str) -> str:
    """The id itself, or the last part of an address's path."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    return parts.path.rstrip("/").rpartition("/")[2] if parts.scheme in ("http", "https") else text


def _texts(alert: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Labels, and annotations that have no label of their name."""
    for part in ("annotations", "labels"):
        found = alert.get(part)
        if isinstance(found, dict):
            yield from ((str(name), value.strip()) for name, value in found.items() if isinstance(value, str))
