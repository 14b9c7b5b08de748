"""The pages of a component and of an outage, served for real, with a store behind them."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from monitor.board import Board, Declared, no_holidays
from monitor.clock import ManualClock, from_milliseconds
from monitor.metrics import Metrics
from monitor.sla.clock_events import ClockEvent, ClockEventKind
from monitor.sla.outages import Outage
from monitor.sla.record import Record
from monitor.sla.windows import Window, WindowEntry, WindowKind
from monitor.store import Store
from monitor.told import FIRST_CHECKS, LAST_CHECKS, Told, told
from monitor.web import listen, serve
from monitor.web.app import Sources
from monitor.web.status import ratio_json
from monitor.words import local_time
from tests.monitor.build import component_terms, config_of, probe_config
from tests.monitor.outage_record import MINUTE, Recorded, record
from tests.monitor.test_web import Balanced, Site


@asynccontextmanager
async def pages_of(
    recorded: Recorded, minutes: float, declared: Declared | None = None
) -> AsyncIterator[tuple[Site, Board]]:
    """What a daemon shows so many minutes after the record's first check."""
    probes = [probe_config(name=name, component="api", every=60.0) for name in ("web", "web-2")]
    config = config_of(probes)
    config = replace(config, components=(*config.components, component_terms("recovery", None)))
    clock = ManualClock(from_milliseconds(recorded.began_ms + round(minutes * MINUTE)))
    board = Board(config, clock, holidays_of=no_holidays)

    async def ready() -> list[str]:
        return []

    async with await Store.open(recorded.url, read_only=True) as store:
        board.load(await store.ledger(), await store.latest(), declared or Declared())

        async def tell(found: Record, outage: Outage) -> Told:
            return await told(store, found, outage, no_holidays)

        sources = Sources(config, board, Metrics(config, board, "1.2.3", lambda: 0), ready, told=tell)
        with listen("127.0.0.1", 0) as listening:
            async with serve(sources, listening) as port, aiohttp.ClientSession() as session:
                yield Site(session, f"http://127.0.0.1:{port}"), board


def text_of(page: str) -> str:
    parser = Balanced()
    parser.feed(page)
    assert (parser.wrong, parser.open) == ([], [])
    assert "<script" not in page
    assert "style=" not in page, "which the policy forbids"
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page))


@pytest.fixture
def timelines() -> Mapping[str, str]:
    return {"web": "uuDuuuDDDDDuuuDuu", "web-2": "uuuuuuuuuuuuuuuuu"}


async def test_a_component_has_its_bounds_its_days_and_its_outages(
    tmp_path: Path, timelines: Mapping[str, str]
) -> None:
    recorded = await asyncio.to_thread(record, tmp_path, dict(timelines))
    window = Window(
        WindowKind.MAINTENANCE, recorded.at_ms(6), recorded.at_ms(8), "A <new> disk", "anna", recorded.at_ms(9)
    )
    declared = Declared(windows=[WindowEntry(7, window.recorded_ms, "anna", replace(window, number=7))])
    async with pages_of(recorded, 16.5, declared) as (site, board):
        status, page, headers = await site.get("/components/api")
        outage = board.picture().components[0].outages[0]
        _, front, _ = await site.get("/")
        async with site.session.get(site.url + "/api/v1/status") as answer:
            api = (await answer.json())["components"][0]
    text = text_of(page)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert 'class="down" title="' in page
    assert 88 <= page.count('<li class="absent"') <= 89, "which midnight may have lain in between"
    assert f"/outages/{outage.id}" in page
    assert f"/outages/{outage.id}" in front
    assert "/components/api" in front
    assert "Maintenance window 7" in text
    assert "A &lt;new&gt; disk" in page
    assert "(entered afterwards)" in text
    assert "Undecided so far: between" in text
    assert api["verdict"] == "inconclusive"
    year = board.picture().components[0].figures["year"]
    shown = {name: api["figures"]["year"][name] for name in ("observed", "pessimistic", "optimistic", "coverage")}
    assert shown == {name: ratio_json(getattr(year, name)) for name in shown}
    assert year.pessimistic is not None and year.observed is not None and year.optimistic is not None
    assert year.pessimistic < year.observed < year.optimistic
    assert api["budget"]["spent_milliseconds"] == 5 * MINUTE


