"""The board: what it shows from bits is what the recorded ledger says, and counters of it only ever grow."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.board import Board, Declared, component_picture
from monitor.picture import ComponentPicture, Picture
from monitor.sla.accounts import account, budget_of, component_outages, state_spans
from monitor.sla.agreement import Agreement
from monitor.sla.availability import tally
from monitor.sla.components import component_spans, current
from monitor.sla.membership import in_service_since, memberships
from monitor.sla.model import Cause, ComponentTerms, DownWhen, Ledger, Run, State, Verdict
from monitor.sla.periods import local_date, standard_periods, year
from monitor.sla.record import Record
from monitor.sla.runs import extend
from monitor.sla.windows import Window, WindowEntry, WindowKind
from tests.monitor.boards import START_MS, Recorded, result_of, watching
from tests.monitor.build import component_terms

# Which probe is checked, what is found, and the pause before it; some pauses are longer than a result speaks (75 s).
events = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(list(Verdict)), st.sampled_from([1, 5, 10, 10, 30, 30, 80, 200])),
    max_size=25,
)
no_deadline = settings(deadline=None)


def naive(found: Ledger, terms: ComponentTerms, now_ms: int, declared: Declared | None = None) -> tuple[object, ...]:
    """The same figures from the whole record at once."""
    periods = standard_periods(now_ms, component_zone)
    agreements = declared.agreements if declared else [Agreement(0, component_zone.key, (terms,))]
    record = Record(now_ms, found, agreements, declared.windows if declared else ())
    since_ms = in_service_since(memberships(found.terms, terms.key))
    served = state_spans(record, terms.key, (since_ms or now_ms, now_ms))
    figures = {name: account(record, terms.key, each) for name, each in periods.items()}
    known = component_outages(record, terms.key, periods["30d"].interval)
    state, state_since_ms = current(served) if served else (State.UNKNOWN, since_ms)
    whole_year = year(local_date(now_ms, component_zone).year, component_zone)
    return state, state_since_ms, figures, known[::-1], budget_of(record, figures["year"], whole_year)


component_zone = watching("api").zone


def shown(picture: ComponentPicture) -> tuple[object, ...]:
    return picture.state, picture.since_ms, dict(picture.figures), list(picture.outages), picture.year_budget


def only(picture: Picture) -> ComponentPicture:
    (component,) = picture.components
    return component


@no_deadline
@given(events=events, down_when=st.sampled_from(list(DownWhen)), looks=st.sets(st.integers(0, 25)))
def test_results_one_by_one_give_what_the_whole_ledger_gives(
    events: list[tuple[int, Verdict, int]], down_when: DownWhen, looks: set[int]
) -> None:
    """However often somebody looked meanwhile, so that some of it was settled and summed up already."""
    config = watching("api", "api", "api", heartbeat=5.0)
    terms = replace(config.components[0], down_when=down_when)
    recorded = Recorded(replace(config, components=(terms,)))
    for count, (number, verdict, pause) in enumerate(events):
        recorded.wait(pause)
        recorded.add(number, verdict)
        if count in looks:
            assert shown(only(recorded.board.picture())) == naive(recorded.ledger(), terms, recorded.now_ms)
    recorded.wait(3)
    expected = naive(recorded.ledger(), terms, recorded.now_ms)
    assert shown(only(recorded.board.picture())) == expected
    from_ledger = component_picture(recorded.ledger(), terms, recorded.now_ms, config.zone, heartbeat_ms=5000)
    assert shown(from_ledger) == expected
    read_back = Board(recorded.config, recorded.clock)
    read_back.load(recorded.ledger(), [result for result, _, _ in recorded.added])
    assert read_back.picture() == recorded.board.picture()


windows = st.builds(
    lambda kind, first, length, notice, components: Window(
        kind, START_MS + first * 1000, None if length is None else START_MS + (first + length) * 1000,
        "", "anna", START_MS - 1, components, START_MS + (first - notice) * 1000,
    ),
    kind=st.sampled_from(list(WindowKind)),
    first=st.integers(-100, 400),
    length=st.one_of(st.none(), st.integers(1, 300)),
    notice=st.integers(0, 900),
    components=st.sampled_from([(), ("api",), ("frontend",)]),
)  # fmt: skip
rules = st.fixed_dictionaries(
    {
        "maintenance_counts": st.booleans(),
        "minimum_notice_ms": st.sampled_from([0, 600_000]),
        "maintenance_cap_ms": st.sampled_from([None, 100_000]),
        "restore_limit_ms": st.sampled_from([60_000, 600_000]),
        "restore_component": st.sampled_from(["recovery", "api"]),
        "history_probes": st.sampled_from([(), ("p0",), ("p1", "p2")]),
    }
)


@no_deadline
@given(
    events=events,
    windows=st.lists(windows, max_size=3),
    promised=st.lists(st.tuples(st.integers(0, 500), st.sampled_from(list(DownWhen)), rules), min_size=1, max_size=3),
    looks=st.sets(st.integers(0, 25)),
)
@example(  # an agreement that comes into force while nothing comes in
    events=[(0, Verdict.UP, 80), (0, Verdict.UP, 200), (1, Verdict.UP, 1), (2, Verdict.DOWN, 1)],
    windows=[],
    promised=[(0, DownWhen.ALL, {}), (285, DownWhen.ANY, {})],
    looks=set(),
)
def test_windows_and_agreements_count_as_in_a_report(
    events: list[tuple[int, Verdict, int]],
    windows: list[Window],
    promised: list[tuple[int, DownWhen, dict[str, Any]]],
    looks: set[int],
) -> None:
    """The board's figures are those of `account` and its outages those of `component_outages`."""
    recorded = Recorded(watching("api", "api", "api", heartbeat=5.0))
    (terms,) = recorded.config.components
    agreements = [
        Agreement(START_MS + since * 1000, component_zone.key, (replace(terms, down_when=down_when),), **more)
        for since, down_when, more in sorted(promised, key=lambda each: each[0])
    ]
    entries = [WindowEntry(number, each.recorded_ms, each.author, each) for number, each in enumerate(windows, start=1)]
    declared = Declared(agreements, entries)
    recorded.board.load(recorded.ledger(), declared=declared)
    for count, (number, verdict, pause) in enumerate(events):
        recorded.wait(pause)
        recorded.add(number, verdict)
        if count in looks:
            recorded.board.picture()
    for pause in (3, 2, 4, 40, 90):  # while nothing comes in, what was known goes on, until it does not
        recorded.wait(pause)
        picture = only(recorded.board.picture())
        assert shown(picture) == naive(recorded.ledger(), terms, recorded.now_ms, declared)
    assert all(recorded.board.outage(outage.id) is not None for outage in picture.outages)


