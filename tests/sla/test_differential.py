"""The engine against a naive simulator that looks at every second: the same figures, to the millisecond."""

import math
import random
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.sla.accounts import account, day_states
from monitor.sla.agreement import Agreement
from monitor.sla.model import DownWhen, Ledger, Observation, ProbeTerms, Verdict
from monitor.sla.periods import Period
from monitor.sla.record import Record
from monitor.sla.runs import runs_of
from monitor.sla.windows import WindowKind

from .naive_accounts import Check, Place, Rules, Stretch, figures
from .records import agreement, record, window
from .timelines import MINUTE, SECOND, T0

VERDICTS = {"u": Verdict.UP, "D": Verdict.DOWN, "?": Verdict.UNKNOWN}
LETTERS = {"u": "up", "D": "down", "?": "unknown", "m": "maintenance", "r": "restore", "x": "excluded"}


class Course:
    """A random course of events of a component over so many seconds, for both to look at.

    So many of its checks, of a hundred, change something.
    """

    def __init__(self, seed: int, seconds: int, changing: int = 35) -> None:
        self.changing = changing
        self.random = random.Random(seed)
        self.seconds = seconds
        self.key = self.random.choice(["api", "recovery"])
        probes = [f"probe{n}" for n in range(self.random.randint(1, 3))]
        cities = [f"city{n}" for n in range(self.random.randint(1, 3))]
        self.places = [self.place(probe, city) for probe in probes for city in cities if self.random.random() < 0.9]
        self.rules = [self.held_from(start, probes) for start in [0, *self.times(self.random.choice([0, 0, 1, 2]))]]
        self.windows = [self.window() for _ in range(self.random.choice([0, 1, 2, 4, 7]))]

    def times(self, count: int) -> list[int]:
        return sorted(self.random.sample(range(1, self.seconds), count))

    def place(self, probe: str, city: str) -> Place:
        joined, left = sorted((self.random.randrange(self.seconds), self.random.randrange(self.seconds + 1)))
        if self.random.random() < 0.7:
            joined, left = 0, self.seconds
        stale, confirm_after = self.random.choice([25, 75, 150]), self.random.randint(1, 3)
        checks: list[Check] = []
        at, verdict = self.random.randint(0, 60), "u"
        while at < self.seconds:
            checks.append(Check(at, verdict, stale, confirm_after))
            at += 60 if stale > 60 else 20
            if self.random.randrange(100) < self.changing:
                at += self.random.choice([-15, 0, 0, 15, 55, 400])
                verdict = self.random.choice("uuuDD?")
        return Place(probe, city, checks, joined, left)

    def held_from(self, start: int, probes: Sequence[str]) -> Rules:
        pick = self.random.choice
        return Rules(
            start=start,
            down_when=pick(["any", "any", "all", "majority"]),
            needed=pick([None, None, 1, 2, 3]),
            floor=pick([Fraction(1, 2), Fraction(9, 10), Fraction(199, 200)]),
            counts=pick([True, False, False]),
            notice=pick([0, 600]),
            cap=pick([None, None, 100, self.seconds // 5]),
            restore_limit=pick([60, self.seconds // 6, self.seconds]),
            is_recovery=self.key == "recovery",
            is_spared=self.key == "api",
            history=tuple(probe for probe in probes if self.random.random() < 0.5),
        )

    def window(self) -> Stretch:
        start = self.random.randrange(self.seconds)
        end = start + self.random.randint(1, self.seconds // 3)
        return Stretch(
            self.random.choice(["maintenance", "restore", "excluded"]), start, end, start - self.random.choice([0, 900])
        )

    def record(self) -> Record:
        terms = []
        for place in self.places:
            terms.append(
                ProbeTerms(place.probe, place.location, T0 + place.joined * SECOND, self.key, MINUTE, MINUTE, 2)
            )
            if place.left < self.seconds:
                terms.append(ProbeTerms(place.probe, place.location, T0 + place.left * SECOND, None, MINUTE, MINUTE, 2))
        runs = {(place.probe, place.location): runs_of(map(_observation, place.checks)) for place in self.places}
        windows = [
            window(
                WindowKind(each.kind), each.start / 60, each.end / 60, announced_ms=T0 + each.announced * SECOND,
                recorded_ms=T0 - 1,
            )
            for each in self.windows
        ]  # fmt: skip
        facts = Ledger(runs, terms, [])
        return record(facts, T0 + self.seconds * SECOND, windows, [_agreement(each) for each in self.rules])


def _observation(check: Check) -> Observation:
    return Observation(
        T0 + check.at * SECOND, VERDICTS[check.verdict], check.stale * SECOND, check.confirm_after,
        "blocked" if check.verdict == "?" else "",
    )  # fmt: skip


def _agreement(rules: Rules) -> Agreement:
    return agreement(
        T0 + rules.start * SECOND,
        floor=rules.floor,
        down_when=DownWhen(rules.down_when),
        quorums={} if rules.needed is None else {"api": rules.needed, "recovery": rules.needed},
        maintenance_counts=rules.counts,
        minimum_notice_ms=rules.notice * SECOND,
        maintenance_cap_ms=None if rules.cap is None else rules.cap * SECOND,
        restore_limit_ms=rules.restore_limit * SECOND,
        history_probes=rules.history,
    )


def compare(course: Course, part: tuple[int, int]) -> None:
    expected = figures(course.places, course.rules, course.windows, course.seconds, part)
    asked = Period(T0 + part[0] * SECOND, T0 + part[1] * SECOND, "part", "UTC")
    known = course.record()
    found = account(known, course.key, asked)
    classes = found.classes
    by_name = {
        "up": classes.up_ms, "down": classes.down_ms, "unknown": classes.unknown_ms,
        "maintenance": classes.maintenance_ms, "restore": classes.restore_ms, "excluded": classes.excluded_ms,
    }  # fmt: skip
    assert by_name == {LETTERS[letter]: count * SECOND for letter, count in expected.classes.items()}
    assert (found.possibly_down_ms, found.certainly_down_ms) == (
        expected.possibly * SECOND, expected.certainly * SECOND
    )  # fmt: skip
    assert found.required_ms == math.ceil(expected.required * SECOND)
    assert found.down_in_windows == {kind: count * SECOND for kind, count in expected.down_in.items()}
    days = day_states(known, course.key, asked)
    assert sum(day.classes.down_ms for day in days) == classes.down_ms
    assert sum(day.classes.period_ms for day in days) == classes.period_ms == sum(by_name.values())


@settings(max_examples=150)
@given(st.integers(0, 10**9), st.tuples(st.integers(0, 3600), st.integers(0, 3600)))
def test_an_hour_second_by_second(seed: int, part: tuple[int, int]) -> None:
    first, end = sorted(part)
    compare(Course(seed, 3600), (first, end))


@pytest.mark.parametrize(("seed", "days"), [(47, 7), (34, 31)])
def test_a_week_and_a_month_second_by_second(seed: int, days: int) -> None:
    compare(Course(seed, days * 86_400, changing=1), (86_400, (days - 1) * 86_400 + 1))
