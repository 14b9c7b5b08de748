"""The text of `/metrics`: correct to Prometheus' own parser, of one moment, and written in pieces."""

import asyncio
import math
import re
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from monitor.board import ratio
from monitor.metrics.component_series import COMPONENT_FAMILIES, REASONS
from monitor.metrics.exposition import Family, escaped, label_text, number
from monitor.metrics.metrics import PROBES_A_PIECE
from monitor.metrics.probe_series import DURATION_BUCKETS, EVENTS, PROBE_FAMILIES
from monitor.sla.model import State, Verdict
from tests.monitor.boards import watching
from tests.monitor.scraping import Scraped, samples


@given(st.text())
def test_labels_read_back_as_they_were(value: str) -> None:
    family = Family("uptime_x", "gauge", "About.")
    text = family.header + family.line(label_text(first=value, second=value), 1.5)
    lines = text.split("\n")
    assert len(lines) == 4
    if not set(value) & {"\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"}:
        (parsed,) = text_string_to_metric_families(text)  # which takes these for ends of lines; Prometheus does not
        assert parsed.samples[0].labels == {"first": value, "second": value}


@given(st.floats() | st.integers(-(10**15), 10**15))
def test_numbers_read_back_as_they_were(value: float) -> None:
    assert float(number(value)) == value or math.isnan(value)


def test_numbers_that_are_none_are_spelt_as_prometheus_does() -> None:
    assert [number(value) for value in (math.inf, -math.inf, math.nan)] == ["+Inf", "-Inf", "NaN"]


def test_a_help_text_is_one_line() -> None:
    assert Family("x", "gauge", "a\nb\\c").header == "# HELP x a\\nb\\\\c\n# TYPE x gauge\n"
    assert escaped('"') == '\\"'


class Plain:
    """The same state written by prometheus-client, one metric at a time, without any haste."""

    def __init__(self, scraped: Scraped, events: Mapping[str, int]) -> None:
        self.registry = CollectorRegistry()
        self.config = scraped.recorded.config
        self._counted(scraped, events)
        self._newest(scraped)
        self._components(scraped)

    def _made(self, family: Family, *labels: str) -> Gauge:
        return Gauge(family.name, family.about, labels, registry=self.registry)

    def _counter(self, family: Family, *labels: str) -> Counter:
        return Counter(family.name, family.about, labels, registry=self.registry)

    def _counted(self, scraped: Scraped, events: Mapping[str, int]) -> None:
        by_name = {family.name.removeprefix("uptime_"): family for family in (*PROBE_FAMILIES, *COMPONENT_FAMILIES)}
        self.by_name = by_name
        probe_labels = ("probe", "component", "location")
        checks = self._counter(by_name["probe_checks_total"], *probe_labels, "verdict")
        starts = self._counter(by_name["schedule_events_total"], "probe", "location", "event")
        failures = self._counter(by_name["component_failures_total"], "component", "location", "reason")
        took = Histogram(
            "uptime_probe_duration_seconds", "x", probe_labels, buckets=DURATION_BUCKETS, registry=self.registry
        )
        for probe in self.config.probes:
            took.labels(probe.id, probe.component, "frankfurt")
            for verdict in Verdict:
                checks.labels(probe.id, probe.component, "frankfurt", verdict)
            for event in EVENTS:
                starts.labels(probe.id, "frankfurt", event).inc(events[event] if probe.id == "p0" else 0)
        for component in self.config.components:
            for reason in REASONS:
                failures.labels(component.key, "frankfurt", reason)
        for result in scraped.results:
            checks.labels(result.probe, result.component, "frankfurt", result.verdict).inc()
            took.labels(result.probe, result.component, "frankfurt").observe(result.duration_us / 1_000_000)
            if result.reason:
                failures.labels(result.component, "frankfurt", result.reason).inc()

    def _newest(self, scraped: Scraped) -> None:
        probe_labels = ("probe", "component", "location")
        success = self._made(self.by_name["probe_success"], *probe_labels)
        last = self._made(self.by_name["probe_last_check_timestamp_seconds"], *probe_labels)
        figures = self._made(self.by_name["probe_figure"], *probe_labels, "figure")
        newest = {result.probe: result for result in scraped.results}
        for result in newest.values():
            labels = result.probe, result.component, "frankfurt"
            if result.verdict is not Verdict.UNKNOWN:
                success.labels(*labels).set(result.verdict is Verdict.UP)
            last.labels(*labels).set(result.started_ms / 1000)
            for name, value in result.figures.items():
                figures.labels(*labels, name).set(value)

    def _components(self, scraped: Scraped) -> None:
        state = self._made(self.by_name["component_state"], "component", "state")
        seconds = self._counter(self.by_name["component_state_seconds_total"], "component", "state")
        uptime = self._made(self.by_name["component_uptime_ratio"], "component", "window")
        coverage = self._made(self.by_name["component_coverage_ratio"], "component", "window")
        outage = self._made(self.by_name["component_outage_seconds"], "component", "severity")
        now_ms = scraped.recorded.now_ms
        for each in scraped.recorded.board.picture().components:
            key = each.terms.key
            for name in State:
                state.labels(key, name).set(each.state is name)
            total = scraped.recorded.board.settled()[key]
            for name, length in zip(State, (total.up_ms, total.down_ms, total.unknown_ms), strict=True):
                seconds.labels(key, name).inc(length / 1000)
            for window, figures in each.figures.items():
                coverage.labels(key, window).set(float(figures.coverage))
                if (value := ratio(figures.observed)) is not None:
                    uptime.labels(key, window).set(value)
            age_ms = 0 if each.open_outage is None else now_ms - each.open_outage.start_ms
            outage.labels(key, each.terms.severity).set(age_ms / 1000)


