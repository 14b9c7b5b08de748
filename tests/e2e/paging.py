"""Everything between a failing check and the pager, as processes: daemon, Prometheus, Alertmanager, the pager's end.

Prometheus and Alertmanager run on the configurations in `config/`; only addresses and intervals are others.
"""

import asyncio
import json
import signal
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from monitor.demo import HOST, free_port
from tests.alerting.servers import Notification, WebhookReceiver, alertmanager
from tests.e2e.daemons import fetch, sum_of
from tests.e2e.processes import Process, until
from tests.real_servers import command

CONFIG = Path(__file__).resolve().parents[2] / "config"
DEAD_MANS_SWITCH = "dead-mans-switch"  # its receiver
Targets = Mapping[str, Sequence[str]]
"""Host and port of each target, by the name of the scrape job."""


def alertmanager_config(pager: str, group_interval: str | None = None) -> str:
    """The committed configuration, whose receivers are all webhooks: `pager`/NAME of the receiver.

    With a `group_interval` that is the interval of all routes, and the dead man's switch is told of at each.
    """
    content = yaml.safe_load((CONFIG / "alertmanager" / "alertmanager.yml").read_text())
    content["receivers"] = [_as_webhook(receiver, pager) for receiver in content["receivers"]]
    content.pop("templates")  # what webhooks are sent is not worded by them
    if group_interval is not None:
        for route in _routes(content["route"]):
            route["group_interval"] = group_interval
            if route["receiver"] == DEAD_MANS_SWITCH:
                route["repeat_interval"] = "1ms"
    return yaml.safe_dump(content)


def _as_webhook(receiver: dict[str, Any], pager: str) -> dict[str, Any]:
    """A receiver that tells nobody stays so; one that does not tell of the end of an alert does not here either."""
    told = [each for key, entries in receiver.items() if key.endswith("_configs") for each in entries]
    if not told:
        return {"name": receiver["name"]}
    resolved = any(each.get("send_resolved", True) for each in told)
    return {
        "name": receiver["name"],
        "webhook_configs": [{"url": f"{pager}/{receiver['name']}", "send_resolved": resolved}],
    }


