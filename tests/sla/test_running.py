"""The running account gives what the account of the whole record gives, whenever it is looked at."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.sla.accounts import account, budget_of, day_states, year_budget
from monitor.sla.membership import memberships
from monitor.sla.model import DownWhen, Ledger, ProbeTerms
from monitor.sla.periods import Period, year
from monitor.sla.record import Record
from monitor.sla.running import RunningAccount, needed_members
from monitor.sla.runs import runs_of
from monitor.sla.settled import component_settled_until
from monitor.sla.windows import WindowKind

from . import test_differential
from .records import agreement, record, window
from .test_accounts import UTC
from .timelines import HOUR, MINUTE, SECOND, T0, observations


def as_of(course: test_differential.Course, second: int) -> Record:
    """What was on record then: checks that had begun, terms and agreements that held."""
    seen = [replace(place, checks=[check for check in place.checks if check.at < second]) for place in course.places]
    whole = course.record()
    cut = test_differential.Course.__new__(test_differential.Course)
    cut.__dict__.update(course.__dict__)
    cut.places = seen
    now_ms = T0 + second * SECOND
    known = cut.record()
    terms = [each for each in known.ledger.terms if each.from_ms <= now_ms]
    agreements = [each for each in whole.agreements if each.from_ms <= now_ms]
    return replace(known, as_of_ms=now_ms, ledger=replace(known.ledger, terms=terms), agreements=agreements)


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 10**9), st.lists(st.integers(1, 3600), min_size=1, max_size=6), st.integers(0, 3600))
def test_looked_at_again_and_again(seed: int, looks: list[int], since: int) -> None:
    """However much of it was settled meanwhile; agreements and terms that begin are a reason to begin anew."""
    course = test_differential.Course(seed, 3600)
    changes: tuple[int, int] | None = None
    for second in sorted(looks):
        known = as_of(course, second)
        if changes != (len(known.agreements), len(known.ledger.terms)):
            changes = len(known.agreements), len(known.ledger.terms)
            membership = memberships(known.ledger.terms, course.key)
            running = RunningAccount(course.key, membership, T0, heartbeat_ms=5000)
        settled_ms = component_settled_until(known.ledger, course.key, known.as_of_ms, 0)
        while running.settle(known, known.as_of_ms if settled_ms is None else settled_ms):
            pass
        recent = running.recent(known, running.settled_ms if settled_ms is None else settled_ms)
        for first in {0, min(since, second)}:
            asked = Period(T0 + first * SECOND, known.as_of_ms, "part", "UTC")
            assert running.account(known, recent, asked) == account(known, course.key, asked)
        whole = Period(T0, known.as_of_ms, "part", "UTC")
        if second < 3600:
            days = running.days(recent, known.as_of_ms, UTC, 1)
            assert [each.classes for each in days] == [each.classes for each in day_states(known, course.key, whole)]
        so_far = running.account(known, recent, Period(T0, known.as_of_ms, "2026", "UTC"))
        assert budget_of(known, so_far, year(2026, UTC)) == year_budget(known, course.key, year(2026, UTC))


def many(timelines: dict[str, str]) -> Ledger:
    """A probe for each timeline, of `api`, a letter a minute."""
    runs = {(probe, "frankfurt"): runs_of(observations(text)) for probe, text in timelines.items()}
    return Ledger(runs, [ProbeTerms(probe, "frankfurt", T0, "api", MINUTE, 2 * MINUTE, 2) for probe in timelines])


@pytest.mark.parametrize("rule", list(DownWhen))
def test_probes_that_are_up_are_not_looked_at_one_by_one(rule: DownWhen) -> None:
    """And yet certainty ends with the earliest of their last successes."""
    texts = {f"p{number:02}": "u" * 60 for number in range(40)} | {"early": "u" * 59 + "."}
    texts |= {"history": "u" * 58 + "..", "down": "u" * 30 + "DD" + "u" * 28}
    facts = many(texts)
    rules = agreement(down_when=rule, history_probes=("history", "p03"))
    known = record(facts, T0 + HOUR, [window(WindowKind.RESTORE, 20, None)], [rules])
    membership = memberships(facts.terms, "api")
    within = (T0 + 59 * MINUTE, T0 + HOUR)
    needed = {probe for probe, _ in needed_members(known, "api", membership, within)}
    # One that has fallen silent, one for all that are up, one for those of them that a restore may fail.
    assert needed == ({"history", "early", "p03"} if rule is DownWhen.ANY else set(texts))
    running = RunningAccount("api", membership, T0, heartbeat_ms=5000)
    while running.settle(known, T0 + 57 * MINUTE):
        pass
    asked = Period(T0, T0 + HOUR, "part", "UTC")
    assert running.account(known, running.recent(known, T0 + 58 * MINUTE), asked) == account(known, "api", asked)


def test_time_before_the_promise_is_no_part_of_it() -> None:
    facts = many({"web": "u" * 60})
    rules = agreement(since={"api": T0 + 20 * MINUTE})
    known = record(facts, T0 + HOUR, [], [rules])
    running = RunningAccount("api", memberships(facts.terms, "api"), T0, heartbeat_ms=5000)
    while running.settle(known, T0 + 30 * MINUTE):
        pass
    asked = Period(T0, T0 + HOUR, "part", "UTC")
    found = running.account(known, running.recent(known, T0 + 30 * MINUTE), asked)
    assert found == account(known, "api", asked)
    assert found.classes.period_ms == 40 * MINUTE


def test_the_past_is_settled_in_pieces() -> None:
    facts = many({"web": "uD" * 2000})
    known = record(facts, T0 + 4000 * MINUTE)
    running = RunningAccount("api", memberships(facts.terms, "api"), T0, heartbeat_ms=5000)
    pieces = 0
    while running.settle(known, T0 + 3990 * MINUTE):
        pieces += 1
    assert pieces > 30
    asked = Period(T0 + MINUTE, T0 + 4000 * MINUTE, "part", "UTC")
    found = running.account(known, running.recent(known, T0 + 3990 * MINUTE), asked)
    assert found == account(known, "api", asked)
    assert found.blips == 1999  # the last failure may still be confirmed
