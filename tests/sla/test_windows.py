"""Which declared windows are in force, and since when each is known."""

from dataclasses import replace

from monitor.sla.windows import Window, WindowEntry, WindowKind, in_force

WINDOW = Window(WindowKind.MAINTENANCE, 1_000, 5_000, "new disks", "anna", 100)


def entry(number: int, recorded_ms: int, window: Window | None, replaces: int | None = None) -> WindowEntry:
    found = None if window is None else replace(window, number=number, recorded_ms=recorded_ms)
    return WindowEntry(number, recorded_ms, "anna", found, replaces)


def test_a_window_that_was_ended_early_was_not_entered_after_the_fact() -> None:
    (found,) = in_force([entry(1, 100, WINDOW), entry(2, 3_000, replace(WINDOW, end_ms=3_000), 1)], 10_000)
    assert (found.number, found.end_ms, found.recorded_ms, found.retroactive) == (2, 3_000, 100, False)


def test_a_window_that_was_made_longer_or_moved_counts_as_entered_then() -> None:
    for changed in (replace(WINDOW, end_ms=6_000), replace(WINDOW, start_ms=900), replace(WINDOW, components=("api",))):
        (found,) = in_force([entry(1, 100, WINDOW), entry(2, 3_000, changed, 1)], 10_000)
        assert (found.recorded_ms, found.retroactive) == (3_000, True)


def test_rows_of_later_are_not_known_yet() -> None:
    rows = [entry(1, 100, WINDOW), entry(2, 3_000, None, 1)]
    assert [found.number for found in in_force(rows, 2_999)] == [1]
    assert in_force(rows, 3_000) == []
