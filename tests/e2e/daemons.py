"""Daemons, demos and stand-ins as processes, and what their pages show."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.processes import CLOCK, COMMAND, Process, command_of

# No proxy: what the environment names for the outer world must not catch a loopback address.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content_type: str
    text: str


def fetch(url: str, method: str = "GET", body: object = None) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    try:
        with _OPENER.open(urllib.request.Request(url, method=method, data=data), timeout=5) as response:
            return Answer(response.status, response.headers.get_content_type(), response.read().decode())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, refusal.headers.get_content_type(), refusal.read().decode())


@dataclass(frozen=True, slots=True)
class Status:
    """What `/api/v1/status` answered."""

    content: dict[str, Any]

    def component(self, key: str) -> dict[str, Any]:
        return _one(self.content["components"], "key", key)

    def probe(self, name: str) -> dict[str, Any]:
        return _one(self.content["probes"], "id", name)

    def state(self, key: str) -> str:
        return str(self.component(key)["state"])

    def verdict(self, name: str) -> tuple[str | None, str | None, str | None]:
        """A probe's newest verdict, reason and step."""
        probe = self.probe(name)
        return probe["verdict"], probe["reason"], probe["step"]


def _one(rows: list[dict[str, Any]], key: str, value: str) -> dict[str, Any]:
    (found,) = [row for row in rows if row[key] == value]
    return found


class DaemonProcess(Process):
    """`efento-uptime run`."""

    def __init__(self, config: Path) -> None:
        super().__init__(["run", "-c", str(config)], cwd=config.parent)
        self.config = config
        self._page = ""

    def ready(self) -> "DaemonProcess":
        """Waits until its pages answer."""
        self._page = f"http://127.0.0.1:{self.logged('daemon.started')['web_port']}"
        return self

    def url(self, path: str) -> str:
        return self._page + path

    def fetch(self, path: str) -> Answer:
        return fetch(self.url(path))

    def status(self) -> Status:
        answer = self.fetch("/api/v1/status")
        assert answer.status == 200, answer
        return Status(json.loads(answer.text))

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        return sum_of(self.fetch("/metrics").text, name, **labels)

    def shows_or_last(self, condition: Callable[[Status], bool], seconds: float) -> Status:
        """The status once it is such, or what it is when the time is over, for a test to compare in detail."""
        over = CLOCK.monotonic() + seconds
        return self.shows(lambda status: condition(status) or CLOCK.monotonic() > over, "an answer", 2 * seconds)

    def shows(self, condition: Callable[[Status], object], what: str, seconds: float = 20.0) -> Status:
        """Waits until the status is such, and returns it."""

        def such() -> Status | None:
            status = self.status()
            return status if condition(status) else None

        return self.shown(such, what, seconds)


def sum_of(exposition: str, name: str, **labels: str) -> float:
    return sum(
        sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


class Demo(DaemonProcess):
    """`efento-uptime demo` with its data in a folder."""

    def __init__(self, folder: Path, *more: str, command: Path = COMMAND) -> None:
        arguments = ["demo", "--port", "0", "--data", folder.name, "--verbose", "--no-past", *more]
        Process.__init__(self, arguments, cwd=folder.parent, command=command)
        self.folder = folder
        self.addresses: dict[str, Any] = {}

    def ready(self) -> "Demo":
        """Waits until it has said that everything listens."""
        self.shown(lambda: "Ctrl-C" in "".join(self.output), "the addresses")
        self.addresses = json.loads((self.folder / "addresses.json").read_text())
        self._page = self.addresses["daemon"]["status"]["url"].rstrip("/")
        return self

    @property
    def stand_in(self) -> int:
        """The process of the platform; a browser and readers of reports come and go beside it."""
        (child,) = [child for child in self.children() if "standin" in command_of(child)]
        return child

    def switch(self, method: str, *fault: str, **parameters: object) -> None:
        switch(self.addresses["standin"], method, *fault, **parameters)


class StandIn(Process):
    """`efento-uptime standin`, with its data in a folder."""

    def __init__(self, folder: Path, *more: str) -> None:
        super().__init__(["standin", "--data", str(folder), *more], cwd=folder.parent)
        self.folder = folder
        self._file = folder / "addresses.json"
        self.addresses: dict[str, Any] = {}

    def ready(self) -> "StandIn":
        """Waits until everything listens."""
        self.shown(self._file.exists, "the addresses")
        self.addresses = json.loads(self._file.read_text())
        return self

    def switch(self, method: str, *fault: str, **parameters: object) -> None:
        switch(self.addresses, method, *fault, **parameters)


def asked(platform: dict[str, Any], path: str) -> Any:
    """What a stand-in's control interface answers."""
    answer = fetch(platform["control"]["url"] + path)
    assert answer.status == 200, answer
    return json.loads(answer.text)


def switch(platform: dict[str, Any], method: str, *fault: str, **parameters: object) -> None:
    """`PUT` and `DELETE` on a stand-in's `/faults/INTERFACE/FAULT`, or on all of them."""
    url = "/".join([platform["control"]["url"], "faults", *fault])
    answer = fetch(url, method, parameters if method == "PUT" else None)
    assert answer.status == 200, answer
