"""The JSON Schema says the same as the loader, for the shipped files and for wrong ones."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

import probes
from monitor.config import ConfigError, load, shipped_config
from monitor.config.schema import json_schema
from monitor.yaml_source import parse, read
from tests.monitor.config_kinds import KINDS

_VALID = """\
zone: Europe/Warsaw
web: {port: env:PORT}
sla: {recheck: 2, stale_factor: 3}
components: {gate: {title: Gate, floor: 99.5 %, severity: major}}
probes:
  - {id: front, component: gate, kind: door, every: 1h30m, options: {host: a.example.net, port: env:PORT}}
  - {id: other, component: gate, kind: virtual, options: {sensors: [env:SERIAL], token: file:token.txt}}
"""


def _errors(text: str) -> list[str]:
    validator = Draft202012Validator(json_schema(KINDS))
    return [error.json_path for error in validator.iter_errors(parse(text, "file.yaml").value)]


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema(KINDS))
    Draft202012Validator.check_schema(json_schema(probes.discover()))


def test_a_valid_file_is_valid_with_references_in_place_of_any_value() -> None:
    assert _errors(_VALID) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("zone:", "zones:"),
        ("stale_factor: 3", "stale_factor: 1"),
        ("99.5 %", "99.5"),
        ("severity: major", "severity: huge"),
        ("1h30m", "90 minutes"),
        ("kind: door", "kind: window"),
        ("host: a.example.net", "hots: a.example.net"),
        ("options: {host: a.example.net, port: env:PORT}", "title: x"),  # required by its kind
        ("sensors: [env:SERIAL]", "sensors: []"),
        ("sensors: [env:SERIAL]", "host: a.example.net"),  # another kind's option
        ("id: front", "id: Front Door"),
        ("components: {gate", "parts: {gate"),
    ],
)
def test_a_mistake_is_seen_by_the_schema_too(right: str, wrong: str) -> None:
    assert right in _VALID
    assert _errors(_VALID.replace(right, wrong, 1)) != []


_CLOUD = {
    "EFENTO_COAP_HOST": "coap.example.net",
    "EFENTO_COAP_SENSOR": "282C02FFFF01",
    "EFENTO_COAP_SENSOR_2": "282C02FFFF02",
    "EFENTO_GATEWAY_SENSOR": "282C02FFFF03",
    "EFENTO_GATEWAY_SENSOR_2": "282C02FFFF04",
    "EFENTO_API_TOKEN": "hunter2-hunter2",
    "EFENTO_EMAIL_SENSOR": "282C02FFFF05",
    "EFENTO_IMAP_HOST": "imap.example.net",
    "EFENTO_IMAP_USER": "probe",
    "EFENTO_IMAP_PASSWORD": "hunter3-hunter3",
    "EFENTO_REFERENCE_1": "192.0.2.1",
    "EFENTO_REFERENCE_2": "192.0.2.2",
}
_SWITCHES = {
    "ingest-mqtt": "EFENTO_MQTT",
    "sms": "EFENTO_SMS",
    "report": "EFENTO_REPORT",
    "report-scheduled": "EFENTO_REPORT_SCHEDULED",
    "frontend": "EFENTO_FRONTEND",
    "frontend-browser": "EFENTO_BROWSER",
    "recovery": "EFENTO_RECOVERY",
    "operations": "EFENTO_OPERATIONS",
}
_EVERYTHING = {
    **_CLOUD,
    **dict.fromkeys(_SWITCHES.values(), "true"),
    "EFENTO_MQTT_HOST": "mqtt.example.net",
    "EFENTO_MQTT_SENSOR": "282C02FFFF06",
    "EFENTO_MQTT_SENSOR_2": "282C02FFFF07",
    "EFENTO_SMS_SENSOR": "282C02FFFF08",
    "EFENTO_SMS_LIST_URL": "https://sms.example.net/messages",
    "EFENTO_SMS_LIST_TOKEN": "hunter4-hunter4",
    "EFENTO_LOGIN": "probe@example.net",
    "EFENTO_PASSWORD": "hunter5-hunter5",
    "EFENTO_BACKUPS_URL": "https://backups.example.net/manifest.json",
    "EFENTO_RESTORES_URL": "https://backups.example.net/restores",
    "EFENTO_OPERATIONS_TOKEN": "hunter6-hunter6",
}


@pytest.mark.parametrize(("name", "environ"), [("efento-cloud.yaml", _CLOUD), ("demo.yaml", {})])
def test_shipped_files_are_valid_by_loader_and_schema(name: str, environ: dict[str, str]) -> None:
    path = shipped_config(name)
    config = load(path, environ)
    floors = {terms.key: terms.floor and str(terms.floor) for terms in config.components}
    promised, lower = "199/200", "99/100"
    assert floors == {
        "ingest": promised,
        "notifications": promised,
        "reports": promised,
        "api": lower,
        "frontend": lower,
        "recovery": lower,
        "operations": None,
    }
    assert [str(terms.severity) for terms in config.components] == ["blocker"] * 6 + ["major"]
    validator: Any = Draft202012Validator(json_schema(probes.discover()))
    validator.validate(read(path).value)


def test_the_cloud_file_names_every_variable_that_is_missing() -> None:
    """An operator learns from one run what has to be set."""
    with pytest.raises(Exception, match="is not set") as caught:
        load(shipped_config("efento-cloud.yaml"), {})
    lines = str(caught.value).splitlines()
    assert {line.split("env:")[1].split()[0] for line in lines} == set(_CLOUD)


def test_what_is_not_known_of_the_cloud_waits_for_its_switch() -> None:
    """A plain installation starts without it, and all of it can be switched on without touching the file."""
    plain = {probe.id for probe in load(shipped_config("efento-cloud.yaml"), _CLOUD).probes}
    everything = {probe.id for probe in load(shipped_config("efento-cloud.yaml"), _EVERYTHING).probes}
    assert plain.isdisjoint(_SWITCHES)
    assert everything == plain | set(_SWITCHES)


@pytest.mark.parametrize(("probe", "switch"), _SWITCHES.items())
def test_what_is_switched_on_is_validated(probe: str, switch: str) -> None:
    """Who forgets what a probe needs is told by the file's check, not by an unknown component."""
    path = shipped_config("efento-cloud.yaml")
    if probe.startswith("report"):  # needs nothing more
        assert probe in {each.id for each in load(path, {**_CLOUD, switch: "true"}).probes}
        return
    with pytest.raises(ConfigError):
        load(path, {**_CLOUD, switch: "true"})


def test_the_demo_keeps_a_quick_pace() -> None:
    config = load(shipped_config("demo.yaml"), {})
    assert {
        (probe.every_seconds, probe.timeout_seconds, probe.recheck_seconds, probe.confirm_after)
        for probe in config.probes
    } == {(5.0, 4.0, 2.0, 2), (10.0, 8.0, 2.0, 2)}
