"""Whatever is wrong with a file: no message, no output and no text form of the settings has a secret in it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.config import Config, ConfigError, load
from monitor.config.showing import as_yaml
from monitor.yaml_source import Loc, parse, printed
from tests.monitor.config_kinds import KINDS

SECRET = "hunter2-Ähre"
SECRET_TOKEN = "hunter4-hunter4-hunter4"
SECRET_PING = "hunter5-hunter5-hunter5"
SECRET_PEER = "hunter6-hunter6-hunter6"

_WHOLE: dict[str, Any] = {
    "zone": "Europe/Warsaw",
    "location": "cellar",
    "store": {"url": f"postgresql://uptime:{SECRET}@db.example.net/uptime"},
    "web": {"host": "127.0.0.1", "port": 0, "url": "https://uptime.example.net", "tokens": {"operators": SECRET_TOKEN}},
    "sla": {
        "confirm_after": 2,
        "recheck": "5s",
        "stale_factor": 2.5,
        "maintenance_counts": False,
        "maintenance": {"minimum_notice": "2d", "yearly_cap": "1d"},
        "restore": {"limit": "12h", "component": "gate", "spares": ["gate"], "history_probes": ["one"]},
    },
    "stop": {"drain": "10s"},
    "heartbeat": "5s",
    "log": {"level": "info", "format": "json"},
    "components": {
        "gate": {
            "title": "Gate",
            "floor": "99 %",
            "upper": "99.9 %",
            "since": "2026-01-01",
            "severity": "minor",
            "down_when": "all",
            "quorum": 1,
        }
    },
    "probes": [
        {
            "id": "one",
            "component": "gate",
            "kind": "virtual",
            "title": "One",
            "every": "30s",
            "timeout": "20s",
            "confirm_after": 1,
            "recheck": "5s",
            "stale_after": "1m",
            "options": {
                "sensors": ["282C02FFFF01"],
                "token": SECRET,
                "keys": {"main": SECRET},
                "pace": "fast",
                "share": 0.5,
                "strict": True,
                "api": {"url": f"https://x:{SECRET}@api.example.net?token={SECRET}", "login": "x", "password": SECRET},
            },
        }
    ],
    "maintenance": [
        {
            "name": "patches",
            "rule": "FREQ=WEEKLY;BYDAY=WE",
            "starts": "2026-01-07T02:00:00",
            "length": "2h",
            "text": "Patches",
            "components": ["gate"],
            "notice": "3d",
        }
    ],
    "support": {"zone": "Europe/Dublin", "weekdays": ["mon", "sun"], "from": "07:30", "to": "24:00", "country": "IE"},
    "deadlines": {
        "blocker": {"response": "15m", "workaround": "4h", "correction": "3d", "support_hours_only": False},
        "major": {"response": None, "workaround": None, "correction": None, "support_hours_only": True},
        "minor": {"response": "1h", "workaround": None, "correction": "300d", "support_hours_only": False},
    },
    "seal": {"enabled": True, "key": "/etc/efento-uptime/seal.pem", "at": "03:30"},
    "retention": {"results": "30d"},
    "ping": {
        "url": f"https://hc.example.net/{SECRET_PING}",
        "method": "GET",
        "every": "30s",
        "retry": "10s",
        "timeout": "5s",
        "settle": "1m",
        "well_suffix": "?status=up",
        "start_suffix": None,
        "fail_suffix": "?status=down",
    },
    "peers": {"dublin": {"token": SECRET_PEER, "every": "30s", "grace": "1m"}},
}

# What a person may write by mistake where a secret belongs; %s is the secret.
_SLIPS = ["[%s]", "{%s: }", "{value: %s}", "!!int %s", "!%s", "*%s", "&%s", "|\n%s", "[%s", "'%s", "{token:%s}", "%%%s"]


def _places(value: Any, loc: Loc = ()) -> Iterator[Loc]:
    """Every place in the file, lists and mappings included."""
    if loc:
        yield loc
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(item, (*loc, key))


def _at(loc: Loc) -> Any:
    value: Any = _WHOLE
    for part in loc:
        value = value[part]
    return value


def _with(loc: Loc, text: str) -> str:
    """The whole file with YAML text in one place."""
    value = json.loads(json.dumps(_WHOLE))
    inner = value
    for part in loc[:-1]:
        inner = inner[part]
    inner[loc[-1]] = "@@@"
    return json.dumps(value, indent=1, ensure_ascii=False).replace('"@@@"', text)


def _loaded(folder: Path, text: str, environ: dict[str, str]) -> tuple[Config | None, str]:
    """The configuration, or all that is said of why there is none."""
    path = folder / "monitor.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        return load(path, environ, KINDS), ""
    except ConfigError as exc:
        return None, f"{exc}\n{exc!r}"


def _said(folder: Path, text: str, environ: dict[str, str]) -> str:
    """All that anybody may see of the file."""
    config, said = _loaded(folder, text, environ)
    return said if config is None else as_yaml(config) + repr(config)


_PLACES = list(_places(_WHOLE))
_SECRET_PLACES: list[Loc] = [
    ("store", "url"),
    ("web", "tokens", "operators"),
    ("ping", "url"),
    ("peers", "dublin", "token"),
    ("probes", 0, "options", "token"),
    ("probes", 0, "options", "keys", "main"),
    ("probes", 0, "options", "api", "password"),
]


@pytest.mark.parametrize("loc", _PLACES, ids=printed)
def test_no_message_has_what_a_reference_stands_for(loc: Loc, tmp_path: Path) -> None:
    """In every place of the file, whether it fits there or not, from the environment, a file and a default."""
    (tmp_path / "secret.txt").write_text("hunter3 from outside", encoding="utf-8")
    for reference in ("env:OUTSIDE", "file:secret.txt", "env:UNSET:-hunter3 from outside", "env:hunter3 from outside"):
        config, said = _loaded(tmp_path, _with(loc, f'"{reference}"'), {"OUTSIDE": "hunter3 from outside"})
        assert config is not None or said
        assert "hunter3" not in said and SECRET not in said


def test_a_validators_own_words_lose_what_a_reference_stands_for(tmp_path: Path) -> None:
    _config, said = _loaded(
        tmp_path, _with(("probes", 0, "options", "api"), "{url: env:OUTSIDE}"), {"OUTSIDE": "hunter3"}
    )
    assert "expected either a token or a login at ********" in said and "hunter3" not in said


def test_a_thing_that_two_probes_claim_is_not_named_when_it_came_by_reference(tmp_path: Path) -> None:
    probe = "{id: %s, component: gate, kind: virtual, options: {sensors: [env:OUTSIDE]}}"
    text = f"components: {{gate: {{}}}}\nprobes: [{probe % 'one'}, {probe % 'two'}]"
    _config, said = _loaded(tmp_path, text, {"OUTSIDE": "hunter3"})
    assert "belongs to probes[0] already" in said and "hunter3" not in said


def test_a_secret_in_an_open_field_is_masked(tmp_path: Path) -> None:
    config, _said = _loaded(
        tmp_path, _with(("probes", 0, "options", "api", "url"), f"https://x.example/{SECRET}/y"), {}
    )
    assert config is not None
    assert "url: https://x.example/********/y\n" in as_yaml(config)


@pytest.mark.parametrize("loc", _SECRET_PLACES[5:], ids=printed)
def test_a_secret_by_reference_is_known_and_shown_nowhere(loc: Loc, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("hunter3", encoding="utf-8")
    for reference in ("env:OUTSIDE", "file:secret.txt", "env:UNSET:-hunter3"):
        config, _said = _loaded(tmp_path, _with(loc, reference), {"OUTSIDE": "hunter3"})
        assert config is not None and "hunter3" in config.secrets()
        assert "hunter3" not in as_yaml(config) + repr(config)


@pytest.mark.parametrize("slip", _SLIPS)
@pytest.mark.parametrize("loc", _SECRET_PLACES, ids=printed)
def test_no_message_has_a_secret_that_was_written_wrongly(loc: Loc, slip: str, tmp_path: Path) -> None:
    said = _said(tmp_path, _with(loc, slip % "hunter3"), {})
    assert "hunter3" not in said and SECRET not in said


@pytest.mark.parametrize("loc", _SECRET_PLACES, ids=printed)
@pytest.mark.parametrize("text", ["token:hunter3", "hunter3 hunter3", "hunter3" * 10, "ab://u:hunter3@x", "12345678"])
def test_no_message_has_a_secret_that_does_not_fit(loc: Loc, text: str, tmp_path: Path) -> None:
    for place in (loc, loc[:-1]):
        said = _said(tmp_path, _with(place, text), {})
        assert "hunter3" not in said and "12345678" not in said


def test_secrets_are_all_that_is_secret(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_text(_with(("store", "url"), '"postgresql://uptime:pass%20word@db.example.net/u"'), encoding="utf-8")
    assert load(path, {}, KINDS).secrets() == {
        *(SECRET, SECRET_TOKEN, SECRET_PEER, "pass%20word", "pass word"),
        f"https://hc.example.net/{SECRET_PING}",
    }


def test_what_is_shown_reads_back_except_for_the_secrets(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_text(_with(("probes", 0, "options", "token"), "env:TOKEN"), encoding="utf-8")
    config = load(path, {"TOKEN": SECRET}, KINDS)
    shown = parse(as_yaml(config), "shown")
    assert shown.problems == ()
    options = shown.value["probes"][0]["options"]
    assert (options["token"], options["keys"]) == ("env:TOKEN (masked)", {"main": "********"})
    assert options["api"]["url"] == "https://x:********@api.example.net?token=********"
    assert shown.value["store"]["url"] == "postgresql://uptime:********@db.example.net/uptime"
    assert shown.value["web"].pop("tokens") == {"operators": "********"}
    assert (shown.value["ping"].pop("url"), shown.value["peers"]["dublin"].pop("token")) == ("********", "********")
    assert {key: shown.value[key] for key in _WHOLE if key not in ("store", "probes")} == {
        **{key: value for key, value in _WHOLE.items() if key not in ("store", "probes")},
        "web": {"host": "127.0.0.1", "port": 0, "url": "https://uptime.example.net"},
        "ping": {key: value for key, value in _WHOLE["ping"].items() if key != "url"},
        "peers": {"dublin": {"every": "30s", "grace": "1m"}},
    }
    probe = {key: value for key, value in shown.value["probes"][0].items() if key != "options"}
    assert probe == {key: value for key, value in _at(("probes", 0)).items() if key != "options"}


@pytest.mark.parametrize("title", ["22:00", "0o17", "no", "1e3", "2026-01-01", "~", "0755", "null", "0x1F"])
def test_shown_texts_stay_texts(title: str, tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_text(_with(("components", "gate", "title"), f"'{title}'"), encoding="utf-8")
    shown = parse(as_yaml(load(path, {}, KINDS)), "shown").value
    assert shown["components"]["gate"]["title"] == title
