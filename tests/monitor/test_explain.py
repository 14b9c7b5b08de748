"""`efento-uptime explain`: an outage's story, for programs and for people."""

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import iso
from tests.monitor.outage_record import Recorded, record


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return record(tmp_path, {"web": "uuDuuuDDDDDuuuDuu", "web-2": "uuuuuuuuuuuuuuuuu", "door": "uuuuuuuuuuuuuuuuu"})


def test_the_story_for_programs(recorded: Recorded) -> None:
    (outage,) = recorded.answer("outages")
    story = recorded.answer("explain", outage["id"][:5])
    assert story["outage"] == {key: value for key, value in outage.items() if key != "component"}
    assert (story["component"], story["title"], story["severity"]) == ("api", "Efento Cloud API", "blocker")
    last = {"probe": "web", "location": "frankfurt", "started_at": iso(recorded.at_ms(5))}
    assert story["last_success"] == last
    assert story["confirmed_at"] == iso(recorded.at_ms(7))
    assert [(blip["start"], blip["failures"], blip["reason"]) for blip in story["blips"]] == [
        (iso(recorded.at_ms(2)), 1, "refused"),
        (iso(recorded.at_ms(14)), 1, "refused"),
    ]
    assert (story["windows"], story["events"], story["checks_left_out"]) == ([], [], None)
    assert [(clock["name"], clock["met"], clock["breached"]) for clock in story["clocks"]] == [
        ("workaround", outage["end"], False),
        ("correction", outage["end"], False),
    ]


def test_every_check_around_it_and_the_evidence_of_its_first_failure(recorded: Recorded) -> None:
    (outage,) = recorded.outage_ids()
    story = recorded.answer("explain", outage)
    checks = [check for check in story["checks"] if check["probe"] == "web"]
    assert "".join(check["verdict"][0] for check in checks) == "uuddddduu"
    assert {check["probe"] for check in story["checks"]} == {"web", "web-2"}  # not those of other components
    first = checks[2]
    assert first == {
        "id": first["id"],
        "probe": "web",
        "location": "frankfurt",
        "started_at": iso(recorded.at_ms(6)),
        "seconds": 0.12,
        "verdict": "down",
        "reason": "refused",
        "step": "connect",
        "detail": "api.example.net:443 [111]",
    }
    assert story["evidence"] == {
        "check": first["id"],
        "detail": "api.example.net:443 [111]",
        "steps": [
            {"name": "resolve", "component": "api", "seconds": 0.01, "ok": True},
            {"name": "connect", "component": "api", "seconds": 0.11, "ok": False},
        ],
        "figures": {"attempts": 1.0},
        "items": {"address": "192.0.2.7"},
    }


def test_the_story_for_people(recorded: Recorded) -> None:
    (outage,) = recorded.outage_ids()
    told = recorded.run("explain", outage)
    assert told.exit_code == 0
    for words in (
        f"Outage {outage}",
        "Efento Cloud API (api, blocker)",
        "refused at connect (web)",
        "api.example.net:443 [111]",
        "192.0.2.7",
        "110.0 ms, failed",
        "Blips in the hour before and after",
        "No window touches it.",
        "met with 7 h 55 min left",
        "Nothing is on record about what was done.",
    ):
        assert words in told.stdout
    lines = told.stdout.splitlines()
    assert any(line.split()[:2] == ["Start", iso(recorded.at_ms(6))[:10]] for line in lines)
    assert " CET" in told.stdout or " CEST" in told.stdout


def test_a_long_one_is_shortened_in_the_middle(tmp_path: Path) -> None:
    recorded = record(tmp_path, {"web": "uuu" + "D" * 100 + "uuuu"})
    (outage,) = recorded.outage_ids()
    story = recorded.answer("explain", outage)
    assert story["checks_left_out"] == {"after": 30, "count": 54}
    began = [check["started_at"] for check in story["checks"]]
    assert began == [iso(recorded.at_ms(minute)) for minute in (*range(1, 31), *range(85, 105))]
    assert "… 54 checks left out …" in recorded.run("explain", outage).stdout


def test_a_running_outage(tmp_path: Path) -> None:
    recorded = record(tmp_path, {"web": "uuu" + "D" * 30, "door": "DDDD"}, minutes_ago=33)
    (blocker,), (major,) = recorded.outage_ids("api"), recorded.outage_ids("operations")
    story = recorded.answer("explain", blocker)
    assert story["outage"]["end"] is None
    assert [clock["running"] for clock in story["clocks"]] == [True, True]
    assert story["clocks"][0]["due"] == iso(recorded.at_ms(3 + 8 * 60))
    assert "still open" in recorded.run("explain", blocker).stdout
    assert "running, 7 h 2" in recorded.run("explain", blocker).stdout
    story = recorded.answer("explain", major)
    assert story["last_success"] is None
    assert [clock["name"] for clock in story["clocks"]] == ["response", "workaround", "correction"]


def test_an_unknown_outage_exits_with_2_and_the_nearest(recorded: Recorded) -> None:
    (outage,) = recorded.outage_ids()
    result = recorded.run("explain", "zz" + outage[2:])
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"the nearest: {outage} (api, {iso(recorded.at_ms(6))})" in result.stderr


def test_no_outage_at_all(tmp_path: Path) -> None:
    result = record(tmp_path, {"web": "uuuu"}).run("explain", "abc")
    assert (result.exit_code, result.stderr) == (2, "efento-uptime: there is no outage 'abc'; no outage is on record\n")


def content_of(check: dict[str, Any]) -> str:
    """All but the id, which tells that a result was imported."""
    return json.dumps({**check, "id": None}, sort_keys=True)


def test_results_that_were_imported_are_told_too(recorded: Recorded, tmp_path: Path) -> None:
    export = recorded.run("export", "results").stdout
    there = tmp_path / "there"
    there.mkdir()
    copy = Recorded(there / "monitor.yaml", recorded.began_ms)
    text = recorded.config.read_text().replace(f"{tmp_path}/", f"{there}/")
    copy.config.write_text(text)
    file = there / "results.ndjson"
    file.write_text(export)
    assert copy.run("import", str(file)).exit_code == 0
    (outage,) = recorded.outage_ids()
    story, original = copy.answer("explain", outage), recorded.answer("explain", outage)
    checks, originals = (sorted(map(content_of, each["checks"])) for each in (story, original))
    assert checks == originals
    assert story["evidence"]["detail"] == "api.example.net:443 [111]"
    assert json.dumps(story["blips"]) == json.dumps(original["blips"])
