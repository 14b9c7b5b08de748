"""Statistics of outages: every outage of the period counts, with its whole length, and what is not known is None."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.agreement import Agreement
from monitor.sla.components import component_spans
from monitor.sla.model import ComponentTerms, DownWhen, Ledger, Verdict
from monitor.sla.outages import Outage, outages, outages_between
from monitor.sla.record import Record
from monitor.sla.runs import runs_of
from monitor.sla.statistics import OutageStatistics, confirmed_ms, outage_statistics, statistics_of

from .timelines import DAY, HERE, HOUR, MINUTE, T0, ledger, minutes, observations, terms

YEAR = (T0, T0 + 365 * DAY)


def lasting(*minutes_long: int) -> list[Outage]:
    """Outages that began an hour after each other."""
    starts = [T0 + number * HOUR for number in range(len(minutes_long))]
    return [Outage("api", at, at + long * MINUTE, 0, 0) for at, long in zip(starts, minutes_long, strict=True)]


def test_no_outage_has_no_statistics() -> None:
    assert outage_statistics([], YEAR, T0, up_ms=DAY) == OutageStatistics(0, 0)
    assert OutageStatistics(0, 0).mean_time_between_failures_ms is None


def test_lengths() -> None:
    found = outage_statistics(lasting(5, 1, 30, 2), YEAR, T0 + DAY, up_ms=40 * HOUR, detected_ms=[5000, 6001])
    assert (found.count, found.open, found.longest_ms) == (4, 0, 30 * MINUTE)
    assert (found.median_ms, found.percentile_90_ms) == (3.5 * MINUTE, 30 * MINUTE)
    assert (found.mean_time_to_restore_ms, found.mean_time_to_detect_ms) == (9.5 * MINUTE, 5501)
    assert found.mean_time_between_failures_ms == 10 * HOUR


@pytest.mark.parametrize(("count", "rank"), [(1, 1), (2, 2), (9, 9), (10, 9), (11, 10), (20, 18), (100, 90)])
def test_the_90th_percentile_is_an_outage_that_there_was(count: int, rank: int) -> None:
    found = outage_statistics(lasting(*range(1, count + 1)), YEAR, YEAR[1], up_ms=0)
    assert found.percentile_90_ms == rank * MINUTE


def test_an_open_outage_counts_with_its_length_so_far() -> None:
    running = Outage("api", T0 + 5 * HOUR, None, 0, 0)
    found = outage_statistics([*lasting(10), running], YEAR, T0 + 9 * HOUR, up_ms=HOUR)
    assert (found.count, found.open, found.longest_ms) == (2, 1, 4 * HOUR)
    assert found.mean_time_to_restore_ms == (4 * HOUR + 10 * MINUTE) // 2


def test_outages_that_touch_the_period_count_whole_others_not() -> None:
    before = Outage("api", T0 - DAY, T0 + HOUR, 0, 0)
    beyond = Outage("api", YEAR[1] - HOUR, YEAR[1] + DAY, 0, 0)
    others = [Outage("api", T0 - DAY, T0, 0, 0), Outage("api", YEAR[1], None, 0, 0)]
    found = outage_statistics([before, *others, beyond], YEAR, YEAR[1] + 2 * DAY, up_ms=2 * HOUR)
    assert (found.count, found.open, found.longest_ms, found.median_ms) == (2, 0, 25 * HOUR, 25 * HOUR)


def test_all_outages_count_however_many() -> None:
    many = [Outage("api", T0 + each * 2 * MINUTE, T0 + (each * 2 + 1) * MINUTE, 0, 0) for each in range(5000)]
    assert outage_statistics(many, YEAR, YEAR[1], up_ms=5000 * MINUTE).count == 5000


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=30), st.integers(0, 10**10))
def test_what_must_hold_of_any_outages(lengths: list[int], up_ms: int) -> None:
    found = outage_statistics(lasting(*lengths), YEAR, YEAR[1], up_ms=up_ms)
    assert found.longest_ms is not None and found.median_ms is not None and found.percentile_90_ms is not None
    assert found.median_ms <= found.percentile_90_ms <= found.longest_ms == max(lengths) * MINUTE
    below = sum(1 for length in lengths if length * MINUTE <= found.percentile_90_ms)
    assert 10 * below >= 9 * len(lengths)
    assert found.mean_time_between_failures_ms == up_ms // len(lengths)


def confirmed(known: Ledger, length: int, down_when: DownWhen = DownWhen.ANY, needed: int | None = None) -> list[int]:
    """After how many minutes each outage was known to be one."""
    now_ms = T0 + length * MINUTE
    found = outages_between(known, "api", minutes(length), now_ms, down_when, locations_needed=needed)
    times = [confirmed_ms(known, each, down_when, locations_needed=needed) for each in found]
    return [(at_ms - T0) // MINUTE for at_ms in times if at_ms is not None]


@pytest.mark.parametrize(
    ("timeline", "confirm_after", "expected"),
    [
        ("uuDDDDu", 2, [3]),
        ("uuDDDDu", 1, [2]),
        ("uuDDDDu", 4, [5]),
        ("uDuDDuuDDDu", 2, [4, 8]),
        ("uuD?DDu", 2, [4]),  # what is unknown confirms nothing
        ("uuDDDDD", 2, [3]),  # still open
        ("uuDDDDDDDDDDDDDDDDDDDDD", 3, [4]),  # the third of a long run
        ("DDDu", 2, [1]),
        ("uD...DDu", 2, [6]),  # a silence ends the counting
    ],
)
def test_when_an_outage_was_confirmed(timeline: str, confirm_after: int, expected: list[int]) -> None:
    assert confirmed(ledger({"a": timeline}, confirm_after=confirm_after), len(timeline)) == expected


def test_the_probe_that_was_confirmed_first_counts() -> None:
    assert confirmed(ledger({"a": "uuDDDDu", "b": "uuuuDDu"}), 7) == [3]


def test_where_all_probes_must_be_down_the_last_one_confirms() -> None:
    assert confirmed(ledger({"a": "uDDDDDDu", "b": "uuuDDDDu"}), 8, DownWhen.ALL) == [4]


def test_where_two_locations_are_needed_the_second_one_confirms() -> None:
    known = ledger({"a@x": "uDDDDDDu", "a@y": "uuuDDDDu", "a@z": "uuuuuuuu"})
    assert confirmed(known, 8) == [4]
    assert confirmed(known, 8, needed=1) == [2]


def test_an_outage_that_begins_because_who_said_up_fell_silent_is_known_at_once() -> None:
    known = ledger({"a@x": "uDDDDDDDu", "a@y": "uuu......"})  # y speaks until 4:00
    assert confirmed(known, 9) == [4]


def test_what_the_ledger_does_not_hold_was_never_confirmed() -> None:
    assert confirmed_ms(ledger({"a": "uuuu"}), Outage("api", T0 + MINUTE, None, 0, 0, ("a",))) is None
    assert confirmed_ms(Ledger({}), Outage("api", T0 + MINUTE, None, 0, 0, ("a",))) is None


def test_statistics_of_a_record() -> None:
    known = ledger({"a": "uDDDDDuuDDu"})
    agreement = Agreement(T0, "UTC", (ComponentTerms("api", "API", None, None, "blocker"),))
    record = Record(T0 + 11 * MINUTE, known, [agreement])
    found = outages_between(known, "api", minutes(11), record.as_of_ms)
    told = statistics_of(record, found, minutes(11), up_ms=4 * MINUTE)
    assert (told.count, told.mean_time_to_detect_ms, told.longest_ms) == (2, MINUTE, 5 * MINUTE)
    strict = replace(record, agreements=[replace(agreement, quorums={"api": 1})])
    assert statistics_of(strict, found, minutes(11), up_ms=0).mean_time_to_detect_ms == MINUTE
    assert statistics_of(replace(record, agreements=[]), found, minutes(11), up_ms=0).mean_time_to_detect_ms == MINUTE


def test_within_a_run_checks_are_taken_to_be_evenly_spread() -> None:
    known = ledger({"a": "uD.DDu"}, confirm_after=2)  # seen at 1:00, 3:00 and 4:00: the second of three
    (outage,) = outages_between(known, "api", minutes(6), T0 + 6 * MINUTE)
    assert confirmed_ms(known, outage) == T0 + 2.5 * MINUTE


@given(st.text("uDDD?", min_size=1, max_size=25), st.integers(1, 3))
def test_it_is_what_a_daemon_would_have_said_at_that_check(timeline: str, confirm_after: int) -> None:
    """The states that all results up to each check give: the first that says down at the outage's start."""
    seen = observations(timeline, confirm_after=confirm_after)
    whole = Ledger({("probe", HERE): runs_of(seen)}, [terms()])
    length = len(timeline)
    for outage in outages(component_spans(whole, "api", minutes(length)), "api", whole):
        known_at = [
            each.started_ms
            for number, each in enumerate(seen, start=1)
            if each.verdict is Verdict.DOWN
            and each.started_ms >= outage.start_ms
            and _says_down(Ledger({("probe", HERE): runs_of(seen[:number])}, [terms()]), outage.start_ms)
        ]
        assert confirmed_ms(whole, outage) == known_at[0]


def _says_down(known: Ledger, at_ms: int) -> bool:
    (span,) = component_spans(known, "api", (at_ms, at_ms + 1))
    return span.state.value == "down"
