"""Every expression of every rule and of every dashboard is asked of a real Prometheus, and has something to say.

What it scrapes is a daemon with all kinds of probes, during an outage, which has sealed and was restarted; the host;
Alertmanager; itself. An alert whose expression names a series or a label that does not exist would wait for ever.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.demo import HOST, free_port, standin_environment
from tests.e2e.daemons import DaemonProcess, StandIn, Status, fetch
from tests.e2e.listener import listening
from tests.e2e.paging import CONFIG, Alertmanager, Prometheus, alertmanager_config, paging, prometheus_config
from tests.e2e.processes import Keeper, Process, run, until
from tests.grafana.queries import expressions
from tests.real_servers import command

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(180)]

PEER_TOKEN = "0123456789abcdef"
JOBS = 4
SCRAPES = 5  # of everything, once all is as it is to be: rates and ranges need some
SILENT = {
    r"component:uptime_error:ratio\w+{component=.*}": "half of the window, which is hours, must have been observed",
    r'probe:uptime_check_age:seconds{probe=~"frontend-name"}': "the demo has no probe of this name and pace",
    r'uptime_probe_figure{.*figure=~"late_(messages|seconds)"}': "no message came late",
    r'ALERTS{alertname="PlatformDown", alertstate="firing"}': "the platform is not down",
    r"node_systemd_unit_state{.*}": "node_exporter must be told to ask the service manager, and here is none",
}
"""Selectors, as regular expressions, that find no series in this run, and why that is right."""


def rules() -> Iterator[tuple[str, str]]:
    """Every rule's name and expression."""
    for group in groups():
        for rule in group["rules"]:
            yield rule.get("alert") or rule["record"], rule["expr"]


@cache
def groups() -> list[dict[str, Any]]:
    files = sorted((CONFIG / "prometheus" / "rules").glob("*.yml"))
    return [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]


@cache
def asked() -> dict[str, str]:
    """Every expression by a name for people; those of one name are numbered."""
    found: dict[str, str] = {}
    for name, expression in [*rules(), *panels()]:
        names = (name, *(f"{name} {number}" for number in range(2, 100)))
        found[next(each for each in names if each not in found)] = expression
    return found


def panels() -> Iterator[tuple[str, str]]:
    """Every dashboard's and panel's name and an expression of it."""
    return ((f"{each.dashboard}: {each.panel}", each.expr) for each in expressions())


_KEPT = r'("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|\{[^{}]*\})'
_COMPARED = r"\s*(?:==|!=|>=|<=|<|>)(?:\s*bool\b)?\s*"
_GROUPED = r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)"
_SELECTED = r"(?<![\w:.$])([a-zA-Z_:][\w:]*)(\s*\{[^{}]*\})?(?!\s*\(|[\w:])"
_WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "inf", "nan", "e"}


def operands(expression: str) -> str:
    """The expression with every comparison made a subtraction, and what asks whether something is missing, whether it
    is there. So it finds something where all that it names is there, whatever the values are."""
    found = re.sub(f"{_KEPT}|{_COMPARED}", lambda token: token[1] or " - ", expression)
    found = re.sub(r"\babsent(_over_time)?\(", lambda token: f"count{token[1] or ''}(", found)
    return re.sub(f"{_KEPT}|\\bunless\\b", lambda token: token[1] or "and", found)


def selectors(expression: str) -> set[str]:
    """The series that it names, with their matchers."""
    plain = re.sub(_GROUPED, " ", expression)
    return {name + (matchers or "").strip() for name, matchers in re.findall(_SELECTED, plain) if name not in _WORDS}


@dataclass(frozen=True)
class Scene:
    """A platform, and what watches it, at addresses that are known before anything runs."""

    folder: Path
    port: int
    variables: Mapping[str, str]
    sections: Mapping[str, Any]

    @property
    def config(self) -> Path:
        return self.folder / "uptime.yaml"

    def configure(self) -> None:
        """The demo's configuration with what `env:` refers to in its place, and with alerting."""
        text = (CONFIG / "demo.yaml").read_text()
        text = re.sub(
            r"env:(\w+)(?::-([^\"\s,}\]]*))?", lambda found: self.variables.get(found[1], found[2] or ""), text
        )
        self.config.write_text(yaml.safe_dump(yaml.safe_load(text) | self.sections))

    def run(self, keep: Keeper) -> DaemonProcess:
        daemon = keep(DaemonProcess(self.config)).ready()
        assert fetch(f"http://{HOST}:{self.port}/ping/{PEER_TOKEN}", "POST").status == 200
        return daemon


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, keep_for_all: Keeper) -> Iterator[Prometheus]:
    """As it is a few scrapes after all that."""
    folder = tmp_path_factory.mktemp("expressions")
    pager = keep_for_all.enter_context(paging())
    alertmanager = Alertmanager(folder, alertmanager_config(pager.url))
    prometheus = Prometheus(folder)
    with alertmanager, listening() as pinged:
        platform, scene = staged(folder, keep_for_all, alertmanager.url, pinged.url())
        targets = {
            "efento-uptime": [f"{HOST}:{scene.port}"],
            "node": [node_exporter(folder, keep_for_all)],
            "alertmanager": [alertmanager.address],
            "prometheus": [prometheus.address],
        }
        prometheus.configure(prometheus_config(at_once(folder), targets, alertmanager.address, {}, "1s"))
        with prometheus:
            go_through(scene, platform, keep_for_all)
            settled(prometheus)
            yield prometheus