def _routes(route: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield route
    for each in route.get("routes", ()):
        yield from _routes(each)


def prometheus_config(
    rules: Path, targets: Targets, alertmanager: str, labels: Mapping[str, str], pace: str | None = None
) -> str:
    """The committed configuration with these rules, targets and external labels; jobs without a target are left out.

    `pace`, if given, is how often it scrapes and evaluates.
    """
    content = yaml.safe_load((CONFIG / "prometheus" / "prometheus.yml").read_text())
    jobs = [job for job in content["scrape_configs"] if job["job_name"] in targets]
    missing = targets.keys() - {job["job_name"] for job in jobs}
    assert not missing, f"config/prometheus/prometheus.yml has no job {missing}"
    content["rule_files"] = [str(rules)]
    content["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [alertmanager]}]}]
    content["global"]["external_labels"] = dict(labels)
    content["scrape_configs"] = [_aimed(job, targets[job["job_name"]], pace) for job in jobs]
    if pace is not None:
        content["global"] |= {"scrape_interval": pace, "scrape_timeout": pace, "evaluation_interval": pace}
    return yaml.safe_dump(content)


def _aimed(job: dict[str, Any], targets: Sequence[str], pace: str | None) -> dict[str, Any]:
    others = ("scrape_interval", "scrape_timeout") if pace is not None else ()
    kept = {key: value for key, value in job.items() if key not in others and not key.endswith("_sd_configs")}
    return {**kept, "static_configs": [{"targets": list(targets)}]}


class Prometheus:
    """A Prometheus with its storage in a folder; it may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._config = folder / "prometheus.yml"
        self.address = f"{HOST}:{free_port(HOST)}"
        self._process: Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None

    def configure(self, text: str) -> None:
        """From its next start on."""
        self._config.write_text(text)

    def __enter__(self) -> "Prometheus":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        found = command("prometheus")
        arguments = [
            f"--config.file={self._config}",
            f"--storage.tsdb.path={self._folder / 'prometheus'}",
            f"--web.listen-address={self.address}",
        ]
        self._process = Process(arguments, cwd=self._folder, command=Path(found.argv[0]))
        self._process.shown(self._ready, "Prometheus knows its Alertmanager")

    def stop(self) -> None:
        """As a service is stopped. Its alerts stay with Alertmanager until they run out."""
        assert self._process is not None
        self._process.send(signal.SIGTERM)
        self._process.ended(20)
        self.close()

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def firing(self, alertname: str, **labels: str) -> list[dict[str, str]]:
        """The labels of such alerts, as Prometheus has them (without its external labels)."""
        wanted = {"alertname": alertname, **labels}
        firing = [each["labels"] for each in self.asked("alerts")["alerts"] if each["state"] == "firing"]
        return [found for found in firing if wanted.items() <= found.items()]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query's answer; fails where Prometheus refuses it."""
        answer = self.asked(f"query?query={quote(expression, safe='')}")
        return [answer["result"]] if answer["resultType"] in ("scalar", "string") else list(answer["result"])

    def asked(self, what: str) -> Any:
        """What `/api/v1/WHAT` answers."""
        answer = fetch(f"http://{self.address}/api/v1/{what}")
        content = json.loads(answer.text)
        assert content["status"] == "success", f"{what}: {content}"
        return content["data"]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of what it exports about itself."""
        return sum_of(fetch(f"http://{self.address}/metrics").text, name, **labels)

    def evaluating(self, times: int, alertname: str = "ComponentDown") -> Callable[[], bool]:
        """Whether the group of this alert was evaluated so often from now on, and what came of it was sent."""
        groups = self.asked("rules")["groups"]
        (group,) = (each for each in groups if alertname in [rule["name"] for rule in each["rules"]])
        name, counter = f"{group['file']};{group['name']}", "prometheus_rule_group_iterations_total"
        enough = self.metric(counter, rule_group=name) + times

        def evaluated() -> bool:
            """Of a stopped one nothing will come any more."""
            return not self.running or (
                self.metric(counter, rule_group=name) >= enough
                and self.metric("prometheus_notifications_queue_length") == 0
            )

        return evaluated

    def _ready(self) -> bool:
        """What it has to tell before it knows an Alertmanager, which may take 5 s, it tells a minute later."""
        try:
            return self.metric("prometheus_notifications_alertmanagers_discovered") == 1
        except OSError:
            return False


class Alertmanager:
    """An Alertmanager with its storage in a folder; it may be stopped, by SIGTERM, and started again."""

    def __init__(self, folder: Path, config: str) -> None:
        self._folder, self._config = folder, config
        self._port = free_port(HOST)
        self._running = ExitStack()
        self.running = False
        self.address = f"{HOST}:{self._port}"
        self.url = f"http://{self.address}"

    def start(self) -> None:
        """Its alerts are gone after a stop; what it has notified of is not."""
        if not self.running:
            self._running.enter_context(alertmanager(self._config, self._folder, port=self._port))
            self.running = True

    def beat(self, labels: Mapping[str, str]) -> None:
        """Tells it of the dead man's switch now, as Prometheus would within its minute."""
        alert = {"labels": {"alertname": "DeadMansSwitch", "severity": "none", **labels}}
        request = urllib.request.Request(f"{self.url}/api/v2/alerts", json.dumps([alert]).encode())
        request.add_header("Content-Type", "application/json")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
            assert answer.status == 200

    def stop(self) -> None:
        self._running.close()
        self.running = False

    def __enter__(self) -> "Alertmanager":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def alerts(self, **labels: str) -> list[dict[str, Any]]:
        """What it holds that has these labels, inhibited or not; what has ended it no longer shows."""
        found = json.loads(fetch(f"{self.url}/api/v2/alerts").text)
        return [each for each in found if labels.items() <= each["labels"].items()]


class Pager:
    """Where Alertmanager's notifications arrive, in a thread of its own."""

    def __init__(self, receiver: WebhookReceiver) -> None:
        self._receiver = receiver
        self._forgotten = 0

    @property
    def url(self) -> str:
        return self._receiver.url

    def forget(self) -> None:
        """What came so far belongs to another scenario."""
        self._forgotten = len(self._receiver.notifications)

    def notifications(self) -> list[Notification]:
        """What came of anything but the dead man's switch."""
        return [each for each in self._receiver.notifications[self._forgotten :] if each.path != f"/{DEAD_MANS_SWITCH}"]

    def hearing(self, times: int) -> Callable[[], bool]:
        """Whether Alertmanager looked so often from now on what there is to tell: each time it tells the dead man's
        switch."""
        enough = len(self._beats()) + times
        return lambda: len(self._beats()) >= enough

    def _beats(self) -> list[Notification]:
        return self._receiver.at(f"/{DEAD_MANS_SWITCH}")

    def of(self, alertname: str, **labels: str) -> list[tuple[str, dict[str, str]]]:
        """What was told of such an alert, in order: `firing` or `resolved`, and its labels."""
        wanted = {"alertname": alertname, **labels}
        return [
            (alert["status"], alert["labels"])
            for notification in self.notifications()
            for alert in notification.alerts
            if wanted.items() <= alert["labels"].items()
        ]

    def tells(self, condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
        """Waits until it is so; fails with all that came."""
        try:
            until(condition, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.told()}") from None

    def told(self) -> str:
        """All that came, for people: when, where, and of what."""
        notifications = self.notifications()
        began = notifications[0].arrived if notifications else 0.0
        lines = [
            f"{each.arrived - began:7.3f} s {each.path} {each.status}: "
            + ", ".join(f"{alert['status']} {alert['labels']} since {alert['startsAt']}" for alert in each.alerts)
            for each in notifications
        ]
        return "\n".join(["what came to the pager:", *(lines or ["nothing"])])


@contextmanager
def paging() -> Iterator[Pager]:
    """A pager that listens while the block runs."""
    receiver, loop = WebhookReceiver(), asyncio.new_event_loop()
    ready, over = threading.Event(), asyncio.Event()

    async def listen() -> None:
        async with receiver:
            ready.set()
            await over.wait()

    def serve() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(listen())

    thread = threading.Thread(target=serve, name="pager", daemon=True)
    thread.start()
    try:
        assert ready.wait(10), "the pager does not listen"
        yield Pager(receiver)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
