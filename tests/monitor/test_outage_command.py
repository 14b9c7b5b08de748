"""`efento-uptime outage`: what people did is put on record, and what cannot be is refused."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import SystemClock, iso, to_milliseconds
from monitor.commands.options import load_config
from monitor.outage_log import NOTE_CHARACTERS, OutageError, note_event
from monitor.sla.clock_events import ClockEvent, ClockEventKind
from monitor.store import Store
from tests.monitor.outage_record import MINUTE, Recorded, record

VERBS = {
    "acknowledge": "acknowledged",
    "wait": "waiting",
    "worked-around": "worked_around",
    "corrected": "corrected",
}


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    """One outage of `api` from minute 5 to 9, and one of `operations` from minute 7 on that goes on."""
    return record(tmp_path, {"web": "uuuuuDDDDuuu", "door": "uuuuuuuDDDDD"})


@pytest.fixture
def outage(recorded: Recorded) -> str:
    (found,) = recorded.outage_ids("api")
    return found


@pytest.mark.parametrize(("verb", "kind"), VERBS.items())
def test_an_event_is_put_on_record(recorded: Recorded, outage: str, verb: str, kind: str) -> None:
    before_ms = to_milliseconds(SystemClock().now())
    at = iso(recorded.at_ms(6))
    result = recorded.run("outage", verb, outage, "--by", "Ann", "--at", at, "--note", "[looking] at it")
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"Outage {outage}: {kind.replace('_', ' ')} at " in result.stdout
    (event,) = recorded.answer("outage", "events", outage)
    assert event.pop("recorded_at") >= iso(before_ms)
    assert event == {
        "number": 1, "outage": outage, "kind": kind, "at": at, "by": "Ann", "via": "cli", "note": "[looking] at it",
    }  # fmt: skip
    table = recorded.run("outage", "events", outage).stdout
    assert "Ann" in table and "[looking] at it" in table


def test_an_event_is_of_now_unless_a_time_is_given(recorded: Recorded, outage: str) -> None:
    before_ms = to_milliseconds(SystemClock().now())
    assert recorded.run("outage", "acknowledge", outage, "--by", "Ann").exit_code == 0
    (event,) = recorded.answer("outage", "events", outage)
    assert iso(before_ms) <= event["at"] == event["recorded_at"]
    assert event["note"] is None


def test_events_are_listed_in_order_of_time_and_only_the_outages_own(recorded: Recorded, outage: str) -> None:
    (other,) = recorded.outage_ids("operations")
    for verb, of, minute in (("resume", outage, 8), ("wait", outage, 6), ("resume", outage, 8), ("wait", other, 9)):
        recorded.run("outage", verb, of[:7], "--by", "Ann", "--at", iso(recorded.at_ms(minute)))
    events = recorded.answer("outage", "events", outage)
    assert [(event["kind"], event["number"]) for event in events] == [("waiting", 1), ("resumed", 2)]


def test_no_event(recorded: Recorded, outage: str) -> None:
    assert recorded.answer("outage", "events", outage) == []
    assert recorded.run("outage", "events", outage).stdout == "Nothing is on record about this outage.\n"


def refused(recorded: Recorded, *arguments: str) -> str:
    result = recorded.run("outage", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr


def test_an_unknown_outage_is_refused_with_the_nearest(recorded: Recorded, outage: str) -> None:
    wrong = outage[:-1] + "z"
    for arguments in (("acknowledge", wrong, "--by", "Ann"), ("events", wrong)):
        error = refused(recorded, *arguments)
        assert error.startswith(f"efento-uptime: there is no outage {wrong!r}; the nearest: {outage} (api, ")


def test_an_ambiguous_beginning_is_refused_with_all_that_it_may_mean(tmp_path: Path) -> None:
    recorded = record(tmp_path, {"web": "uDDu" * 20})
    ids = recorded.outage_ids()
    assert len(ids) == 20  # more than there are first characters
    first = next(each[0] for each in ids if sum(other[0] == each[0] for other in ids) > 1)
    error = refused(recorded, "acknowledge", first, "--by", "Ann")
    assert all(each in error for each in ids if each[0] == first)


def test_times_that_cannot_be(recorded: Recorded, outage: str) -> None:
    def at(minute: float) -> tuple[str, ...]:
        return ("acknowledge", outage, "--by", "Ann", "--at", iso(recorded.at_ms(minute)))

    assert f"is before outage {outage}, which began at {iso(recorded.at_ms(5))}" in refused(recorded, *at(4.9))
    assert "is in the future" in refused(recorded, *at(1000))
    assert recorded.run("outage", *at(5)).exit_code == 0
    assert "Invalid value for --at: expected" in refused(recorded, *at(5)[:-1], "yesterday")
    assert "comes twice" in refused(recorded, *at(5)[:-1], "2025-10-26 02:30")  # the clocks of the zone are set back
    assert len(recorded.answer("outage", "events", outage)) == 1


def test_who_did_it_must_be_said(recorded: Recorded, outage: str) -> None:
    assert "Missing option '--by'" in refused(recorded, "acknowledge", outage)
    assert refused(recorded, "acknowledge", outage, "--by", " ") == "efento-uptime: it must be said who did it\n"
    assert "expected at most 200 characters" in refused(recorded, "acknowledge", outage, "--by", "x" * 201)
    assert "control characters" in refused(recorded, "acknowledge", outage, "--by", "A\x1b[31m")


def test_waits_follow_each_other(recorded: Recorded, outage: str) -> None:
    def told(verb: str, minute: float) -> tuple[str, ...]:
        return (verb, outage, "--by", "Ann", "--at", iso(recorded.at_ms(minute)))

    assert "nobody waits for the customer" in refused(recorded, *told("resume", 6))
    assert recorded.run("outage", *told("wait", 6)).exit_code == 0
    assert "is waited for already" in refused(recorded, *told("wait", 7))
    assert recorded.run("outage", *told("resume", 8)).exit_code == 0
    assert recorded.run("outage", *told("wait", 9)).exit_code == 0


def test_without_a_store_none_is_made(tmp_path: Path) -> None:
    recorded = record(tmp_path, {"web": "uDDu"})
    store = tmp_path / "uptime.db"
    store.unlink()
    for left in tmp_path.glob("uptime.db-*"):
        left.unlink()
    result = recorded.run("outage", "acknowledge", "abc", "--by", "Ann")
    assert (result.exit_code, result.stderr) == (1, f"efento-uptime: there is no store at {store}\n")
    assert not store.exists()


def noted(recorded: Recorded, outage: str, **more: Any) -> ClockEvent:
    """As other parts of the program put it on record, half an hour after the beginning."""
    config = load_config(str(recorded.config))
    given = {"by": "Ann", "at_ms": recorded.at_ms(8), "note": "", "via": "api", "now_ms": recorded.at_ms(30), **more}

    async def work() -> ClockEvent:
        async with await Store.open(recorded.url) as store:
            return await note_event(store, config, outage, ClockEventKind.ACKNOWLEDGED, **given)

    return asyncio.run(work())


def test_an_event_of_another_part_of_the_program(recorded: Recorded, outage: str) -> None:
    at_ms, now_ms = recorded.at_ms(8), recorded.at_ms(30)
    expected = ClockEvent(1, outage, ClockEventKind.ACKNOWLEDGED, at_ms, "Ann", now_ms, "two\nlines", "api")
    assert noted(recorded, outage, by=" Ann ", note="two\nlines\n") == expected


def test_an_outage_that_is_not_on_record_yet_cannot_be_answered(recorded: Recorded, outage: str) -> None:
    with pytest.raises(OutageError, match="there is no outage"):
        noted(recorded, outage, at_ms=recorded.at_ms(4), now_ms=recorded.at_ms(5))


def test_long_notes_and_secrets_are_not_kept(recorded: Recorded, outage: str) -> None:
    with pytest.raises(OutageError, match="the note: expected at most"):
        noted(recorded, outage, note="x" * (NOTE_CHARACTERS + 1))
    text = recorded.config.read_text() + "inbound: {webhooks: {sms: {secret: very-secret-token-of-sms}}}\n"
    recorded.config.write_text(text)
    assert "very-secret" not in noted(recorded, outage, note="used very-secret-token-of-sms").note


def test_an_event_is_seen_by_the_clocks(recorded: Recorded) -> None:
    (other,) = recorded.outage_ids("operations")
    at = iso(recorded.at_ms(10))
    assert recorded.run("outage", "wait", other, "--by", "Ann", "--at", at).exit_code == 0
    clocks = {clock["name"]: clock for clock in recorded.answer("explain", other)["clocks"]}
    assert clocks["response"]["met"] == at
    assert clocks["correction"]["suspended"] and clocks["correction"]["due"] is None
    assert clocks["correction"]["remaining_milliseconds"] == 8 * 7 * 24 * 60 * MINUTE - 3 * MINUTE
