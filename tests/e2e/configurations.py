"""Configurations for daemons of tests: quick, on free ports, with everything in one folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Probe = dict[str, Any]


def write(folder: Path, probes: Sequence[Probe], name: str = "monitor", **sections: Any) -> Path:
    """A file with these probes and a component for each that they name; JSON is YAML too. The store is beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = dict.fromkeys(entry["component"] for entry in probes)
    content = {
        "location": "test",
        "store": {"url": f"sqlite:///{folder / name}.db"},
        "web": {"port": 0},
        "heartbeat": "200ms",
        "log": {"format": "json"},
        "components": {key: {"floor": "99.5 %"} for key in keys},
        **sections,
        "probes": list(probes),
    }
    file = folder / f"{name}.yaml"
    file.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return file


def probe(name: str, component: str, kind: str, options: dict[str, Any], **pace: Any) -> Probe:
    """`pace` holds the other keys of the entry, such as `every`."""
    return {"id": name, "component": component, "kind": kind, "options": options, **pace}


def tcp(name: str, port: int, component: str = "api", **pace: Any) -> Probe:
    return probe(name, component, "tcp", {"host": "127.0.0.1", "port": port}, **pace)


def http(name: str, url: str, component: str = "api", **pace: Any) -> Probe:
    return probe(name, component, "http", {"url": url}, **pace)


@dataclass(frozen=True, slots=True)
class Watch:
    """The probes that watch one platform; `number` keeps several platforms of one daemon apart."""

    platform: dict[str, Any]
    number: int = 0

    def name(self, word: str) -> str:
        """The id or key of one of its probes or components."""
        return f"{word}-{self.number}" if self.number else word

    def ingest_coap(self, **pace: Any) -> Probe:
        place = self.platform["coap"]
        options = {"host": place["host"], "port": place["port"], "token": "standin-sensor-token", **self._sending()}
        return probe(self.name("ingest-coap"), self.name("ingest"), "ingest_coap", options, **pace)

    def ingest_gateway(self, **pace: Any) -> Probe:
        options = {"url": self.platform["gateway"]["url"], "token": "standin-gateway-token", **self._sending()}
        return probe(self.name("ingest-gateway"), self.name("ingest"), "ingest_gateway", options, **pace)

    def history(self, **pace: Any) -> Probe:
        options = {"sensors": [self.sensor_of(self.number)], "window": 600, "api": self._api()}
        return probe(self.name("history"), self.name("api"), "history", options, **pace)

    def api(self, **pace: Any) -> Probe:
        return probe(self.name("api"), self.name("api"), "api", {"api": self._api()}, **pace)

    @staticmethod
    def sensor_of(number: int) -> str:
        """The serial number of the one virtual sensor; no two probes of a daemon may share one."""
        return f"282C02FF{number:04X}"

    def _api(self) -> dict[str, Any]:
        token, component = "standin-api-token", self.name("api")
        return {"url": self.platform["api"]["url"], "token": token, "timeout": 1.5, "component": component}

    def _sending(self) -> dict[str, Any]:
        return {
            "sensors": [self.sensor_of(self.number)],
            "period": 2,
            "attempts": 1,
            "answer_timeout": 1.0,
            "read_back": {"deadline": 1},
            "api": self._api(),
        }
