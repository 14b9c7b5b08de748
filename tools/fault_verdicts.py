"""What the probes find of every fault of the stand-in: `python -m tools.fault_verdicts` makes the table of the docs.

Each interface's faults have a platform of their own, watched by the probes of `config/demo.yaml`; once all of them are
up, the fault is switched on and each probe is asked again. What is not up then is in the table. The probes are as
patient here as on a platform that is far away, so that a busy machine is not taken for a fault; and for the same
reason a fault that seems to concern more than its own component, or nobody, is looked at again.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from monitor import logs
from monitor.clock import SystemClock
from monitor.config import Config, ProbeConfig, load, shipped_config
from monitor.demo import HOST, free_port, standin_environment
from monitor.facts import RecordedFacts
from monitor.inbox import StoredInbox
from monitor.offline import References
from monitor.one_shot import StoreOnDemand, receiving
from monitor.redaction import Redactor
from monitor.results import Result
from monitor.runner import run_check
from monitor.sla.model import Verdict
from probes.contract import Reason
from standin import StandIn, StandInSettings
from standin.catalogue import CATALOGUE
from standin.fault_model import Interface

BEGIN, END = "<!-- verdicts: begin -->\n", "<!-- verdicts: end -->"
PAGE = Path(__file__).resolve().parent.parent / "docs" / "faults.md"
AT_ONCE = 6
PATIENCE = 3  # times that of the demo, which is short so that a fault shows soon
LIMITS = ("timeout", "answer_timeout", "deadline", "arrival_deadline", "ready_within", "open_within")
WAITS = frozenset((*LIMITS, "launch", "page", "login", "data"))
UP_WITHIN_SECONDS = 90.0
LOOK_AGAIN_SECONDS = 2.0
PAUSE_SECONDS = 0.2
FIRST_SECONDS = 8.0  # until the first of everything that comes by the clock has come
ATTEMPTS = 3  # a machine that is busy for longer than the probes' patience looks like a platform that is down

# What a fault needs besides its defaults to show within a check of the demo's pace.
PARAMETERS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    **{(place.value, "slow"): {"seconds": 20.0} for place in Interface},
    ("api", "gzip-bomb"): {"mebibytes": 16},
    ("api", "shift"): {"seconds": 100.0},  # by a whole hour it would look like a wrongly set time zone
    # Into the past, and between two samples: of the future they would be the newest values for an hour.
    **{(interface, "shift"): {"seconds": -101.0} for interface in ("coap", "gateway", "mqtt")},
    ("api", "alter"): {"amount": 0.7},
    ("reports", "altered-samples"): {"amount": 0.7},
    ("backups", "altered-restore"): {"amount": 0.7},
}
# A fault that hits a part of the sensors is met once each of them has had its turn.
LOOKS = {"lost-partition": 2}
# What is missed only after a while, in seconds.
MISSED_AFTER = {"no-scheduled-report": 31.0}
# Faults that harm no customer, and why; whatever is not here must be seen by a probe.
HARMLESS = {
    ("coap", "wrong-schema"): "a sensor looks at the answer's code only",
    ("coap", "empty"): "an answer without payload is a proper one",
    ("gateway", "wrong-content-type"): "a gateway does not look at it",
    ("sms", "replayed"): "the receiver takes each message once",
    ("reference", "refuse"): "reference targets are asked only when a check has failed",
    ("reference", "timeout"): "reference targets are asked only when a check has failed",
}
# Interface → the component that answers for it; a fault of one that is not here is nobody's failure of the platform.
OWNERS = {
    "coap": "ingest",
    "gateway": "ingest",
    "mqtt": "ingest",
    "api": "api",
    "web": "frontend",
    "tls": "frontend",
    "dns": "frontend",
    "reports": "reports",
    "mail": "notifications",
    "sms": "notifications",
    "backups": "recovery",
    "operations": "operations",
}
# Figures that tell of a fault while the probe is up, and what they are otherwise.
TELLING = {"certificate_expiring": 0.0}
FIRST_FAILS = {"attempts": 1.0}  # only of the faults that a second attempt gets over; a busy machine needs one, too


@dataclass(frozen=True, slots=True, order=True)
class Case:
    interface: str
    fault: str

    def parameters(self) -> Mapping[str, Any]:
        return PARAMETERS.get((self.interface, self.fault), {})


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What one probe says of a fault, if it is not simply up."""

    component: str
    probe: str
    verdict: str
    what: str
    step: str

    def __str__(self) -> str:
        return f"{self.probe} says {self.what}" + (f" at `{self.step}`" if self.step else "")


