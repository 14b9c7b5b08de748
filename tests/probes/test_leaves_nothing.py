"""A check may be cut off at any moment, by its deadline or by a stop of the daemon: nothing of it stays at the platform
or here, and the next check is as good as any."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest

import probes
from monitor.clock import SystemClock
from monitor.config import Config, ProbeConfig, load, shipped_config
from monitor.demo import HOST, browser_is_here, free_port, standin_environment
from monitor.facts import RecordedFacts
from monitor.inbox import StoredInbox
from monitor.one_shot import StoreOnDemand, receiving
from monitor.redaction import Redactor
from monitor.results import Result
from monitor.runner import run_check
from monitor.sla.model import Verdict
from probes.contract import ProbeOptions, Reason
from standin import StandIn, StandInSettings
from tests.probes.servers import eventually, open_sockets

PROBES = Path(probes.__file__).parent
CLOCK = SystemClock()
BROWSER = browser_is_here()
DEMO = shipped_config("demo.yaml")
CUTS = 20  # at as many moments of a check's usual time; every second one is a cancel, the others are deadlines
BROWSER_CUTS, BROWSERS_AT_ONCE = 6, 2  # each is a second or two of both processors
PATIENCE_SECONDS = 15.0

pytestmark = pytest.mark.timeout(60)


def sensor(kind: str, number: int) -> str:
    """No two probes share one: the values of one would raise and end the alarms of the other."""
    return f"282C02FE{'E' if kind == 'notification_email' else '5'}{number:03X}"


def rules() -> list[dict[str, Any]]:
    receivers = {"notification_email": {"emails": ["probe@uptime.example"]}, "notification_sms": {"phones": ["+48500"]}}
    return [
        {"name": f"{kind}-{number}", "threshold": 60.0, "hysteresis": 1.0, "serials": [sensor(kind, number)], **to}
        for kind, to in receivers.items()
        for number in range(CUTS)
    ]


@dataclass
class Stage:
    """The platform, the receivers of its messages, and what a daemon would have on record."""

    platform: StandIn
    config: Config
    inbox: StoredInbox
    facts: RecordedFacts
    backups: Path
    temporary: Path
    sockets: int

    def probes_of(self, kind: str, number: int) -> list[ProbeConfig]:
        """So many probes that can check at the same time."""
        base = next(probe for probe in self.config.probes if probe.kind.name == kind)
        return [
            replace(base, id=f"{kind}-{each}", options=options_of(base, each), timeout_seconds=PATIENCE_SECONDS)
            for each in range(number)
        ]

    async def check(self, probe: ProbeConfig, *, one_shot: bool = False) -> Result:
        result = await run_check(
            probe,
            location="test",
            clock=CLOCK,
            facts=self.facts,
            redactor=Redactor(),
            inbox=self.inbox,
            one_shot=one_shot,
        )
        if not one_shot:
            self.facts.add(result.probe, result.marks, result.memory)
        return result

    async def check_all(self, chosen: Sequence[ProbeConfig]) -> list[Result]:
        return list(await asyncio.gather(*(self.check(probe) for probe in chosen)))

    async def until_up(self, chosen: Sequence[ProbeConfig]) -> float:
        """The first checks of a new probe may have nothing to look at yet; returns how many seconds one takes."""
        async with asyncio.timeout(30):
            results: list[Result] = []
            while {result.verdict for result in results} != {Verdict.UP}:
                await self.check_all([probe for probe in self.config.probes if probe.component == "ingest"])
                results = await self.check_all(chosen)
        return median(result.duration_us for result in results) / 1_000_000

    async def left_at_the_platform(self) -> dict[str, object]:
        alerts = await self.platform.storage.alerts()
        made = await self.platform.storage.rows("SELECT kind, fields FROM operations_objects")
        restores = self.backups / "restores"
        return {
            "alerts": [alert["serial"] for alert in alerts if alert["neutralized_ms"] is None],
            "objects": [tuple(row) for row in made],
            "restores": [entry.name for entry in restores.iterdir()] if restores.exists() else [],
        }


NOTHING: Mapping[str, object] = {"alerts": [], "objects": [], "restores": []}


def options_of(probe: ProbeConfig, number: int) -> ProbeOptions:
    """As in the demo, but for what two probes may not share, with more patience, as all of them check at the same time,
    and so that a drill is due at each check."""
    options: Any = probe.options
    changes: dict[str, object] = {}
    if probe.kind.name.startswith("notification"):
        changes = {"sensor": sensor(probe.kind.name, number), "rule": f"{probe.kind.name}-{number}", "linger": 0.2}
        changes |= {"gateway": patient(options.gateway), "arrival_deadline": PATIENCE_SECONDS}
    elif probe.kind.name == "recovery":
        drill = {"every": 0.0, "endpoint": patient(options.drill.endpoint), "max_restore": PATIENCE_SECONDS}
        changes = {"drill": options.drill.model_copy(update=drill), "manifest": patient(options.manifest)}
    elif probe.kind.name in ("report", "operations"):
        changes = {"interface": patient(options.interface)}
    if probe.kind.name == "report":
        changes |= {"ready_within": PATIENCE_SECONDS, "open_within": PATIENCE_SECONDS}
    found: ProbeOptions = options.model_copy(update=changes)
    return found


def patient(options: ProbeOptions) -> ProbeOptions:
    return options.model_copy(update={"timeout": PATIENCE_SECONDS})


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A place with a short name: a browser puts sockets into it, whose paths may have 107 characters."""
    with tempfile.TemporaryDirectory(prefix="cut-") as name:
        yield Path(name)


