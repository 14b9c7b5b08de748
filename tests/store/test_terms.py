"""Settings are on record from when to when, and results are read with those of their time."""

from dataclasses import replace

import pytest

from monitor.store import Store
from tests.store.conftest import Recording
from tests.store.histories import EVERY_MS, HERE, START_MS, assert_runs_are_exact, history, terms


async def test_only_what_changed_is_added(url: str) -> None:
    async with await Store.open(url) as store:
        assert await store.record_terms(HERE, START_MS, [terms("web"), terms("api")])
        assert not await store.record_terms(HERE, START_MS + 1, [terms("api"), terms("web")])
        assert await store.record_terms(HERE, START_MS + 2, [terms("web", confirm_after=3), terms("api")])
        assert (await store.ledger()).terms == (
            terms("web"),
            terms("web", from_ms=START_MS + 2, confirm_after=3),
            terms("api"),
        )


async def test_a_probe_that_is_gone_is_retired_once(url: str) -> None:
    async with await Store.open(url) as store:
        await store.record_terms(HERE, START_MS, [terms("web"), terms("api")])
        await store.record_terms("dublin", START_MS, [terms("api", "dublin")])
        for now_ms in (START_MS + 5, START_MS + 6):
            await store.record_terms(HERE, now_ms, [terms("web")])
        retired = replace(terms("api", from_ms=START_MS + 5), component=None)
        assert (await store.ledger()).terms == (terms("web"), terms("api"), retired, terms("api", "dublin"))


async def test_a_retired_probe_can_come_back(url: str) -> None:
    async with await Store.open(url) as store:
        for now_ms, given in ((1, [terms("web")]), (2, []), (3, [terms("web")])):
            await store.record_terms(HERE, now_ms, given)
        assert [(each.from_ms, each.component) for each in (await store.ledger()).terms] == [
            (1, "api"),
            (2, None),
            (3, "api"),
        ]


async def test_a_title_is_kept_until_another_is_given(url: str) -> None:
    async with await Store.open(url) as store:
        await store.record_terms(HERE, 1, [terms("web")], {"web": "Web page"})
        assert not await store.record_terms(HERE, 2, [terms("web")])
        assert await store.record_terms(HERE, 3, [terms("web")], {"web": "Home page"})


async def test_results_are_read_with_the_terms_of_their_time(recording: Recording) -> None:
    async with recording() as store:
        first, second = history("uuuu")[:2], history("uuuu")[2:]
        for each in first:
            await store.record(each)
        await store.record_terms(HERE, first[-1].started_ms + 1, [terms("web", confirm_after=5)])
        for each in second:
            await store.record(each)
        runs = (await store.ledger()).runs["web", HERE]
        assert [(run.count, run.confirm_after) for run in runs] == [(2, 2), (2, 5)]
        await assert_runs_are_exact(store)


async def test_terms_recorded_after_the_clock_was_set_back(recording: Recording) -> None:
    """They hold from then on, for results that are on record already, too, and the former never come back."""
    async with recording() as store:
        for each in history("uuuu"):
            await store.record(each)
        await store.record_terms(HERE, START_MS + 2 * EVERY_MS, [terms("web", confirm_after=5)])
        assert await store.generation() > 0
        await assert_runs_are_exact(store)
        await store.record_terms(HERE, START_MS, [terms("web", confirm_after=7)])
        assert (await store.ledger()).terms[-1] == terms("web", from_ms=START_MS + 2 * EVERY_MS + 1, confirm_after=7)
        await assert_runs_are_exact(store)


async def test_terms_of_another_location_are_a_mistake(url: str) -> None:
    async with await Store.open(url) as store:
        with pytest.raises(ValueError, match="another location"):
            await store.record_terms(HERE, START_MS, [terms("web", "dublin")])


async def test_daemons_at_other_locations_are_to_know_of_new_terms(url: str) -> None:
    async with await Store.open(url) as store:
        await store.record_terms(HERE, START_MS, [terms("web")])
        assert await store.generation() == 0  # there is nobody else
        await store.record_terms("dublin", START_MS, [terms("web", "dublin")])
        joined = await store.generation()
        assert joined > 0
        await store.record_terms("dublin", START_MS + 1, [terms("web", "dublin")])  # nothing new
        assert await store.generation() == joined
        await store.record_terms(HERE, START_MS + 2, [])
        assert await store.generation() > joined
