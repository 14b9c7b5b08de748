"""Where what is configured cannot support what is promised, the operator is told; and nowhere else."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from monitor.config import Config
from monitor.config.honesty import (
    Level,
    budget_seconds,
    checks_to_prove,
    findings,
    longest_hidden_seconds,
    proven_floor,
    restart_loss_seconds,
    shortest_confirmed_seconds,
)
from monitor.sla.model import ComponentTerms
from probes.contract import ProbeOptions
from tests.monitor.build import NoOptions, component_terms, config_of, probe_config

DAY = 86_400.0


class Sends(ProbeOptions):
    sensors: tuple[str, ...]

    def claims(self) -> set[str]:
        return set(self.sensors)


class Reads(ProbeOptions):
    sensors: tuple[str, ...]
    window: int = 3600


def _config(every: float = 30.0, *, floor: Fraction | None = Fraction(995, 1000), **changed: Any) -> Config:
    """One component with one probe."""
    config = config_of([replace(probe_config(every=every), **changed)])
    return replace(config, components=(component_terms("ingest", floor),))


def _warnings(config: Config) -> list[str]:
    return [found.text for found in findings(config) if found.level is Level.WARNING]


def _notes(config: Config) -> list[str]:
    return [found.text for found in findings(config) if found.level is Level.NOTE]


def test_a_usual_probe_is_not_warned_of() -> None:
    assert _warnings(_config()) == []


def test_daily_checks_prove_no_more_than_99_18_percent() -> None:
    """0.05^(1/365) = 0.991826…; the year's own figure says nothing about the seconds between the checks."""
    assert proven_floor(365) == pytest.approx(0.991826, abs=1e-6)
    [first, _hidden] = _warnings(_config(DAY))
    assert first == (
        "365 clean checks a year prove no more than 99.18 % (at 95 % confidence), and 99.5 % is promised; "
        "expected at most 14h38m55s"
    )


def test_the_interval_that_is_expected_is_enough() -> None:
    floor = Fraction(995, 1000)
    needed = checks_to_prove(floor)
    assert needed == 598
    assert proven_floor(needed) >= floor > proven_floor(needed - 1)
    assert proven_floor(0) == 0.0
    enough = 365 * DAY // needed
    assert not any("prove" in text for text in _warnings(_config(enough)))
    assert any("prove" in text for text in _warnings(_config(enough + 120)))


def test_without_a_floor_nothing_has_to_be_proven() -> None:
    assert findings(_config(DAY, floor=None)) == []


def test_an_outage_may_hide_between_two_checks() -> None:
    probe = probe_config(every=30.0, timeout=5.0, recheck=2.0)
    # Begins just after a check; 30 s later one fails, after its 5 s, and 2 s later the one that confirms it begins.
    assert longest_hidden_seconds(probe) == 37.0
    assert shortest_confirmed_seconds(probe) == 2.0
    assert longest_hidden_seconds(replace(probe, confirm_after=1)) == 30.0
    assert shortest_confirmed_seconds(replace(probe, confirm_after=1)) == 0.0


def test_an_interval_of_which_one_hidden_outage_takes_a_tenth_of_the_year_is_warned_of() -> None:
    [warning] = _warnings(_config(6 * 3600.0))
    assert warning == ("an outage shorter than 6h10s may go unseen: 13 % of the downtime that 99.5 % allows in a year")
    assert _warnings(_config(4 * 3600.0)) == []


def test_the_budget_stands_beside_the_shortest_outage_that_can_be_seen() -> None:
    assert budget_seconds(Fraction(995, 1000)) == pytest.approx(43.8 * 3600)
    assert _notes(_config()) == [
        "99.5 % allows 1d19h48m of downtime a year; an outage is sure to be seen if it lasts 40s, and never if it is "
        "shorter than 5s"
    ]


def test_time_that_a_restart_loses_is_noted() -> None:
    slow, quick = probe_config(every=30.0), probe_config(every=5.0)
    # 30 s since the last check, 1 s to stop, 10 s to begin: the last result speaks for 75 s.
    assert restart_loss_seconds(slow, 1.0) == 0.0
    assert restart_loss_seconds(quick, 1.0) == 5.0 + 1.0 + 10.0 - 12.5
    assert not any("restart" in note for note in _notes(_config(30.0)))
    assert any("a restart makes up to 3s500ms unknown" in note for note in _notes(_config(5.0)))


