"""`efento-uptime explain`: the whole story of one outage, from the store alone."""

import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from monitor.commands.options import EXIT_CONFIGURATION, config_option, json_option, load_config, run_with_store

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.sla.outages import Outage
    from monitor.sla.record import Record
    from monitor.sla.story import Story
    from monitor.store import Evidence, Store, StoredResult

FIRST_CHECKS, LAST_CHECKS = 30, 20


@dataclass(slots=True)
class Checks:
    """The checks around an outage, the middle of many left out; `first_failure` is the outage's first failed one."""

    first: "list[StoredResult]" = field(default_factory=list)
    last: "deque[StoredResult]" = field(default_factory=lambda: deque(maxlen=LAST_CHECKS))
    count: int = 0
    first_failure: "StoredResult | None" = None

    @property
    def left_out(self) -> int:
        return self.count - len(self.first) - len(self.last)

    def add(self, check: "StoredResult") -> None:
        self.count += 1
        if len(self.first) < FIRST_CHECKS:
            self.first.append(check)
        else:
            self.last.append(check)

    @property
    def shown(self) -> "Sequence[StoredResult]":
        return [*self.first, *self.last]


@dataclass(frozen=True, slots=True)
class Explained:
    """All that the command shows. `evidence` is that of the first failed check, where any was kept."""

    as_of_ms: int
    story: "Story"
    checks: Checks
    evidence: "Evidence | None"


@click.command()
@click.argument("outage_text", metavar="OUTAGE")
@config_option
@json_option
def explain(outage_text: str, config_path: str | None, as_json: bool) -> None:
    """Tell an outage's story: the last success before it, its checks and evidence, blips near it, windows that touch
    it, its deadlines, and what was done about it.

    OUTAGE is an id that `efento-uptime outages` shows, or as much of its beginning as belongs to no other.
    """
    from monitor.clock import SystemClock, to_milliseconds
    from monitor.outage_log import OutageError

    config = load_config(config_path)
    now_ms = to_milliseconds(SystemClock().now())
    try:
        explained = _read(config, outage_text, now_ms)
    except OutageError as error:
        click.echo(f"efento-uptime: {error}", err=True)
        sys.exit(EXIT_CONFIGURATION)
    if as_json:
        import json

        from monitor.commands.story_texts import story_json

        click.echo(json.dumps(story_json(explained), indent=2))
    else:
        from monitor.commands.story_texts import print_story

        print_story(explained, config.zone)


def _read(config: "Config", outage_text: str, now_ms: int) -> Explained:
    """Raises `OutageError` where there is no such outage."""
    from monitor.calendars import public_holidays
    from monitor.outage_log import find_outage, record_of
    from monitor.sla.story import story_of

    async def found(store: "Store") -> "tuple[Record, Outage]":
        record = await record_of(store, config, now_ms)
        return record, await find_outage(record, outage_text)

    story = story_of(*run_with_store(config, found), public_holidays)

    async def explained(store: "Store") -> Explained:
        checks = await _checks(store, story)
        failure = checks.first_failure
        return Explained(now_ms, story, checks, None if failure is None else await store.evidence(failure.id))

    return run_with_store(config, explained)


async def _checks(store: "Store", story: "Story") -> Checks:
    from contextlib import aclosing

    checks = Checks()
    async with aclosing(store.results(*story.checks)) as results:
        async for check in results:
            if check.probe in story.probes:
                checks.add(check)
                if checks.first_failure is None and _is_failure_of(check, story.outage):
                    checks.first_failure = check
    return checks


def _is_failure_of(check: "StoredResult", outage: "Outage") -> bool:
    return check.started_ms >= outage.start_ms and check.verdict.value == "down" and check.probe in outage.probes
