"""`efento-uptime uptime`: figures with bounds and verdict, for the standard periods and for any one."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.sla.periods import local_date
from tests.monitor.outage_record import MINUTE, Recorded, record


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("uptime"), {"web": "uuuuDDDDuuuu", "web-2": "u" * 12, "door": "uuuu"})


def days_of(recorded: Recorded) -> str:
    """The days that the checks lie in, and one more."""
    zone = ZoneInfo("Europe/Warsaw")
    first, last = (local_date(recorded.at_ms(minute), zone) for minute in (0, 1500))
    return f"{first.isoformat()}..{last.isoformat()}"


def test_a_period_for_programs(recorded: Recorded) -> None:
    found = recorded.answer("uptime", "--period", days_of(recorded))
    api, operations = found["components"]
    assert (api["key"], api["floor"], operations["floor"], operations["verdict"]) == ("api", 0.99, None, None)
    parts = dict(api["milliseconds"])
    assert (parts["down"], parts["up"]) == (4 * MINUTE, parts.pop("period") - sum(parts.values()) + parts["up"])
    assert api["pessimistic"] < api["observed"] < api["optimistic"]
    assert (api["verdict"], api["budget"]) == ("inconclusive", None)
    assert api["possibly_down_milliseconds"] >= parts["down"] + parts["unknown"]
    assert api["certainly_down_milliseconds"] == 3 * MINUTE


def test_a_year_has_a_budget_and_agrees_with_the_standard_periods(recorded: Recorded) -> None:
    name = days_of(recorded)[:4]
    year = recorded.answer("uptime", "--period", name)["components"][0]
    shown = recorded.answer("uptime")["components"][0]
    assert year["budget"]["spent_milliseconds"] == shown["budget"]["spent_milliseconds"] == 4 * MINUTE
    assert year["observed"] == shown["figures"]["year"]["observed"] == shown["observed"]
    assert year["certainly_down_milliseconds"] == 3 * MINUTE


@pytest.mark.parametrize("arguments", [[], ["--period"]])
def test_for_people(recorded: Recorded, arguments: list[str]) -> None:
    result = recorded.run("uptime", *arguments, *([days_of(recorded)] if arguments else []))
    assert result.exit_code == 0, result.output
    heading, api = (line for line in result.stdout.splitlines() if line.startswith(("Component", "api")))
    assert all(name in heading for name in ("Floor", "At least", "At most", "Seen", "Verdict", "Budget left"))
    assert "70.370" in api  # of 13.5 minutes that were observed, 4 were down
    assert "undecided" in api


def test_a_day_is_a_period(recorded: Recorded) -> None:
    day = days_of(recorded)[:10]
    found = recorded.answer("uptime", "--period", day)
    assert found["period"]["name"] == day


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("soon", "soon: expected a year"),
        ("2026-02-30", "2026-02-30: there is no such day"),
        ("2190", "2190 has not begun yet"),
    ],
)
def test_what_is_no_period_exits_with_2(recorded: Recorded, name: str, told: str) -> None:
    result = recorded.run("uptime", "--period", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_no_store(tmp_path: Path, recorded: Recorded) -> None:
    text = recorded.config.read_text().replace(str(recorded.config.parent), str(tmp_path))
    config = tmp_path / "monitor.yaml"
    config.write_text(text)
    result = Recorded(config, recorded.began_ms).run("uptime", "--period", "2026")
    assert result.exit_code == 1
    assert "there is no store" in result.stderr