def test_a_burn_rate_that_can_never_be_reached_is_warned_of() -> None:
    assert _warnings(_config(floor=Fraction(9, 10))) == [
        "burn rates tell of the last 6h and 3d: "
        "1h at a rate of 14.4 can never be exceeded, since 1/(1 − floor) = 10 is the greatest"
    ]
    assert _warnings(_config(floor=Fraction(94, 100))) == []


def _of_burn_rates(config: Config) -> list[tuple[Level, str]]:
    return [(found.level, found.text) for found in findings(config) if found.text.startswith("burn rates")]


def test_the_usual_burn_rates_are_not_spoken_of() -> None:
    assert _of_burn_rates(_config(100.0)) == []


def test_a_pace_that_stretches_a_window_is_noted_with_what_comes_of_it() -> None:
    assert _of_burn_rates(_config(300.0)) == [
        (
            Level.NOTE,
            "burn rates tell of the last 3h and 3d: 1h becomes 3h, a twelfth of which holds 3 checks of ingest-coap, "
            "every 5m; 6h has nothing to add",
        )
    ]


def test_a_pace_that_leaves_no_burn_rate_is_noted() -> None:
    assert _of_burn_rates(_config(6 * 3600.0)) == [
        (
            Level.NOTE,
            "burn rates tell not at all: 3 checks of ingest-coap, every 6h, take too long for a rate of 1",
        )
    ]


def test_what_is_said_of_burn_rates_is_what_the_configured_rules_make_of_them() -> None:
    usual = _config()
    rules = usual.alerting.rules.model_copy(update={"burn_checks": 20, "burn_slow": Fraction(5, 100)})
    config = replace(usual, alerting=usual.alerting.model_copy(update={"rules": rules}))
    assert _of_burn_rates(config) == [
        (
            Level.NOTE,
            "burn rates tell of the last 2h and 6h: 1h becomes 2h, a twelfth of which holds 20 checks of ingest-coap, "
            "every 30s; 3d at a rate of 0.5 may go on for ever",
        )
    ]


def test_a_floor_that_nobody_watches_is_warned_of() -> None:
    config = config_of([probe_config()])
    unwatched = ComponentTerms("reports", "Reports", Fraction(99, 100), None, "blocker")
    config = replace(config, components=(*config.components, unwatched))
    [found] = [found for found in findings(config) if found.level is Level.WARNING]
    assert found.loc == ("components", "reports", "floor")
    assert found.text == "99 % is promised, and no probe that is enabled watches it"
    assert _warnings(replace(config, components=(config.components[0], replace(unwatched, floor=None)))) == []


def test_a_result_that_speaks_for_too_long_is_warned_of() -> None:
    assert _warnings(_config(stale_seconds=151.0)) == [
        "a result speaks for 2m31s, 5.03 intervals: for so long silence looks like what was seen last"
    ]
    assert _warnings(_config(stale_seconds=150.0)) == []


def _reader(component: str, sensor: str, **more: Any) -> Config:
    sends = probe_config(name="sends", component="ingest", options=Sends(sensors=("a", "b")))
    reads = probe_config(name="reads", component=component, options=Reads(sensors=(sensor,)))
    other = [probe_config(name="other", component=component, options=NoOptions())] if more.get("other") else []
    return config_of([sends, reads, *other])


def test_a_component_that_hears_only_what_another_one_sends_is_noted() -> None:
    text = "each of its probes reads what sends sends: while that fails, this is unknown, not down"
    assert text in _notes(_reader("reports", "b"))
    assert text not in _notes(_reader("reports", "c"))  # nobody sends for it
    assert text not in _notes(_reader("ingest", "b"))  # its own component does
    assert text not in _notes(_reader("reports", "b", other=True))  # one probe needs nobody


def test_the_place_is_that_of_the_probe_in_the_file() -> None:
    config = _config(DAY, place=3)
    assert {found.loc for found in findings(config) if found.level is Level.WARNING} == {("probes", 3, "every")}