def cases() -> list[Case]:
    return [
        Case(place.value, spec.name) for place in Interface for spec in CATALOGUE.values() if place in spec.interfaces
    ]


class Watch:
    """The demo's probes on one platform, without a daemon around them."""

    def __init__(self, config: Config, inbox: StoredInbox, facts: RecordedFacts) -> None:
        self._config = config
        self._inbox = inbox
        self._facts = facts

    @classmethod
    @asynccontextmanager
    async def on(cls, platform: StandIn, places: Mapping[str, str], folder: Path) -> "AsyncIterator[Watch]":
        environment = {
            **standin_environment(platform.addresses),
            **places,
            "DEMO_STORE": f"sqlite:///{folder / 'uptime.db'}",
        }
        file = folder / "patient.yaml"
        file.write_text(yaml.safe_dump(patient(yaml.safe_load(shipped_config("demo.yaml").read_text()))))
        config = await asyncio.to_thread(load, file, environment)
        async with (
            aclosing(StoreOnDemand(config.store_url)) as store,
            receiving(config, config.probes, store, SystemClock()) as inbox,
        ):
            yield cls(config, inbox, await store.facts())

    async def until_up(self) -> None:
        """Asks the probes that are not up, and those that send: what they send, others can verify only later."""
        probes = self._config.probes
        waiting, results = {probe.id for probe in probes}, list[Result]()
        try:
            async with asyncio.timeout(UP_WITHIN_SECONDS):
                while waiting:
                    asked = [each for each in probes if each.id in waiting or each.component == "ingest"]
                    results = [each for each in await self.look(asked) if each.verdict is not Verdict.UP]
                    waiting = {result.probe for result in results}
                    await asyncio.sleep(PAUSE_SECONDS)
        except TimeoutError:
            raise RuntimeError(f"not up again: {findings(results)}") from None

    async def go_on(self, seconds: float) -> None:
        """Lets the time pass as a daemon does, that is, looking."""
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            await self.look([probe for probe in self._config.probes if probe.component in ("ingest", "reports")])
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def look(self, probes: Sequence[ProbeConfig] | None = None) -> list[Result]:
        """Asks the probes, by default all, at the same time."""
        references = References(self._config.reference_targets, SystemClock())
        async with asyncio.TaskGroup() as group:
            chosen = self._config.probes if probes is None else probes
            tasks = [group.create_task(self._check(probe, references)) for probe in chosen]
        results = [task.result() for task in tasks]
        for result in results:
            self._facts.add(result.probe, result.marks, result.memory)
        return results

    async def _check(self, probe: ProbeConfig, references: References) -> Result:
        return await run_check(
            probe,
            location=self._config.location,
            clock=SystemClock(),
            facts=self._facts,
            redactor=Redactor(),
            inbox=self._inbox,
            offline=references.offline,
        )


def patient(demo: dict[str, Any]) -> dict[str, Any]:
    """The demo's configuration with longer waits."""
    for probe in demo["probes"]:
        probe.update({name: f"{PATIENCE * float(probe[name].removesuffix('s'))}s" for name in ("every", "timeout")})
        probe["options"] = _patient(probe["options"])
    for target in demo["references"]:
        target["timeout"] = f"{PATIENCE * float(target['timeout'].removesuffix('s'))}s"
    return demo


def _patient(options: Any) -> Any:
    if isinstance(options, dict):
        return {
            key: value * PATIENCE if key in WAITS and isinstance(value, int | float) else _patient(value)
            for key, value in options.items()
        }
    return options


