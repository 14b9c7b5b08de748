"""Which of a check's figures the status page shows, and in which words. All of them are in JSON and `/metrics`."""

from collections.abc import Mapping

# Figure → what stands before it. The unit is the end of the figure's name.
SHOWN = {
    "alarm_delivery_seconds": "alarm delivered in",
    "all_clear_delivery_seconds": "all-clear delivered in",
    "late_seconds": "a message of an earlier round came after",
    "sms_credit": "SMS left",
    "read_back_seconds": "visible after",
    "ready_seconds": "report ready after",
    "backup_age_seconds": "newest backup is",
    "restore_seconds": "restored in",
    "last_drill_age_seconds": "last drill was",
    "samples_verified": "samples verified",
    "leftovers_removed": "leftovers removed",
    "certificate_expires_in_seconds": "certificate expires in",
}
AGES = frozenset({"backup_age_seconds", "last_drill_age_seconds"})


def headline(figures: Mapping[str, float]) -> list[str]:
    """The figures worth a place beside the verdict, e.g. `alarm delivered in 1.4 s`, in a fixed order."""
    return [f"{words} {_shown(name, figures[name])}" for name, words in SHOWN.items() if name in figures]


def _shown(name: str, value: float) -> str:
    if not name.endswith("_seconds"):
        return f"{value:,.0f}"
    text = _duration(value)
    return f"{text} old" if name == "backup_age_seconds" else f"{text} ago" if name in AGES else text


def _duration(seconds: float) -> str:
    """Two or three figures of it: nobody needs more at a glance."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, hours, days = seconds / 60, seconds / 3600, seconds / 86_400
    return f"{minutes:.0f} min" if minutes < 120 else f"{hours:.0f} h" if hours < 72 else f"{days:.0f} days"