@no_deadline
@given(events=events, seen=st.integers(0, 25))
def test_results_that_are_in_the_ledger_already_change_nothing(
    events: list[tuple[int, Verdict, int]], seen: int
) -> None:
    """What was stored while the ledger was read is added once more, in order."""
    recorded = Recorded(watching("api", "api", "api", heartbeat=5.0))
    for number, verdict, pause in events:
        recorded.wait(pause)
        recorded.add(number, verdict)
    board = Board(recorded.config, recorded.clock)
    board.load(recorded.ledger(), [result for result, _, _ in recorded.added])
    runs = {place: list(each) for place, each in board.ledger().runs.items()}
    for addition in recorded.added[seen:]:
        board.add(*addition)
    assert board.ledger().runs == runs
    assert board.picture() == recorded.board.picture()


@no_deadline
@given(events=events)
def test_settled_time_only_grows_and_agrees_with_the_ledger(events: list[tuple[int, Verdict, int]]) -> None:
    recorded = Recorded(watching("api", "api", "api", heartbeat=5.0))
    before = (0, 0, 0)
    for number, verdict, pause in events:
        recorded.wait(pause)
        recorded.add(number, verdict)
        component = only(recorded.board.picture())
        total = recorded.board.settled()["api"]
        now = (total.up_ms, total.down_ms, total.unknown_ms)
        assert all(later >= earlier for earlier, later in zip(before, now, strict=True))
        before = now
        assert component.settled_ms is not None
        assert component.settled_ms <= recorded.now_ms
        period = (START_MS, component.settled_ms)
        assert total == tally(component_spans(recorded.ledger(), "api", period, heartbeat_ms=5000), period)