async def test_a_component_that_nobody_watches_has_a_page_too(tmp_path: Path, timelines: Mapping[str, str]) -> None:
    recorded = await asyncio.to_thread(record, tmp_path, dict(timelines))
    async with pages_of(recorded, 16.5) as (site, _):
        status, page, _ = await site.get("/components/recovery")
        assert status == 200
        assert "not watched" in text_of(page)
        assert (await site.get("/components/nothing"))[0] == 404
        assert (await site.get("/outages/0123456789"))[0] == 404


async def test_an_outage_tells_its_story(tmp_path: Path, timelines: Mapping[str, str]) -> None:
    recorded = await asyncio.to_thread(record, tmp_path, dict(timelines))
    async with pages_of(recorded, 16.5) as (site, board):
        outage = board.picture().components[0].outages[0]
        _, page, _ = await site.get(f"/outages/{outage.id}")
    text = text_of(page)
    for words in (
        f"Outage {outage.id}",
        "refused at connect (web)",
        "Down 5 min",
        "api.example.net:443 [111]",
        "192.0.2.7",
        "110 ms, failed",
        "Workaround within 8 h",
        "met with 7 h 55 min left",
        "Nothing is on record.",
        "1 failure of web at frankfurt, refused at connect",
    ):
        assert words in text, words
    assert "http-equiv" not in page, "what is over changes no more"


async def test_an_open_outage_has_deadlines_on_every_page(tmp_path: Path) -> None:
    recorded = await asyncio.to_thread(record, tmp_path, {"web": "uuu" + "D" * 5, "web-2": "u" * 8})
    async with pages_of(recorded, 7.5) as (site, board):
        outage = board.picture().components[0].open_outage
        assert outage is not None
        at_ms = recorded.at_ms(5)
        event = ClockEvent(1, outage.id, ClockEventKind.WAITING, at_ms, "anna", at_ms, "asked <them>")
        board.load(board.ledger(), declared=Declared(clock_events=[event]))
        pages = [(await site.get(path))[1] for path in ("/", "/components/api", f"/outages/{outage.id}")]
        async with site.session.get(site.url + "/api/v1/status") as answer:
            shown = (await answer.json())["components"][0]["outage"]
    for page in pages:
        assert "waiting for the customer, 7 h 58 min left" in text_of(page)
    assert "asked &lt;them&gt;" in pages[2]
    assert "still open" in pages[2]
    assert "http-equiv" in pages[2]
    clocks = {clock["name"]: (clock["suspended"], clock["due"]) for clock in shown["clocks"]}
    assert clocks == {"workaround": (True, None), "correction": (True, None)}


async def test_of_many_checks_the_first_and_the_last_are_shown(tmp_path: Path) -> None:
    recorded = await asyncio.to_thread(record, tmp_path, {"web": "uuu" + "D" * 100 + "uuuu"})
    async with pages_of(recorded, 106) as (site, board):
        outage = board.picture().components[0].outages[0]
        _, page, _ = await site.get(f"/outages/{outage.id}")
    began = re.findall(r'class="when">[-0-9]+ ([0-9:]+) ', page)
    zone = board.picture().periods["day"].zone
    first, last = (
        [local_time(recorded.at_ms(minute), ZoneInfo(zone))[11:19] for minute in each]
        for each in (range(1, 16), range(90, 105))
    )
    assert began == [*first, *last]
    assert page.index(first[-1]) < page.index("… more checks …") < page.index(last[0])
    assert "api.example.net:443 [111]" in page


async def test_a_storm_of_checks_is_cut_in_the_middle(tmp_path: Path) -> None:
    names = {name: "uuu" + "D" * 20 + "uuu" for name in ("web", "web-2", "web-3", "web-4")}
    recorded = await asyncio.to_thread(record, tmp_path, names)
    async with pages_of(recorded, 26) as (site, board):
        outage = board.picture().components[0].outages[0]
        _, page, _ = await site.get(f"/outages/{outage.id}")
    assert len(re.findall('class="when"', page)) == FIRST_CHECKS + LAST_CHECKS
    assert "… more checks …" in page
