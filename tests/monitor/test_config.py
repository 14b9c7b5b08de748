"""A configuration file gives the daemon its settings, or all of its mistakes at once."""

from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.config import Config, ConfigError, load
from monitor.sla.model import ComponentTerms, DownWhen
from tests.monitor.config_kinds import KINDS, Door, Virtual

BAD = Path(__file__).parent / "bad_configs"
ENVIRON = {"EMPTY_VARIABLE": "", "SECRET_VARIABLE": "hunter2"}

_SMALLEST = """\
components:
  gate: {}
probes:
  - id: front
    component: gate
    kind: door
    options: {host: door.example.net, port: 443}
"""


def _loaded(folder: Path, text: str, environ: dict[str, str] | None = None) -> Config:
    path = folder / "monitor.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ or {}, KINDS)


def _messages(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _loaded(folder, text, environ)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_bad_files_have_exactly_these_messages(path: Path) -> None:
    """Beside each file are its messages; on purpose they are read by people when they change."""
    with pytest.raises(ConfigError) as caught:
        load(path, ENVIRON, KINDS)
    assert str(caught.value).replace(f"{BAD}/", "") + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_five_mistakes_are_five_lines_in_order() -> None:
    lines = (BAD / "five_mistakes.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split(":")[1] for line in lines] == ["1", "3", "7", "10", "11"]


def test_everything_but_components_and_probes_has_a_default(tmp_path: Path) -> None:
    config = _loaded(tmp_path, _SMALLEST)
    assert (config.zone, config.location, config.store_url) == (
        ZoneInfo("Europe/Warsaw"),
        "local",
        "sqlite:///uptime.db",
    )
    assert (config.web_host, config.web_port, config.log_level, config.log_format) == (
        "127.0.0.1",
        8080,
        "info",
        "auto",
    )
    assert (config.heartbeat_seconds, config.drain_seconds) == (5.0, 10.0)
    assert (config.confirm_after, config.recheck_seconds, config.stale_factor) == (2, 5.0, 2.5)
    assert config.components == (ComponentTerms("gate", "gate", None, None, "blocker", DownWhen.ANY),)
    [probe] = config.probes
    assert (probe.id, probe.component, probe.kind, probe.title) == ("front", "gate", KINDS["door"], "front")
    assert probe.options == Door(host="door.example.net", port=443)
    assert (probe.every_seconds, probe.timeout_seconds, probe.confirm_after) == (30.0, 20.0, 2)
    assert (probe.recheck_seconds, probe.stale_seconds) == (5.0, 75.0)


_FULL = """\
zone: Europe/Dublin
location: dublin
store: {url: "postgresql://uptime:pass%20word@db.example.net/uptime"}
web: {host: 0.0.0.0, port: 0}
sla: {confirm_after: 3, recheck: 2s, stale_factor: 4}
stop: {drain: 1m}
heartbeat: 2.5
log: {level: warning, format: json}
components:
  gate: {title: The gate, floor: 99.5 %, upper: 99.99%, severity: major, down_when: majority, quorum: 2}
  roof: {title: The roof, floor: null}
probes:
  - {id: front, component: gate, kind: door, title: Front door, every: 1m30s, timeout: 4s, confirm_after: 1,
     recheck: 3s, stale_after: 1h, options: {host: door.example.net, port: 443}}
  - {id: quick, component: roof, kind: virtual, every: 1500ms, options: {sensors: [282C02FFFF01], token: hunter2}}
"""


def test_every_key_reaches_the_daemon(tmp_path: Path) -> None:
    config = _loaded(tmp_path, _FULL)
    assert (config.zone.key, config.location, config.web_host, config.web_port) == (
        "Europe/Dublin",
        "dublin",
        "0.0.0.0",
        0,
    )
    assert (config.heartbeat_seconds, config.drain_seconds, config.log_level, config.log_format) == (
        2.5,
        60.0,
        "warning",
        "json",
    )
    assert (config.confirm_after, config.recheck_seconds, config.stale_factor) == (3, 2.0, 4.0)
    assert config.components == (
        ComponentTerms("gate", "The gate", Fraction(199, 200), Fraction(9999, 10000), "major", DownWhen.MAJORITY),
        ComponentTerms("roof", "The roof", None, None, "blocker", DownWhen.ANY),
    )
    assert config.quorums == {"gate": 2}
    front, quick = config.probes
    assert (front.title, front.every_seconds, front.timeout_seconds, front.confirm_after) == (
        "Front door",
        90.0,
        4.0,
        1,
    )
    assert (front.recheck_seconds, front.stale_seconds) == (3.0, 3600.0)
    # Neither the timeout nor the pause before a repetition is ever longer than the interval.
    assert (quick.every_seconds, quick.timeout_seconds, quick.recheck_seconds) == (1.5, 1.5, 1.5)
    assert (quick.confirm_after, quick.stale_seconds) == (3, 6.0)


def test_sections_without_content_mean_their_defaults(tmp_path: Path) -> None:
    text = _SMALLEST.replace("gate: {}", "gate:") + "web:\n  # port: 80\nsla:\nlog:\nstore:\nstop:\n"
    assert _loaded(tmp_path, text) == _loaded(tmp_path, _SMALLEST)


def test_one_mistake_in_an_entry_does_not_hide_the_others(tmp_path: Path) -> None:
    text = _SMALLEST.replace("port: 443", "port: 0").replace("component: gate", "component: gait\n    typo: 1")
    assert _messages(tmp_path, text) == [
        "monitor.yaml:5: probes[0].component: found the text 'gait'; did you mean gate? "
        "expected one of the components: gate",
        "monitor.yaml:6: probes[0].typo: unknown key; expected one of id, component, kind, enabled, title, every, "
        "timeout, confirm_after, recheck, stale_after, options",
        "monitor.yaml:8: probes[0].options.port: found the number 0; expected at least 1",
    ]


def test_a_file_without_probes_or_components_is_refused(tmp_path: Path) -> None:
    assert _messages(tmp_path, "components: {}\nprobes: []\n") == [
        "monitor.yaml:1: components: found a mapping; expected at least 1 in it",
        "monitor.yaml:2: probes: found a list; expected at least 1 in it",
    ]


def test_references_yield_text_that_fits_numbers_too(tmp_path: Path) -> None:
    (tmp_path / "host.txt").write_text("door.example.net\n", encoding="utf-8")
    (tmp_path / "crlf").write_bytes(b"12345678\r\n")
    text = """\
location: env:PLACE:-cellar
web: {port: env:PORT, host: "env:HOST:-127.0.0.1"}
components: {gate: {title: env:TITLE, floor: env:FLOOR}}
probes:
  - {id: a, component: gate, kind: door, every: env:EVERY, options: {host: file:host.txt, port: "env:NO_PORT:-443"}}
  - {id: b, component: env:WHERE, kind: virtual, options: {sensors: [env:SERIAL], token: file:crlf, api: env:NOTHING:-}}
"""
    environ = {
        "PORT": "0",
        "HOST": "",
        "TITLE": "2026",
        "FLOOR": "99 %",
        "EVERY": "1m",
        "SERIAL": "280000000001",
        "WHERE": "gate",
    }
    config = _loaded(tmp_path, text, environ)
    door, virtual = (probe.options for probe in config.probes)
    assert (config.location, config.web_port, config.web_host) == ("cellar", 0, "127.0.0.1")
    assert (config.components[0].title, config.components[0].floor) == ("2026", Fraction(99, 100))
    assert door == Door(host="door.example.net", port=443)
    assert config.probes[0].every_seconds == 60.0
    assert isinstance(virtual, Virtual) and virtual.api is None and virtual.token is not None
    assert (virtual.sensors, virtual.token.get_secret_value()) == (("280000000001",), "12345678")
    assert config.references["probes", 1, "options", "sensors", 0] == "env:SERIAL"
    assert config.references["web", "host"] == "env:HOST"


def test_exactly_one_line_end_is_taken_off_a_file(tmp_path: Path) -> None:
    (tmp_path / "title").write_text(" a \n", encoding="utf-8")
    assert _loaded(tmp_path, _SMALLEST.replace("gate: {}", "gate: {title: file:title}")).components[0].title == " a "
    (tmp_path / "title").write_text("a\n\n", encoding="utf-8")
    [message] = _messages(tmp_path, _SMALLEST.replace("gate: {}", "gate: {title: file:title}"))
    assert (
        message
        == "monitor.yaml:2: components.gate.title: the value of file:title does not fit; expected one line of text"
    )


def test_files_that_are_too_large_or_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "nothing").touch()
    text = _SMALLEST.replace(
        "gate: {}", "gate: {title: file:large}\n  b: {title: file:binary}\n  c: {title: file:nothing}"
    )
    assert [message.partition("file:")[2] for message in _messages(tmp_path, text)] == [
        "large is empty or too large; expected a file of 1 to 65536 bytes",
        "binary cannot be read; expected a file of UTF-8 text",
        "nothing is empty or too large; expected a file of 1 to 65536 bytes",
    ]


def test_nothing_inside_a_reference_that_failed_is_missed(tmp_path: Path) -> None:
    text = _SMALLEST.replace("options: {host: door.example.net, port: 443}", "options: env:OPTIONS")
    [message] = _messages(tmp_path, text)
    assert message.startswith("monitor.yaml:7: probes[0].options: env:OPTIONS is not set")


def test_no_complaint_follows_from_a_reference_that_failed(tmp_path: Path) -> None:
    text = _SMALLEST.replace("kind: door", "kind: env:KIND").replace("component: gate", "component: env:COMPONENT")
    assert [message.rpartition(": ")[0] for message in _messages(tmp_path, text)] == [
        "monitor.yaml:5: probes[0].component",
        "monitor.yaml:6: probes[0].kind",
    ]


def test_an_aliased_entry_is_checked_where_it_is_repeated(tmp_path: Path) -> None:
    text = _SMALLEST.replace("  - id: front", "  - &front\n    id: front") + "  - *front\n"
    [message] = _messages(tmp_path, text)
    assert "probes[1].id: repeated id; expected one of its own, probes[0] has it (line 5)" in message


def test_a_file_that_is_not_there_is_a_problem_without_a_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.yaml", {}, KINDS)
    assert str(caught.value) == f"{tmp_path}/none.yaml: cannot be read: No such file or directory"


@pytest.mark.parametrize("value", ["false", "env:SWITCH:-false"])
def test_a_probe_that_is_not_enabled_is_neither_asked_nor_looked_at(tmp_path: Path, value: str) -> None:
    """Its options may name what is not there yet, and what it would claim belongs to whoever else names it."""
    text = _SMALLEST + f"  - {{id: later, component: gate, kind: door, enabled: {value}, options: {{misspelt: 1}}}}\n"
    config = _loaded(tmp_path, text)
    assert [probe.id for probe in config.probes] == ["front"]
    with pytest.raises(ConfigError, match=r"probes\[1\].options.misspelt"):
        _loaded(tmp_path, text.replace(value, "true"))


def test_places_of_probes_count_those_that_are_not_enabled(tmp_path: Path) -> None:
    entry = "  - {id: later, component: gate, kind: door, enabled: false, options: {}}\n"
    text = _SMALLEST.replace("probes:\n", "probes:\n" + entry)
    assert [probe.place for probe in _loaded(tmp_path, text).probes] == [1]