def test_settled_time_is_never_ahead_of_a_failure_that_is_not_confirmed() -> None:
    recorded = Recorded(watching("api"))
    for verdict in (Verdict.UP, Verdict.UP, Verdict.DOWN):
        recorded.wait(30)
        recorded.add(0, verdict)
    recorded.wait(70)
    failed_ms = recorded.added[-1][0].started_ms
    assert only(recorded.board.picture()).settled_ms == failed_ms
    assert recorded.board.settled()["api"].down_ms == 0
    recorded.add(0, Verdict.DOWN)
    recorded.wait(10)
    assert recorded.board.settled()["api"].down_ms == 70_000


def test_settled_time_goes_on_while_nothing_comes_in() -> None:
    recorded = Recorded(watching("api"))
    recorded.add(0, Verdict.UP)
    totals = []
    for _ in range(30):
        recorded.wait(10)
        totals.append(recorded.board.settled()["api"].period_ms)
    assert totals[-1] > 280_000
    assert totals == sorted(totals)


def test_an_outage_is_shown_while_it_goes_on_and_after() -> None:
    recorded = Recorded(watching("api", "frontend"))
    for verdict in (Verdict.UP, Verdict.DOWN, Verdict.DOWN):
        recorded.wait(10)
        recorded.add(0, verdict)
    recorded.wait(5)
    down, calm = recorded.board.picture().components
    assert down.state is State.DOWN
    assert down.open_outage is not None
    assert (down.open_outage.start_ms, down.open_outage.down_ms) == (START_MS + 20_000, 15_000)
    assert (down.open_outage.probes, down.open_outage.reason) == (("p0",), "refused")
    assert calm.open_outage is None
    recorded.add(0, Verdict.UP)
    recorded.wait(1)
    over = recorded.board.picture().components[0]
    assert over.open_outage is None
    assert [outage.end_ms for outage in over.outages] == [START_MS + 35_000]
    recorded.wait(31 * 86_400)
    assert recorded.board.picture().components[0].outages == []


def test_a_component_that_nobody_watches_is_unknown_and_not_in_service() -> None:
    recorded = Recorded(watching("api", also=[component_terms("recovery", None)]))
    recorded.wait(60)
    picture = recorded.board.picture().components[1]
    assert (picture.watched, picture.state, picture.since_ms, picture.in_service_ms) == (
        False,
        State.UNKNOWN,
        None,
        None,
    )
    assert set(picture.figures["year"].classes.unknown) == {Cause.NOT_IN_SERVICE}
    assert picture.figures["year"].observed is None
    assert picture.year_budget is None
    assert "recovery" not in recorded.board.settled()


def test_silence_is_told_by_the_configured_heartbeat() -> None:
    """With a heartbeat a minute, half a minute without one is not the daemon's end."""
    recorded = Recorded(watching("api", heartbeat=60.0))
    recorded.add(0, Verdict.UP)
    recorded.wait(130)
    recorded.clock.advance(30)
    assert set(only(recorded.board.picture()).figures["day"].classes.unknown) == {
        Cause.NOT_IN_SERVICE,
        Cause.DAEMON_LATE,
    }


@no_deadline
@given(
    events=events,
    stray=st.lists(
        st.tuples(st.sampled_from(list(Verdict)), st.integers(-7_200, 600), st.integers(0, 300), st.booleans()),
        min_size=1,
        max_size=5,
    ),
)
def test_results_out_of_order_never_break_a_picture(
    events: list[tuple[int, Verdict, int]], stray: list[tuple[Verdict, int, int, bool]]
) -> None:
    """Until the ledger is read again the picture may be wrong in parts, but it adds up."""
    recorded = Recorded(watching("api", "api", "api", heartbeat=5.0))
    for number, verdict, pause in events:
        recorded.wait(pause)
        recorded.add(number, verdict)
        recorded.board.picture()
    for verdict, seconds, length, with_closed in stray:
        first_ms = recorded.now_ms + seconds * 1000
        run = Run(verdict, first_ms, first_ms + length * 1000, 2, 75_000, 2)
        result = result_of(recorded.config.probes[0], first_ms, verdict)
        recorded.board.add(result, run if with_closed else None, run)
        recorded.wait(2)
        component = only(recorded.board.picture())
        for figures in component.figures.values():
            assert 0 <= figures.coverage <= 1
            assert figures.observed is None or 0 <= figures.observed <= 1
        assert component.settled.period_ms == (component.settled_ms or 0) - START_MS
    recorded.board.load(recorded.ledger())
    recorded.wait(2)
    terms = recorded.config.components[0]
    assert shown(only(recorded.board.picture())) == naive(recorded.ledger(), terms, recorded.now_ms)


