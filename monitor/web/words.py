"""How pages say things to people: times, lengths, percentages, verdicts, causes."""

from fractions import Fraction

from monitor.sla.accounts import Account, Classes, Judgement
from monitor.sla.availability import Budget, percent
from monitor.sla.model import Cause
from monitor.words import NOTHING, promised


def length(milliseconds: int) -> str:
    """A length of time for people: its two largest units, rounded down."""
    seconds = milliseconds // 1000
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((index for index, (amount, _unit) in enumerate(parts) if amount), len(parts) - 1)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount) or "0 s"


def percentage(value: Fraction | None) -> str:
    return NOTHING if value is None else percent(value)


def took(microseconds: int) -> str:
    seconds = microseconds / 1_000_000
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def verdict_text(account: Account) -> str:
    """What can be said of the promise so far; empty where nothing is promised."""
    least, most = percentage(account.pessimistic), percentage(account.optimistic)
    if account.floor is None or account.verdict is None:
        return ""
    floor = promised(account.floor)
    if account.verdict is Judgement.MET:
        return f"Kept so far: certainly {least} this year, {floor} promised."
    if account.verdict is Judgement.MISSED:
        return f"Not kept so far: {most} at most this year, {floor} promised."
    if account.observed is None:
        return f"Undecided so far: nothing was observed this year; {floor} promised."
    return (
        f"Undecided so far: between {least} and {most} this year, {floor} promised; {length(account.deciding_ms or 0)}"
        " more of certain uptime would decide it."
    )


def budget_text(budget: Budget) -> str:
    spent, allowed = length(budget.spent_ms), length(budget.allowed_ms)
    left = f"{length(budget.remaining_ms)} left" if budget.remaining_ms >= 0 else f"{length(-budget.remaining_ms)} over"
    return f"Downtime this year: {spent} of {allowed} allowed, {left}."


def look_of(classes: Classes) -> tuple[str, str, str]:
    """A day by its worst class: its style, its mark, and its name."""
    if classes.down_ms:
        return "down", "✖", "down"
    if classes.unknown.get(Cause.NOT_IN_SERVICE, 0) == classes.period_ms:  # also of no length: not promised yet
        return "absent", "", "not monitored"
    if classes.unknown_ms:
        return "unknown", "?", "unknown time"
    if classes.period_ms > classes.reckoned_ms:
        return "window", "–", "taken out by a window"
    return "up", "✓", "up"
