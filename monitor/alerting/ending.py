"""Which alerts that hold no more may be ended at an Alertmanager, and in which order.

Alertmanager tells people once that an alert began and once that it is over, and its log of that outlives its alerts.
Two things make it miss the end: it was restarted and no longer knows the alert, or the alert was hidden when it ended.
Then its log goes on to say that the alert holds, and the next outage of the same labels pages nobody until
`repeat_interval` has passed. So an end is told also of what Alertmanager does not hold, and never while it is hidden.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.alerting.alerts import NAMES, Alert, LabelSet, hider_of
from monitor.alerting.api import Held

NOT_HELD = ""


@dataclass(slots=True)
class Over:
    """An alert that holds no more, since `over_at` on the monotonic clock, which is `over_ms` by ours.

    `seen` is when Alertmanager was told of it last, by its own word, when it was looked at; `NOT_HELD` if it knew
    nothing of it; None before the first look. `doubted`: whether it was ever told is not known. `at_once`: whether
    others still tell of it does not matter.
    """

    alert: Alert
    over_ms: int
    over_at: float
    look_at: float
    seen: str | None = None
    untold: bool = False
    doubted: bool = False
    at_once: bool = False


def to_end(over: Mapping[LabelSet, Over], held: Mapping[LabelSet, Held], now: float, settle: float) -> list[Over]:
    """Those that are due and that nobody told of since they were looked at before, `settle` ago. Moves the next look at
    all others.

    Alertmanager's own times are compared with each other, never with our clock. What it does not hold counts like what
    nobody tells of: had it been restarted, others would have told it again by now.
    """
    due = [each for each in over.values() if each.look_at <= now]
    for each in due:
        key = each.alert.key
        last = held[key].updated_at if key in held else NOT_HELD
        if each.seen != last and not each.at_once:
            each.seen, each.look_at = last, now + settle
    hidden = {hider_of(key): each for key, each in over.items() if not each.alert.silent}
    for each in due:
        each.look_at = max(each.look_at, _waits_until(each, over, hidden, held, now + settle))
    ready = [each for each in due if each.look_at <= now]
    return sorted(ready, key=lambda each: NAMES.index(each.alert.labels["alertname"]))


def _waits_until(
    each: Over,
    over: Mapping[LabelSet, Over],
    hidden: Mapping[LabelSet, Over],
    held: Mapping[LabelSet, Held],
    look_again_at: float,
) -> float:
    """What hides and what is hidden end together: without the one the other would page, though it is over."""
    key = each.alert.key
    partner = hidden.get(key) if each.alert.silent else over.get(hider_of(key))
    if partner is not None:
        return partner.look_at
    return look_again_at if not each.alert.silent and hider_of(key) in held else each.look_at
