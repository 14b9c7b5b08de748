"""Judges what the web application shows of sensors, and who is to blame where it shows too little or too old.

A web application can only show what the platform holds. So before it is blamed, the API must have the newer sample,
and the application must still not show it when it is asked once more after that.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import Field

from probes.contract import Blocked, Journey, ProbeFailed, ProbeOptions, Reason
from probes.efento.cloud_api import ApiOptions, CloudApi, UnknownSensor
from probes.efento.verification import utc_text
from probes.option_types import Serial, ZoneKey

CLOCKS_APART = 300  # seconds by which the platform's clock may be ahead of ours
NUMBER_CHARACTERS = 30
MILLISECONDS_FROM = 10**11  # a number above is no time in seconds, but in milliseconds


class ShownOptions(ProbeOptions):
    """What must be shown to the person who has logged in."""

    sensors: tuple[Serial, ...] = Field(
        (), description="Sensors that must be shown with a current value; none: it is enough that a row is there"
    )
    max_age: float | None = Field(
        900.0,
        description="Seconds that the newest value shown may be old; none: the age is not looked at",
        gt=0,
        le=30 * 86400,
    )
    time_zone: ZoneKey = Field("UTC", description="Zone of shown times that do not name their own (assumption)")
    api: ApiOptions | None = Field(
        None,
        description="The API, asked who is to blame for old or absent values; none: these make a check unknown, not "
        "down, because they may not have arrived",
    )


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One sensor's row. `time` is the text or number that is shown for the time of its value."""

    serial: str
    value: object
    time: object = None


Look = Callable[[], Awaitable[Sequence[ShownRow]]]


@dataclass(frozen=True, slots=True)
class _Problem:
    reason: Reason
    detail: str
    serial: str = ""  # none: nothing is shown at all
    may_lack_data: bool = False  # it would look so, too, if nothing had arrived
    shown_time: float = 0.0  # of the value that is too old

    def failure(self) -> ProbeFailed:
        return ProbeFailed(self.reason, self.detail)


async def require_shown(options: ShownOptions, journey: Journey, look: Look) -> None:
    """Looks, and looks again before it blames. `look` returns the rows and is a step of its own.

    Raises `ProbeFailed` (content, schema, stale), or `Blocked` where the platform does not hold what should be shown.
    """
    problem = _problem(options, journey, await look())
    if problem is None:
        return
    if problem.serial:
        async with journey.step("data"):
            await _require_held(options, journey, problem)
            journey.evidence("first look", problem.detail)
    problem = _problem(options, journey, await look())
    if problem is not None:
        async with journey.step("data"):
            raise problem.failure()


def _problem(options: ShownOptions, journey: Journey, rows: Sequence[ShownRow]) -> _Problem | None:
    if not rows:
        # No sensor is named by it: with sensors expected, the first is, so that the platform's history is looked at.
        serial = options.sensors[0] if options.sensors else ""
        return _Problem(Reason.CONTENT, "no measurement point is shown", serial)
    now = journey.now().timestamp()
    by_serial = {row.serial.upper(): row for row in rows}
    for serial in options.sensors:
        row = by_serial.get(serial)
        if row is None:
            return _Problem(Reason.CONTENT, f"sensor {serial} is not shown", serial)
        problem = _problem_of_row(options, journey, serial, row, now)
        if problem is not None:
            return problem
    return None


def _problem_of_row(options: ShownOptions, journey: Journey, serial: str, row: ShownRow, now: float) -> _Problem | None:
    if row.value in (None, ""):
        return _Problem(Reason.CONTENT, f"sensor {serial} is shown without a value", serial, may_lack_data=True)
    if options.max_age is None:
        return None
    time = moment(row.time, ZoneInfo(options.time_zone))
    if time is None:
        return _Problem(Reason.SCHEMA, f"sensor {serial}: no time is shown beside the value")
    if time > now + CLOCKS_APART:
        raise Blocked(
            f"sensor {serial}: the time shown lies {time - now:.0f} s ahead; is the option time_zone right?",
            Reason.WRONG_ZONE,
        )
    journey.figure("shown_age_seconds", max(now - time, journey.figures.get("shown_age_seconds", 0.0)))
    if now - time <= options.max_age:
        return None
    detail = f"sensor {serial}: the value shown is of {utc_text(int(time))}, {now - time:.0f} s old"
    return _Problem(Reason.STALE, f"{detail}, limit {options.max_age:g} s", serial, may_lack_data=True, shown_time=time)


async def _require_held(options: ShownOptions, journey: Journey, problem: _Problem) -> None:
    """Returns when the platform holds a recent sample, newer than what is shown; raises `Blocked` when it does not."""
    if options.api is None:
        if problem.may_lack_data:
            raise Blocked(f"{problem.detail}; without the option api nobody can tell whether anything newer arrived")
        return
    now = int(journey.now().timestamp())
    first = now - int(options.max_age or 3600)
    api = CloudApi(options.api, journey)
    async with journey.step("api", options.api.component):
        try:
            returned = await api.history(problem.serial, first, now + CLOCKS_APART, ())
        except UnknownSensor as unknown:
            raise Blocked(f"{problem.detail}; the API does not know it either: {unknown.detail}") from unknown
    zone = ZoneInfo(options.api.answer_zone)
    # In the hour that the clocks repeat, the earlier meaning: it accuses less.
    times = [int(sample.wall.replace(tzinfo=zone, fold=0).timestamp()) for sample in returned]
    if times and max(times) > now + 2 * CLOCKS_APART:
        raise Blocked("samples of the history lie ahead; correct the option api.answer_zone", Reason.WRONG_ZONE)
    newer_than = max(first - 1, int(problem.shown_time))
    if not any(time > newer_than for time in times):
        raise Blocked(f"{problem.detail}; the platform's history has nothing after {utc_text(newer_than)} either")
    journey.evidence("history", f"newest sample of {problem.serial}: {utc_text(max(times))}")


def moment(shown: object, zone: ZoneInfo) -> float | None:
    """The Unix time of a shown text (ISO 8601) or number (seconds or milliseconds); None for what is no time.

    A text without a zone is wall time of `zone`; where that comes twice, the later meaning, which accuses less.
    """
    if isinstance(shown, str) and shown.strip().isdecimal() and len(shown) < NUMBER_CHARACTERS:
        shown = int(shown)
    if isinstance(shown, int | float) and not isinstance(shown, bool):
        if not 0 < shown < 1000 * MILLISECONDS_FROM:
            return None
        return shown / 1000 if shown > MILLISECONDS_FROM else float(shown)
    if not isinstance(shown, str):
        return None
    try:
        time = datetime.fromisoformat(shown.strip())
    except ValueError:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=zone, fold=1)
    seconds = (time - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)
    return seconds if 0 < seconds < MILLISECONDS_FROM else None
