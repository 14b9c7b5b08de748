"""The list of backups: what is accepted, which backup is chosen, and why the list may fail a check."""

import asyncio
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from probes.contract import ProbeFailed, Reason
from probes.efento.recovery_options import DrillOptions
from probes.recovery import Options, recovery
from tests.probes.platform import SERIAL, START, Record
from tests.probes.recovery_stage import DAY


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"backups": []}, Reason.MISSING),
        ({"backups": {}}, Reason.SCHEMA),
        ([], Reason.SCHEMA),
        ({"backups": [{"id": "b", "taken_at": "yesterday"}]}, Reason.SCHEMA),
        ({"backups": [{"id": "b", "taken_at": "2026-09-21T14:00:00"}]}, Reason.SCHEMA),  # in which zone?
        ({"backups": [{"id": "--delete-all", "taken_at": START}]}, Reason.SCHEMA),
        ({"backups": [{"id": "b", "taken_at": START + DAY}]}, Reason.CONTENT),  # all of the future
        ({"source_location": "a", "backups": [{"id": "b", "taken_at": START}]}, Reason.MISPLACED),
        ({"source_location": "a", "backups": [{"id": "b", "taken_at": START, "location": " A"}]}, Reason.MISPLACED),
        ({"backups": [{"id": "b", "taken_at": START - 27 * 3600}]}, Reason.STALE),
        ({"backups": [{"id": "b", "taken_at": START}]}, None),
        (
            {
                "source_location": "a",
                "backups": [
                    {"id": "here", "taken_at": START, "location": "a"},
                    {"id": "there", "taken_at": "2026-09-21T16:00:00+02:00", "location": "b"},
                    {"id": "future", "taken_at": START + DAY, "location": "b"},
                ],
            },
            None,
        ),
        (
            {
                "source_location": "a",
                "backups": [
                    {"id": "here", "taken_at": START, "location": "a"},
                    {"id": "there", "taken_at": START - 30 * 3600, "location": "b"},
                ],
            },
            Reason.MISPLACED,
        ),
    ],
)
async def test_a_list_in_a_file_is_judged(tmp_path: Path, document: object, reason: Reason | None) -> None:
    file = tmp_path / "manifest.json"
    await asyncio.to_thread(file.write_text, json.dumps(document))
    api = {"url": "http://127.0.0.1:9/api/v2", "token": "token"}
    options = {"sensors": [SERIAL], "api": api, "manifest": {"file": str(file)}}
    journey = Record().journey(START, component="recovery")
    if reason is None:
        await recovery(Options.model_validate(options), journey)
        return
    with pytest.raises(ProbeFailed) as caught:
        await recovery(Options.model_validate(options), journey)
    assert caught.value.reason is reason


async def test_a_list_whose_file_is_not_there_is_missing(tmp_path: Path) -> None:
    options = {
        "sensors": [SERIAL],
        "manifest": {"file": str(tmp_path / "none")},
        "api": {"url": "http://a", "token": "t"},
    }
    with pytest.raises(ProbeFailed) as caught:
        await recovery(Options.model_validate(options), Record().journey(START, component="recovery"))
    assert caught.value.reason is Reason.MISSING


@pytest.mark.parametrize(
    ("text", "seconds"), [("7d", 7 * DAY), ("90m", 5400), ("1.5 h", 5400), (30, 30), ("30", 30), ("0s", 0)]
)
def test_durations_are_written_as_people_write_them(text: object, seconds: float) -> None:
    options = DrillOptions.model_validate({"every": text, "endpoint": {"url": "http://a"}})
    assert options.every == seconds


@pytest.mark.parametrize("text", ["weekly", "-1s", -1, "1y"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValidationError, match="every"):
        DrillOptions.model_validate({"every": text, "endpoint": {"url": "http://a"}})