checks = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(list(Verdict)),
        st.sampled_from([5, 30, 100]),
        st.one_of(
            st.sampled_from([round(bound * 1_000_000) for bound in DURATION_BUCKETS]), st.integers(0, 70_000_000)
        ),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    max_size=15,
)


@settings(deadline=None)
@given(checks=checks, looks=st.sets(st.integers(0, 14)), events=st.lists(st.sampled_from(EVENTS), max_size=5))
def test_the_quick_text_says_what_the_plain_one_says(
    checks: list[tuple[int, Verdict, int, int, float]], looks: set[int], events: list[str]
) -> None:
    async def course() -> None:
        scraped = Scraped(watching("ingest", "api", "api"))
        for count, (probe, verdict, pause, took_us, figure) in enumerate(checks):
            scraped.recorded.wait(pause)
            scraped.check(probe, verdict, duration_us=took_us, figures={"attempts": figure})
            if count in looks:
                await scraped.metrics.render()
        for event in events:
            scraped.metrics.schedule_event("p0", event)
        scraped.recorded.wait(2)
        text = await scraped.text()
        quick = samples(text)
        plain = samples(
            generate_latest(Plain(scraped, {event: events.count(event) for event in EVENTS}).registry).decode()
        )
        assert {key: quick.get(key) for key in plain} == plain
        families = {re.sub("_(bucket|sum|count)$", "", name) for name, _ in plain}
        mine = {key for key in quick if re.sub("_(bucket|sum|count)$", "", key[0]) in families}
        assert mine == plain.keys()
        assert quick["uptime_results_stored_total", ()] == len(checks)
        assert text.endswith("\n")
        assert "\n\n" not in text

    asyncio.run(course())


def many(count: int) -> Scraped:
    return Scraped(watching(*[f"c{number % 7}" for number in range(count)]))


async def test_a_scrape_gives_way_and_shows_one_moment() -> None:
    """Whatever is stored while it is written is in the next one: its counts agree with each other."""
    scraped = many(300)
    for place in range(300):
        scraped.check(place, Verdict.UP)
    scraped.recorded.wait(1)
    scrape = asyncio.ensure_future(scraped.metrics.render())
    turns = 0
    while not scrape.done():
        await asyncio.sleep(0)
        scraped.check(turns % 300, Verdict.DOWN, detail="meanwhile")
        turns += 1
    assert turns > 10
    found = samples((await scrape).decode())
    by_verdict = {
        verdict: sum(
            value for key, value in found.items() if key[0].endswith("checks_total") and ("verdict", verdict) in key[1]
        )
        for verdict in Verdict
    }
    assert by_verdict == {Verdict.UP: 300, Verdict.DOWN: 0, Verdict.UNKNOWN: 0}
    assert found["uptime_results_stored_total", ()] == 300
    assert sum(value for key, value in found.items() if key[0] == "uptime_probe_duration_seconds_count") == 300
    assert all(value == 1 for key, value in found.items() if key[0] == "uptime_probe_success")
    again = samples(await scraped.text())
    assert again["uptime_results_stored_total", ()] == 300 + turns


async def test_the_text_of_probes_that_nothing_happened_to_is_not_written_again() -> None:
    async def turns_of_a_scrape() -> int:
        scrape, turns = asyncio.ensure_future(scraped.metrics.render()), 0
        while not scrape.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    scraped = many(300)
    first = await turns_of_a_scrape()
    scraped.check(0, Verdict.UP)
    assert await turns_of_a_scrape() <= first - 300 // PROBES_A_PIECE


async def test_scrapes_at_the_same_time_are_made_one_after_the_other() -> None:
    scraped = many(100)
    scraped.check(0, Verdict.UP)
    texts = await asyncio.gather(*(scraped.metrics.render() for _ in range(3)))
    assert len({samples(text.decode())["uptime_results_stored_total", ()] for text in texts}) == 1


@pytest.mark.parametrize("turns", [1, 5, 17, 19])
async def test_a_scrape_that_is_given_up_leaves_nothing_behind(turns: int) -> None:
    scraped = many(300)
    for place in range(300):
        scraped.check(place, Verdict.UP)
    scraped.recorded.wait(1)
    scrape = asyncio.ensure_future(scraped.metrics.render())
    for _ in range(turns):
        await asyncio.sleep(0)
    scrape.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scrape
    found = samples(await scraped.text())
    assert sum(value for key, value in found.items() if key[0] == "uptime_probe_success") == 300