@asynccontextmanager
async def watched(browser: bool) -> AsyncIterator[tuple[StandIn, Watch]]:
    """A platform and its watch, all probes up."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        web_port, smtp_port = free_port(HOST), free_port(HOST)
        notifications = {
            "smtp_host": HOST,
            "smtp_port": smtp_port,
            "sms_webhook_url": f"http://{HOST}:{web_port}/inbound/sms/standin",
        }
        settings = StandInSettings.model_validate(
            {
                "notifications": notifications,
                "backups": {"every_seconds": 1.0},
                "reports": {"scheduled": {"every_seconds": 3.0}},
            }
        )
        platform = await stack.enter_async_context(StandIn.start(settings))
        places = {"DEMO_WEB_PORT": str(web_port), "DEMO_SMTP_PORT": str(smtp_port), "DEMO_BROWSER": str(browser)}
        yield platform, await stack.enter_async_context(Watch.on(platform, places, folder))


async def found_on(interface: str, wanted: Sequence[Case]) -> dict[Case, list[Finding]]:
    """What the probes say of one fault after the other; each time all of them were up before."""
    told = {}
    # Only a browser sees a script that does not work, and it sees little else that the others do not.
    async with watched(browser=interface == "web") as (platform, watch):
        await watch.until_up()
        await watch.go_on(FIRST_SECONDS)
        for case in wanted:
            for _attempt in range(ATTEMPTS):
                told[case] = await _found(case, platform, watch)
                if as_expected(case, told[case]):
                    break
    return told


async def _found(case: Case, platform: StandIn, watch: Watch) -> list[Finding]:
    await watch.until_up()
    platform.faults.switch_on(case.interface, case.fault, **case.parameters())
    try:
        await watch.go_on(MISSED_AFTER.get(case.fault, 0.0))
        looks = [await watch.look() for _ in range(LOOKS.get(case.fault, 1))]
    finally:
        platform.faults.clear()
    return findings(looks[-1], TELLING | (FIRST_FAILS if case.fault == "fail-first" else {}))


def findings(results: Sequence[Result], telling: Mapping[str, float] = TELLING) -> list[Finding]:
    told = []
    for result in results:
        if result.verdict is not Verdict.UP:
            told.append(Finding(result.component, result.probe, result.verdict.value, result.reason, result.step or ""))
        else:
            told += [
                Finding(result.component, result.probe, "up", f"`{name}` {result.figures[name]:g}", "")
                for name, usual in telling.items()
                if result.figures.get(name, usual) > usual
            ]
    return sorted(set(told))


def as_expected(case: Case, said: Sequence[Finding]) -> bool:
    """Whether the fault's own component is all that is down, and something is said unless the fault is harmless.

    A look that found nothing to verify came too early for its probe, whatever the fault is.
    """
    blamed = {each.component for each in said if each.verdict == "down"}
    seen = bool(said) or (case.interface, case.fault) in HARMLESS
    early = any(each.what == Reason.NOTHING_TO_VERIFY for each in said)
    return seen and not early and blamed <= {OWNERS.get(case.interface, "")}


def all_found(wanted: Sequence[Case]) -> dict[Case, list[Finding]]:
    """Each interface's faults in a process of its own; several at the same time, because most of it is waiting."""
    # The one with the browser takes longest, so it comes first.
    interfaces = sorted({case.interface for case in wanted}, key=lambda name: (name != "web", name))
    with ProcessPoolExecutor(AT_ONCE, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        lanes = [
            pool.submit(_lane, interface, [case for case in wanted if case.interface == interface])
            for interface in interfaces
        ]
        told = {case: said for lane in lanes for case, said in lane.result().items()}
    return {case: told[case] for case in wanted}


def _lane(interface: str, wanted: Sequence[Case]) -> dict[Case, list[Finding]]:
    logs.configure("critical", "console", Redactor())
    return asyncio.run(found_on(interface, wanted))


HEAD = "| fault | what is found | what is not known meanwhile |\n| --- | --- | --- |\n"


def row(case: Case, said: Sequence[Finding]) -> str:
    """One line of the table; a fault that nobody sees and that is not harmless is an error in itself."""
    found = [f"**{each.component}** {each.verdict}: {each}" for each in said if each.verdict == "down"]
    found += [str(each) for each in said if each.verdict == "up"]
    unknown = [f"{each.component}: {each}" for each in said if each.verdict == "unknown"]
    nothing = HARMLESS.get((case.interface, case.fault), "" if unknown else "NOT SEEN")
    cells = f"`{case.interface} {case.fault}`", "<br>".join(found) or nothing or "–", "<br>".join(unknown) or "–"
    return "| " + " | ".join(cells) + " |"


def written(text: str) -> dict[Case, str]:
    """The rows of the page's table."""
    table = text.partition(BEGIN)[2].partition(END)[0].removeprefix(HEAD)
    rows = {}
    for line in table.splitlines():
        interface, _, fault = line.split("`")[1].partition(" ")
        rows[Case(interface, fault)] = line
    return rows


def main() -> None:
    """`--write` renews the page, which takes a few minutes; names of interfaces choose what is shown."""
    chosen = [case for case in cases() if not set(sys.argv[1:]) - {"--write"} or case.interface in sys.argv[1:]]
    told = all_found(chosen)
    table = HEAD + "".join(row(case, said) + "\n" for case, said in told.items())
    if "--write" in sys.argv[1:]:
        text = PAGE.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        PAGE.write_text(before + BEGIN + table + END + rest.partition(END)[2], encoding="utf-8")
    else:
        sys.stdout.write(table)


if __name__ == "__main__":
    main()