@pytest.mark.parametrize("in_pieces", [False, True])
async def test_a_long_history_is_settled_in_pieces_and_adds_up(in_pieces: bool) -> None:
    recorded = Recorded(watching("api", heartbeat=5.0))
    recorded.wait(30 * 5000)
    verdicts = (Verdict.DOWN, Verdict.DOWN, Verdict.UP, Verdict.UP)
    runs = [
        Run(verdicts[place % 4], START_MS + place * 30_000, START_MS + place * 30_000, 1, 75_000, 2)
        for place in range(4999)
    ]
    found = Ledger({("p0", "frankfurt"): runs}, recorded.ledger().terms, recorded.lives)
    recorded.board.load(found)
    picture = await recorded.board.picture_in_pieces() if in_pieces else recorded.board.picture()
    terms = recorded.config.components[0]
    assert shown(only(picture)) == naive(found, terms, recorded.now_ms)


async def test_what_comes_in_while_a_picture_is_made_is_in_the_next_one() -> None:
    recorded = Recorded(watching(*["api"] * 3, *["frontend"] * 3))
    recorded.wait(1)
    picture = recorded.board.picture_in_pieces()
    assert picture.send(None) is None  # it gives way for the first time
    for number in range(6):
        recorded.add(number, Verdict.UP)
    assert recorded.board.latest("p5") is None
    with pytest.raises(StopIteration) as finished:
        while True:
            picture.send(None)
    first: Picture = finished.value.value
    assert {component.state for component in first.components} == {State.UNKNOWN}
    assert [probe.latest for probe in first.probes] == [None] * 6
    assert recorded.board.latest("p5") is not None
    recorded.wait(1)
    assert {component.state for component in (await recorded.board.picture_in_pieces()).components} == {State.UP}


def test_nothing_is_lost_when_a_picture_in_pieces_is_given_up() -> None:
    recorded = Recorded(watching("api"))
    recorded.wait(1)
    picture = recorded.board.picture_in_pieces()
    picture.send(None)
    recorded.add(0, Verdict.UP)
    picture.close()
    assert recorded.board.latest("p0") is not None


def test_figures_are_exact() -> None:
    recorded = Recorded(watching("api"))
    for verdict in (Verdict.UP, Verdict.DOWN, Verdict.DOWN, Verdict.UP):
        recorded.add(0, verdict)
        recorded.wait(10)
    assert only(recorded.board.picture()).figures["day"].observed == Fraction(1, 2)


def test_a_result_of_this_very_instant_shows_a_moment_later() -> None:
    recorded = Recorded(watching("api"))
    recorded.add(0, Verdict.UP)
    recorded.wait(10)
    recorded.add(0, Verdict.UNKNOWN)
    assert only(recorded.board.picture()).state is State.UP
    recorded.wait(1)
    assert only(recorded.board.picture()).state is State.UNKNOWN


def test_time_is_not_settled_before_the_results_that_speak_of_it_are_stored() -> None:
    """While the store cannot be written results wait; were their time counted as unknown, the counter would fall."""
    recorded = Recorded(watching("api"))
    waiting: list[int] = []
    recorded.board = Board(recorded.config, recorded.clock, lambda: min(waiting, default=None))
    recorded.board.load(recorded.ledger())
    recorded.beat()
    recorded.wait(30)
    recorded.add(0, Verdict.UP)
    recorded.wait(30)
    began_ms = recorded.now_ms
    waiting.append(began_ms)
    recorded.wait(600)
    before = recorded.board.settled()["api"]
    assert only(recorded.board.picture()).settled_ms == began_ms
    late = result_of(recorded.config.probes[0], began_ms, Verdict.UP)
    closed, run = extend(recorded.newest["p0"], replace(recorded.seen["p0"][-1], started_ms=began_ms))
    recorded.board.add(late, closed, run)
    waiting.clear()
    after = recorded.board.settled()["api"]
    assert after.period_ms > before.period_ms
    assert (after.up_ms > before.up_ms, after.unknown_ms >= before.unknown_ms) == (True, True)
