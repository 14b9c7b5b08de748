"""How each of a probe's sensors stands: a failure of one and of all of them are different faults of the platform.

The sensors are checked in turn, so a check knows of the others only what was remembered of them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from probes.contract import UNKNOWN_REASONS, Blocked, Journey, ProbeFailed, Reason
from probes.efento.verification import utc_text

UNFINISHED = "unfinished"  # cut off by the deadline, a stop of the daemon, or a mistake of ours


@contextmanager
def remembered_standing(journey: Journey, serial: str, sensors: Sequence[str], now: int) -> Iterator[None]:
    """Stands around the check of a sensor: remembers how it ended, whatever the end, and leaves it as evidence.

    Evidence is `sensor`, the serial number, and where the check does not succeed `sensors`, a line for each of the
    probe's sensors: its serial number, how its last check ended, and when that began. `now` is when this one began.
    """
    journey.evidence("sensor", serial)
    standing = UNFINISHED
    try:
        yield
        standing = "up"
    except (ProbeFailed, Blocked) as failure:
        standing = _word(failure, journey)
        raise
    finally:
        known = {each: journey.recall(_key(each)) for each in sensors}
        known[serial] = f"{standing} {utc_text(now)}"
        if not journey.one_shot:
            journey.remember(_key(serial), str(known[serial]))
        if standing != "up":
            journey.evidence(
                "sensors", "\n".join(f"{each} {text or 'not checked yet'}" for each, text in known.items())
            )


def _word(failure: ProbeFailed | Blocked, journey: Journey) -> str:
    """The verdict as the runner will find it, but for what only the runner can know."""
    step = journey.failed_step
    if failure.reason in UNKNOWN_REASONS:
        return f"unknown {failure.reason}"
    if step is not None and step.component != journey.component:
        return f"unknown {Reason.BLOCKED}"
    return f"down {failure.reason}"


def _key(serial: str) -> str:
    return f"standing:{serial}"