def staged(folder: Path, keep: Keeper, alertmanager: str, pinged: str) -> tuple[StandIn, Scene]:
    port, smtp = free_port(HOST), free_port(HOST)
    webhook = f"http://{HOST}:{port}/inbound/sms/standin"
    platform = keep(StandIn(folder / "platform", "--smtp", f"{HOST}:{smtp}", "--sms-webhook", webhook)).ready()
    variables = {
        **standin_environment(platform.addresses),
        "DEMO_STORE": f"sqlite:///{folder / 'uptime.db'}",
        "DEMO_WEB_PORT": str(port),
        "DEMO_WEB_URL": f"http://{HOST}:{port}",
        "DEMO_SMTP_PORT": str(smtp),
    }
    sections = {
        "log": {"format": "json"},
        "alerting": {"alertmanagers": [{"url": alertmanager}], "resend": "1s"},
        "ping": {"url": pinged, "every": "1s", "method": "GET"},
        "peers": {"dublin": {"token": PEER_TOKEN}},
    }
    scene = Scene(folder, port, variables, sections)
    scene.configure()
    return platform, scene


def node_exporter(folder: Path, keep: Keeper) -> str:
    """Started; its address."""
    address = f"{HOST}:{free_port(HOST)}"
    exporter = Path(command("prometheus-node-exporter").argv[0])
    process = keep(Process([f"--web.listen-address={address}"], cwd=folder, command=exporter))

    def answers() -> bool:
        try:
            return fetch(f"http://{address}/metrics").status == 200
        except OSError:
            return False

    process.shown(answers, "node_exporter")
    return address


def at_once(folder: Path) -> Path:
    """The committed rules in a file, all evaluated at Prometheus' pace."""
    file = folder / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{**group, "interval": "1s"} for group in groups()]}))
    return file


def go_through(scene: Scene, platform: StandIn, keep: Keeper) -> None:
    """Up, then two outages, a seal, and a restart during the outages, which go on."""

    def up(status: Status) -> bool:
        return {each["state"] for each in status.content["components"]} == {"up"}

    def down(status: Status) -> bool:
        """A blocker, and a major, which has a deadline for its response, too."""
        return {status.state("ingest"), status.state("operations")} == {"down"}

    daemon = scene.run(keep)
    daemon.shows(up, "all up", 60)
    platform.switch("PUT", "coap", "refuse")
    platform.switch("PUT", "operations", "refuse")
    daemon.shows(down, "outages", 40)
    sealed = run("seal", "-c", str(scene.config), cwd=scene.folder)
    assert sealed.returncode == 0, sealed.stderr
    daemon.kill()
    daemon.close()
    restarted = scene.run(keep)
    restarted.shows(down, "the outages go on", 40)
    probes = {each["id"] for each in restarted.status().content["probes"]}

    def checked() -> set[str]:
        """Of the newest check alone it tells how long it took and what else it measured."""
        return {entry["probe"] for entry in restarted.logs("check.finished")}

    restarted.shown(lambda: checked() == probes, "a check of every probe since", 40)


def settled(prometheus: Prometheus) -> None:
    """Waits until it has scraped everything some times, and evaluated every rule afterwards."""
    until(lambda: len(prometheus.query("up == 1")) == JOBS, "every job is scraped")
    firsts = [group["rules"][0] for group in groups()]
    evaluated = [prometheus.evaluating(SCRAPES, rule.get("alert") or rule["record"]) for rule in firsts]
    until(lambda: all(each() for each in evaluated), "every rule evaluated")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("max by (a) (x{b=\"==\",c!='>'}) == 1", "max by (a) (x{b=\"==\",c!='>'}) - 1"),
        ("x - time() < 7200 and on(a) y == bool 1", "x - time() - 7200 and on(a) y - 1"),
        ("absent(x) or absent_over_time(y[5m]) unless z", "count(x) or count_over_time(y[5m]) and z"),
    ],
)
def test_operands(expression: str, expected: str) -> None:
    assert operands(expression) == expected


def test_selectors() -> None:
    expression = (
        'sum by (job) (rate(a:b{c="d", e=~"f|g"}[5m])) / on (job) group_left (x) up - time() > 1e3 and z offset 5m'
    )
    assert selectors(expression) == {'a:b{c="d", e=~"f|g"}', "up", "z"}


@pytest.mark.parametrize("name", asked())
def test_an_expression_finds_what_it_names(prometheus: Prometheus, name: str) -> None:
    expression = asked()[name]
    missing = {each for each in selectors(expression) if not prometheus.query(each)}
    assert missing == {each for each in selectors(expression) if is_silent(each)}, expression
    prometheus.query(expression)
    if not missing:
        assert prometheus.query(operands(expression)), operands(expression)


def is_silent(selector: str) -> bool:
    return any(re.fullmatch(each, selector) for each in SILENT)


def test_every_exception_is_needed() -> None:
    named = set().union(*map(selectors, asked().values()))
    assert [each for each in SILENT if not any(re.fullmatch(each, selector) for selector in named)] == []
