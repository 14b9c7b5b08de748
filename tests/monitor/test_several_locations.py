"""Daemons at several locations with one store: each sees what all of them do, and they tell of the same outages."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.board import Board
from monitor.calendars import public_holidays
from monitor.clock import ManualClock, to_milliseconds
from monitor.config import Config
from monitor.daemon import probe_terms
from monitor.sla.model import Ledger, Life, Observation, Run, Verdict
from monitor.sla.runs import runs_of
from probes.contract import Journey, ProbeFailed, Reason
from tests.alerting.scenes import Impostor, alerting, impostor, running, until
from tests.monitor.boards import START, START_MS, Recorded, watching
from tests.monitor.build import config_of, probe_config

HERE, THERE = "frankfurt", "dublin"
STEPS = st.tuples(
    st.sampled_from([HERE, THERE]), st.sampled_from(Verdict), st.sampled_from([0.1, 5.0, 30.0, 80.0, 4000.0])
)


class Shared(Recorded):
    """Besides, `there` has what a daemon at another location recorded, of which the board is told now and then."""

    def __post_init__(self) -> None:
        self.there: list[Observation] = []
        super().__post_init__()

    def beat(self) -> None:
        self.lives = [Life(place, START_MS, self.now_ms, False) for place in (HERE, THERE)]
        self.board.alive(self.lives)

    def add_there(self, verdict: Verdict) -> None:
        probe = self.config.probes[0]
        stale_ms = round(probe.stale_seconds * 1000)
        self.there.append(Observation(self.now_ms, verdict, stale_ms, probe.confirm_after, "", ""))

    def ledger(self) -> Ledger:
        terms = [*probe_terms(self.config, START_MS), *probe_terms(replace(self.config, location=THERE), START_MS)]
        here = {(probe, HERE): runs_of(seen) for probe, seen in self.seen.items()}
        return Ledger({**here, ("p0", THERE): runs_of(self.there)}, terms, self.lives)

    def look_elsewhere(self) -> None:
        """As the store answers."""
        since_ms = self.board.elsewhere_since_ms()
        assert since_ms is not None
        whole = self.ledger()
        runs = {place: _reaching(of_it, since_ms) for place, of_it in whole.runs.items()}
        self.board.elsewhere(Ledger({place: of_it for place, of_it in runs.items() if of_it}, whole.terms, whole.lives))

    def fresh(self) -> Board:
        board = Board(self.config, self.clock)
        board.load(self.ledger())
        return board


def _reaching(runs: Sequence[Run], since_ms: int) -> list[Run]:
    return [run for run in runs if run.last_ms + run.stale_ms > since_ms]


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEPS, max_size=30), looked_at=st.sets(st.integers(0, 29)), needed=st.sampled_from([None, 1, 2]))
def test_a_board_that_is_told_bit_by_bit_is_one_that_read_everything(
    steps: list[tuple[str, Verdict, float]], looked_at: set[int], needed: int | None
) -> None:
    config = watching("ingest")
    shared = Shared(config if needed is None else replace(config, quorums={"ingest": needed}))
    for index, (location, verdict, seconds) in enumerate(steps):
        if location == HERE:
            shared.add(0, verdict)
        else:
            shared.add_there(verdict)
        shared.wait(seconds)
        if index in looked_at:
            shared.look_elsewhere()
            assert shared.board.standing("ingest") == shared.fresh().standing("ingest")
            pictures = [each.picture().components[0] for each in (shared.board, shared.fresh())]
            assert pictures[0].figures == pictures[1].figures


def test_where_there_is_no_other_location_nobody_is_asked() -> None:
    assert Recorded(watching("ingest")).board.elsewhere_since_ms() is None


def test_what_is_old_is_not_read_again() -> None:
    shared = Shared(watching("ingest"))
    shared.add_there(Verdict.UP)
    shared.look_elsewhere()
    shared.wait(86_400)
    shared.add_there(Verdict.UP)
    shared.look_elsewhere()
    assert (shared.board.elsewhere_since_ms() or 0) > to_milliseconds(START) + 80_000_000
    assert shared.clock.monotonic() > ManualClock(START).monotonic()


# Whole daemons.


class Services:
    """What the probe asks at each location; the probe's options do not tell them apart, so each daemon has its own."""

    def __init__(self) -> None:
        self.works = {HERE: True, THERE: True}

    def of(self, location: str) -> Any:
        async def ask(_options: Any, _journey: Journey) -> None:
            if not self.works[location]:
                raise ProbeFailed(Reason.REFUSED, "127.0.0.1:1")

        return ask


def config_at(location: str, services: Services, store: Path, url: str, quorums: Mapping[str, int]) -> Config:
    # A result speaks for 2.5 s: longer than the others' heartbeats are apart.
    probe = probe_config(services.of(location), name="web", component="web", every=1.0, recheck=0.05)
    config = replace(config_of([probe], store=store), location=location, quorums=quorums, heartbeat_seconds=0.2)
    return replace(config, alerting=alerting(url))


@pytest.fixture(scope="module")
def _holidays_are_known() -> None:
    """They are read from the disk once, which no test's loop may wait for."""
    public_holidays("PL")


@pytest.mark.usefixtures("_holidays_are_known")
@pytest.mark.parametrize("quorums", [{"web": 2}, {}], ids=["two are needed", "more than half"])
async def test_what_only_all_locations_together_can_know_is_paged(tmp_path: Path, quorums: Mapping[str, int]) -> None:
    """And of what one of two sees alone nobody is told."""
    services, store = Services(), tmp_path / "uptime.db"
    async with (
        impostor() as of_here,
        impostor() as of_there,
        running(config_at(HERE, services, store, of_here.url, quorums)),  # which the other one joins later
        running(config_at(THERE, services, store, of_there.url, quorums)),
    ):
        services.works[HERE] = False
        before = len(of_here.posts)
        await until(lambda: len(of_here.posts) > before + 15, "long enough for a confirmed failure")
        assert (paged(of_here), paged(of_there)) == ([], [])
        services.works[THERE] = False
        await until(lambda: paged(of_here) and paged(of_there), "a page by each")
        for part in ("labels", "startsAt"):
            assert paged(of_here)[0][part] == paged(of_there)[0][part]
        services.works[HERE] = True
        await until(lambda: not of_here.posts[-1] and not of_there.posts[-1], "that neither tells of it any more")


def paged(of: Impostor) -> list[Any]:
    """The alerts that were told to hold. An end that an earlier daemon may have left untold describes nothing."""
    return [alert for post in of.told for alert in post if "description" in alert["annotations"]]