@pytest.fixture
async def stage(tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    web_port, smtp_port = free_port(HOST), free_port(HOST)
    receivers = {"smtp_host": HOST, "smtp_port": smtp_port}
    webhook = {"sms_webhook_url": f"http://{HOST}:{web_port}/inbound/sms/standin"}
    backups = tmp_path / "backups"
    settings = StandInSettings.model_validate(
        {
            "rules": rules(),
            "notifications": receivers | webhook,
            "backups": {"every_seconds": 0.5, "directory": backups},
        }
    )
    async with StandIn.start(settings) as platform:
        # Here, and for the processes that are started from here: so each of them can be told from all others.
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        monkeypatch.setenv("TMPDIR", str(temporary))
        environment = {
            **standin_environment(platform.addresses),
            "DEMO_WEB_PORT": str(web_port),
            "DEMO_SMTP_PORT": str(smtp_port),
            "DEMO_BROWSER": str(BROWSER).lower(),
            "DEMO_STORE": f"sqlite:///{tmp_path / 'uptime.db'}",
        }
        config = await asyncio.to_thread(load, DEMO, environment)
        async with (
            aclosing(StoreOnDemand(config.store_url)) as store,
            receiving(config, config.probes, store, CLOCK) as inbox,
        ):
            facts = await store.facts()
            yield Stage(platform, config, inbox, facts, backups, temporary, open_sockets())


def processes_with(folder: Path) -> list[str]:
    """The processes, but ours, that were started with this place for temporary files, however they detached."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdecimal() and f"TMPDIR={folder}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


def tasks_of_probes() -> list[str]:
    found = []
    for task in asyncio.all_tasks():
        code = getattr(task.get_coro(), "cr_code", None)
        if code is not None and Path(code.co_filename).is_relative_to(PROBES):
            found.append(repr(task))
    return found


async def assert_nothing_is_left(stage: Stage) -> None:
    assert tasks_of_probes() == []
    assert processes_with(stage.temporary) == []
    assert list(stage.temporary.iterdir()) == []
    # The platform may still be at what it was asked to do, and its ends of connections are in this process, too.
    async with asyncio.timeout(5):
        while await stage.left_at_the_platform() != NOTHING:  # noqa: ASYNC110  what is on a disk is no event
            await asyncio.sleep(0.02)
    await eventually(lambda: open_sockets() == stage.sockets)


async def cut(stage: Stage, probe: ProbeConfig, seconds: float, *, by_deadline: bool, one_shot: bool) -> str:
    """One check that ends after so many seconds at the latest; tells how it ended."""
    if by_deadline:
        result = await stage.check(replace(probe, timeout_seconds=seconds), one_shot=one_shot)
        return result.reason or "up"
    check = asyncio.create_task(stage.check(probe, one_shot=one_shot), name=f"check[{probe.id}]")
    await asyncio.wait([check], timeout=seconds)
    check.cancel()
    (ended,) = await asyncio.gather(check, return_exceptions=True)
    if isinstance(ended, asyncio.CancelledError):
        return "cancelled"
    assert isinstance(ended, Result), ended
    return ended.reason or "up"


async def cut_all(
    stage: Stage, chosen: Sequence[ProbeConfig], usual: float, *, at_once: int = CUTS, one_shot: bool = False
) -> None:
    """Each at another moment. Fails unless that cut off many of them, by deadlines as well as by cancels."""
    turns = asyncio.Semaphore(at_once)

    async def one(number: int, probe: ProbeConfig, longest: float) -> str:
        seconds = longest * (number + 0.5) / len(chosen)
        async with turns:
            return await cut(stage, probe, seconds, by_deadline=number % 2 == 0, one_shot=one_shot)

    ends: list[str] = []
    for share in (1.0, 0.4, 0.15):  # a machine that was busy while the usual time was measured is quicker now
        ends += await asyncio.gather(*(one(number, probe, share * usual) for number, probe in enumerate(chosen)))
        deadlines = [end for end in ends if end in (Reason.DEADLINE, Reason.BLOCKED)]  # or at another's step
        if min(len(deadlines), ends.count("cancelled")) >= len(chosen) // 3:
            return
    pytest.fail(f"hardly any was cut off: {ends}")


@pytest.mark.parametrize("kind", ["notification_email", "notification_sms", "operations", "report"])
async def test_a_check_that_is_cut_off_leaves_nothing(stage: Stage, kind: str) -> None:
    chosen = stage.probes_of(kind, CUTS)
    await cut_all(stage, chosen, await stage.until_up(chosen))
    await assert_nothing_is_left(stage)
    assert {result.verdict for result in await stage.check_all(chosen)} == {Verdict.UP}
    await assert_nothing_is_left(stage)


async def test_a_drill_that_is_cut_off_for_good_leaves_no_restore(stage: Stage) -> None:
    """Of a one-shot check: nobody would come back to it."""
    chosen = stage.probes_of("recovery", CUTS)
    await cut_all(stage, chosen, await stage.until_up(chosen), one_shot=True)
    await assert_nothing_is_left(stage)


async def test_a_drill_that_is_cut_off_is_gone_on_with_by_the_next_check(stage: Stage) -> None:
    chosen = stage.probes_of("recovery", CUTS)
    await cut_all(stage, chosen, await stage.until_up(chosen))
    assert {result.verdict for result in await stage.check_all(chosen)} == {Verdict.UP}
    await assert_nothing_is_left(stage)


@pytest.mark.skipif(not BROWSER, reason="needs Chromium and Playwright")
async def test_a_browser_that_is_cut_off_leaves_nothing(stage: Stage) -> None:
    chosen = stage.probes_of("frontend_browser", BROWSER_CUTS)
    usual = await stage.until_up(chosen[:BROWSERS_AT_ONCE])
    await cut_all(stage, chosen, usual, at_once=BROWSERS_AT_ONCE)
    await assert_nothing_is_left(stage)
