"""Pictures are kept with the result that they show, and only of what was not up."""

from dataclasses import replace

import pytest

from monitor.store import Store, StoreError
from probes.contract import Picture
from tests.store.conftest import Recording
from tests.store.histories import EVERY_MS, START_MS, all_results, execute, query, result

PAGE, LOGIN = Picture("page", "image/png", b"\x89PNG page"), Picture("login", "image/png", b"\x89PNG login")


@pytest.mark.parametrize("letter", ["D", "?"])
async def test_pictures_of_what_was_not_up_are_kept(recording: Recording, letter: str) -> None:
    async with recording() as store:
        result_id = await store.record(replace(result(letter), pictures=(PAGE, LOGIN)))
        assert await store.pictures(result_id) == [LOGIN, PAGE]


async def test_of_what_was_up_no_picture_is_kept(recording: Recording) -> None:
    async with recording() as store:
        await store.record(result("D"))
        result_id = await store.record(replace(result("u", START_MS + EVERY_MS), pictures=(PAGE,)))
        assert await store.pictures(result_id) == []


async def test_of_two_pictures_with_one_name_the_later_is_kept(recording: Recording) -> None:
    async with recording() as store:
        result_id = await store.record(replace(result("D"), pictures=(PAGE, replace(LOGIN, name="page"))))
        assert [each.content for each in await store.pictures(result_id)] == [LOGIN.content]


async def test_a_result_is_found_by_its_name(recording: Recording) -> None:
    async with recording() as store:
        result_id = await store.record(result("D"))
        (stored,) = await all_results(store)
        assert await store.result_id(stored.text_id) == result_id == stored.id
        for unknown in ("boot-1:2", "boot-2:1", "imported:0000000000000001", "", "x" * 1000, "1"):
            assert await store.result_id(unknown) is None


async def test_a_picture_that_cannot_be_stored_takes_its_result_with_it(recording: Recording, url: str) -> None:
    """One transaction: a result on record without its picture would be a picture that went missing."""
    async with recording() as store:
        execute(store._file, "DROP TABLE pictures")
        with pytest.raises(StoreError):
            await store.record(replace(result("D"), pictures=(PAGE,)))
        assert await all_results(store) == []
        await store.record(result("D"))
    async with await Store.open(url) as store:
        assert query(store._file, "SELECT count(*) FROM results") == [(1,)]
