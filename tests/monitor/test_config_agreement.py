"""What an operator writes about the agreement becomes the value that figures are computed with."""

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from monitor.clock import to_milliseconds
from monitor.config import Config, load
from monitor.sla.agreement import DEADLINES, Agreement, Deadlines, RecurringMaintenance, SupportHours, to_json
from tests.monitor.config_kinds import KINDS

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_SMALLEST = """\
components: {api: {floor: 99 %}, gate: {}}
probes:
  - {id: front, component: gate, kind: door, options: {host: door.example.net, port: 443}}
"""


def _loaded(folder: Path, text: str) -> Config:
    path = folder / "monitor.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, {}, KINDS)


def test_without_a_word_the_agreement_is_that_of_the_contract(tmp_path: Path) -> None:
    config = _loaded(tmp_path, _SMALLEST)
    # Of the components that are spared by default, only those that there are.
    assert config.agreement(7) == Agreement(7, "Europe/Warsaw", config.components, spared=("api",))
    assert (config.tokens, config.sealing.at, config.keep_results_seconds) == ({}, time(0, 10), 400 * 86_400)
    assert config.agreement(7).deadlines == DEADLINES


_FULL = """\
zone: Europe/Warsaw
web: {tokens: {operators: hunter2-hunter2-hunter2, later: "env:LATER:-"}}
sla:
  maintenance_counts: false
  maintenance: {minimum_notice: 3d, yearly_cap: 24h}
  restore: {limit: 12h, component: gate, spares: [gate], history_probes: [front]}
components: {api: {since: 2026-07-01}, gate: {since: 2026-01-01}}
probes:
  - {id: front, component: gate, kind: door, options: {host: door.example.net, port: 443}}
maintenance:
  - {name: patches, rule: FREQ=WEEKLY;BYDAY=WE, starts: 2026-01-07 02:00, length: 2h, text: Patches, components: [api],
     notice: 1d}
support: {zone: Europe/Dublin, weekdays: [sun, mon, mon], from: 07:30, to: 24:00, country: IE}
deadlines: {blocker: {workaround: 4h}, minor: {response: null}}
seal: {enabled: false, key: /etc/seal.pem}
retention: {results: null}
"""


def test_every_key_reaches_the_agreement(tmp_path: Path) -> None:
    config = _loaded(tmp_path, _FULL)
    agreement = config.agreement(0)
    # The first of July begins at 22:00 UTC of the day before in summer, the first of January at 23:00.
    assert agreement.since == {
        "api": to_milliseconds(datetime(2026, 6, 30, 22, tzinfo=UTC)),
        "gate": to_milliseconds(datetime(2025, 12, 31, 23, tzinfo=UTC)),
    }
    assert not agreement.maintenance_counts
    assert (agreement.minimum_notice_ms, agreement.maintenance_cap_ms) == (3 * DAY_MS, DAY_MS)
    assert (agreement.restore_limit_ms, agreement.restore_component) == (12 * HOUR_MS, "gate")
    assert (agreement.spared, agreement.history_probes) == (("gate",), ("front",))
    assert agreement.recurring == (
        RecurringMaintenance(
            "patches", "FREQ=WEEKLY;BYDAY=WE", "2026-01-07T02:00:00", 2 * HOUR_MS, "Patches", ("api",), DAY_MS
        ),
    )
    assert agreement.support == SupportHours("Europe/Dublin", (0, 6), 7 * 60 + 30, 24 * 60, "IE")
    assert agreement.deadlines["blocker"] == Deadlines(None, 4 * HOUR_MS, 7 * DAY_MS, support_hours_only=False)
    assert agreement.deadlines["minor"].response_ms is None
    assert agreement.deadlines["major"] == DEADLINES["major"]


def test_the_rest_of_the_new_keys(tmp_path: Path) -> None:
    config = _loaded(tmp_path, _FULL)
    assert config.sealing.at is None
    assert (config.seal_key_path, config.keep_results_seconds) == (Path("/etc/seal.pem"), None)
    # A token that is not set is none; one that is set is a secret.
    assert {name: token.get_secret_value() for name, token in config.tokens.items()} == {
        "operators": "hunter2-hunter2-hunter2"
    }
    assert "hunter2-hunter2-hunter2" in config.secrets()


def test_the_history_probes_are_those_of_the_kind_by_default(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_text(
        _SMALLEST
        + "  - {id: past, component: api, kind: history, options: {}}\n"
        + "  - {id: off, component: api, kind: history, enabled: false, options: {}}\n"
    )
    kinds = {**KINDS, "history": KINDS["virtual"]}
    path.write_text(path.read_text().replace("history, options: {}", "history, options: {sensors: [a]}"))
    assert load(path, {}, kinds).agreement(0).history_probes == ("past",)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("sqlite:///uptime.db", "seal-key.pem"),
        ("sqlite:///data/uptime.db", "data/seal-key.pem"),
        ("sqlite:////var/lib/uptime.db", "/var/lib/seal-key.pem"),
    ],
)
def test_the_key_lies_beside_the_database(tmp_path: Path, url: str, key: str) -> None:
    assert _loaded(tmp_path, f"store: {{url: '{url}'}}\n{_SMALLEST}").seal_key_path == Path(key)


def test_equal_files_have_equal_agreements_to_the_byte(tmp_path: Path) -> None:
    """Else every start of the daemon would put another agreement on record."""
    one = _loaded(tmp_path, _FULL).agreement(1)
    other = _loaded(tmp_path, "# the same\n" + _FULL).agreement(2)
    assert to_json(one) == to_json(other)
    assert to_json(_loaded(tmp_path, _FULL.replace("24h", "25h")).agreement(1)) != to_json(one)
