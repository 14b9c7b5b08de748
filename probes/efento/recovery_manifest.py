"""The platform's list of its backups: fetched, understood, and the backup chosen that a restore would take."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from probes.bounded_http import Bounds, Request, exchange, require_status
from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.efento.recovery_options import ManifestFields, ManifestOptions

CLOCK_TOLERANCE = 300  # seconds by which the platform's clock may be ahead of ours
ID_CHARACTERS = 500
MOST_BYTES = 2**63
EARLIEST, LATEST = 31_536_000, 253_370_764_800  # the years 1971 to 9998


@dataclass(frozen=True, slots=True)
class Backup:
    """`taken_at` is in Unix seconds; texts are empty and `bytes` None where the list says nothing."""

    id: str
    taken_at: float
    location: str
    bytes: int | None
    sha256: str
    file: str


@dataclass(frozen=True, slots=True)
class Manifest:
    backups: tuple[Backup, ...]
    source_location: str


async def fetch_manifest(options: ManifestOptions, journey: Journey) -> Manifest:
    """Raises `ProbeFailed`, or `Blocked` for a file that this machine does not let us read."""
    document = await (_from_url(options, journey) if options.url else _from_file(options))
    try:
        return _understood(document, options.fields)
    except ProbeFailed:
        journey.evidence("manifest", json.dumps(document)[:4096])
        raise


async def _from_url(options: ManifestOptions, journey: Journey) -> Any:
    assert options.url
    headers = {"Accept": "application/json", **bearer(options.token.get_secret_value() if options.token else None)}
    request = Request("GET", options.url, headers, ca_file=str(options.ca_file) if options.ca_file else None)
    answer = await exchange(request, Bounds(options.timeout, options.limit))
    if answer.status >= 400:
        journey.evidence("manifest", answer.body[:2048])
    require_status(answer, 200)
    answer.require_type("application/json")
    return answer.json()


def bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


async def _from_file(options: ManifestOptions) -> Any:
    assert options.file
    try:
        content = await asyncio.to_thread(_read, Path(options.file), options.limit + 1)
    except FileNotFoundError:
        raise ProbeFailed(Reason.MISSING, f"{options.file}: no such file") from None
    except OSError as error:
        raise Blocked(f"{options.file}: {error.strerror or type(error).__name__}") from error
    if len(content) > options.limit:
        raise ProbeFailed(Reason.TOO_LARGE, f"{options.file}: larger than {options.limit} bytes")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ProbeFailed(Reason.PROTOCOL, f"{options.file}: not JSON") from error


def _read(file: Path, limit: int) -> bytes:
    with file.open("rb") as stream:
        return stream.read(limit)


def _understood(document: Any, fields: ManifestFields) -> Manifest:
    whole = document if isinstance(document, dict) else {}
    listed = whole.get(fields.backups) if fields.backups else document
    if not isinstance(listed, list):
        raise ProbeFailed(Reason.SCHEMA, f"the list of backups has no list {fields.backups!r}")
    source = whole.get(fields.source_location)
    return Manifest(
        tuple(_backup(entry, place, fields) for place, entry in enumerate(listed)),
        source if isinstance(source, str) else "",
    )


def _backup(entry: Any, place: int, fields: ManifestFields) -> Backup:
    if not isinstance(entry, dict):
        raise ProbeFailed(Reason.SCHEMA, f"backups.{place}: not an object")
    taken_at = moment(entry.get(fields.taken_at))
    if taken_at is None:
        raise ProbeFailed(Reason.SCHEMA, f"backups.{place}.{fields.taken_at}: not a time with its zone")
    size = entry.get(fields.bytes)
    return Backup(
        id=_id(entry, place, fields),
        taken_at=taken_at,
        location=_text(entry, fields.location),
        bytes=size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= MOST_BYTES else None,
        sha256=_text(entry, fields.sha256).lower(),
        file=_text(entry, fields.file),
    )


def _id(entry: Mapping[str, Any], place: int, fields: ManifestFields) -> str:
    found = entry.get(fields.id)
    text = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    # One that begins with a hyphen would be an option to a command.
    if not text or len(text) > ID_CHARACTERS or not text.isprintable() or text.startswith("-"):
        raise ProbeFailed(Reason.SCHEMA, f"backups.{place}.{fields.id}: not a usable name")
    return text


def _text(entry: Mapping[str, Any], name: str) -> str:
    found = entry.get(name)
    return found.strip() if isinstance(found, str) and found.isprintable() else ""


def moment(value: object) -> float | None:
    """Unix seconds of a time in RFC 3339 or of a number of Unix seconds; None for anything else."""
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
            return None if parsed.tzinfo is None else parsed.astimezone(UTC).timestamp()
        except (ValueError, OverflowError):
            return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if EARLIEST <= value <= LATEST else None
    return None


def newest_elsewhere(manifest: Manifest, now: float, max_age: float, homes: Sequence[str]) -> Backup:
    """The newest backup that lies at none of `homes`. Raises `ProbeFailed` where it is too old, or there is none."""
    past = [backup for backup in manifest.backups if backup.taken_at <= now + CLOCK_TOLERANCE]
    if not past:
        what = "all backups are of the future" if manifest.backups else "there is no backup"
        raise ProbeFailed(Reason.CONTENT if manifest.backups else Reason.MISSING, what)
    newest = max(past, key=lambda backup: backup.taken_at)
    _require_young(newest, now, max_age, Reason.STALE, "the newest backup")
    places = {home.strip().casefold() for home in homes if home.strip()}
    if not places:
        return newest
    away = [backup for backup in past if backup.location and backup.location.casefold() not in places]
    if not away:
        where = newest.location[:100] or "a place that is not named"
        raise ProbeFailed(Reason.MISPLACED, f"no backup is at another location; the newest, {newest.id}, is at {where}")
    chosen = max(away, key=lambda backup: backup.taken_at)
    _require_young(chosen, now, max_age, Reason.MISPLACED, "the newest backup at another location")
    return chosen


def _require_young(backup: Backup, now: float, max_age: float, reason: Reason, what: str) -> None:
    age = now - backup.taken_at
    if age > max_age:
        raise ProbeFailed(reason, f"{what}, {backup.id}, is {age / 3600:.1f} h old; allowed: {max_age / 3600:.1f} h")
