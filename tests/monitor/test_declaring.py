"""What may be declared, what is refused, and what is on record afterwards."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import iso
from monitor.config import Config
from monitor.declared import listed, window_json
from monitor.declaring import WINDOW_KEYS, Declaring, same_person, window_of
from monitor.given import DeclarationError
from monitor.sla.agreement import RecurringMaintenance
from monitor.sla.clock_events import ClockEventKind
from monitor.sla.windows import ReasonClass, WindowKind, in_force
from monitor.store import Store, StoreError
from tests.monitor.build import config_of, probe_config
from tests.monitor.declarations import NOW_MS, OUTAGE, OUTAGE_MS, TOKENS, config, declaring

HOUR_MS = 3_600_000
LATER = iso(NOW_MS + 1)
EXCLUDED = {
    "kind": "excluded",
    "from": iso(NOW_MS - HOUR_MS),
    "to": iso(NOW_MS),
    "components": ["ingest", "api"],
    "text": "The customer's line was cut",
    "by": "Anna",
    "class": "customer",
    "approver": "Bert",
}
MAINTENANCE = {"kind": "maintenance", "from": iso(NOW_MS), "to": iso(NOW_MS + HOUR_MS), "text": "Patches", "by": "Anna"}
RESTORE = {"kind": "restore", "from": iso(NOW_MS - HOUR_MS), "text": "From last night's backup", "by": "Anna"}


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    return config(tmp_path)


def _mistakes(values: dict[str, Any], settings: Config) -> dict[str, str]:
    with pytest.raises(DeclarationError) as caught:
        window_of(values, settings, NOW_MS)
    return {mistake.key: mistake.text for mistake in caught.value.mistakes}


def test_an_excluded_window_is_what_was_declared(settings: Config) -> None:
    window = window_of(EXCLUDED, settings, NOW_MS)
    assert (window.kind, window.start_ms, window.end_ms) == (WindowKind.EXCLUDED, NOW_MS - HOUR_MS, NOW_MS)
    # In the order of the configuration, whatever the order of the declaration.
    assert window.components == ("api", "ingest")
    assert (window.reason_class, window.author, window.approver) == (ReasonClass.CUSTOMER, "Anna", "Bert")
    assert (window.recorded_ms, window.retroactive) == (NOW_MS, True)


@pytest.mark.parametrize("key", ["class", "approver", "text", "by", "from", "to"])
def test_what_excluded_time_needs(settings: Config, key: str) -> None:
    for missing in (None, "", "  ") if key not in ("class", "from", "to") else (None,):
        assert list(_mistakes({**EXCLUDED, key: missing}, settings)) == [key]


@pytest.mark.parametrize("approver", ["Anna", "ANNA", " anna ", "Ａnna"])
def test_nobody_approves_what_they_declared(settings: Config, approver: str) -> None:
    assert _mistakes({**EXCLUDED, "approver": approver}, settings) == {
        "approver": "found the author; expected another person"
    }


def test_people_are_told_apart_by_more_than_letters_and_spaces() -> None:
    assert same_person("Anna  Maria", "anna maria") and same_person("STRASSE", "straße")
    assert not same_person("Anna", "Annika")


@pytest.mark.parametrize(
    ("change", "key", "text"),
    [
        ({"kind": "holiday"}, "kind", "found 'holiday'; expected one of maintenance, restore, excluded"),
        ({"kind": None}, "kind", "missing; expected one of maintenance, restore, excluded"),
        ({"to": iso(NOW_MS)}, "to", f"found {iso(NOW_MS)}; expected a time after `from`, {iso(NOW_MS)}"),
        ({"to": None}, "to", "missing; expected the end: only a restore may be open, no maintenance window"),
        ({"components": ["apo"]}, "components", "found 'apo'; expected some of api, ingest"),
        ({"components": "api"}, "components", "found something else; expected a list of texts"),
        ({"components": [1]}, "components", "found something else; expected a list of texts"),
        ({"announced": LATER}, "announced", f"found {LATER}; expected a time that is not in the future"),
        ({"class": "customer"}, "class", "found customer; expected none: only excluded time has a class"),
        ({"text": "a\nb"}, "text", "expected one line of at most 1000 characters"),
        ({"by": "a" * 121}, "by", "expected one line of at most 120 characters"),
        ({"by": 1}, "by", "found something else; expected text"),
        ({"frm": "x"}, "frm", f"unknown key; expected one of {', '.join(WINDOW_KEYS)}"),
    ],
)  # fmt: skip
def test_what_is_refused(settings: Config, change: dict[str, Any], key: str, text: str) -> None:
    assert _mistakes({**MAINTENANCE, **change}, settings) == {key: text}


def test_an_announcement_is_of_maintenance_only(settings: Config) -> None:
    announced = iso(NOW_MS - HOUR_MS)
    assert window_of({**MAINTENANCE, "announced": announced}, settings, NOW_MS).announced_ms == NOW_MS - HOUR_MS
    assert list(_mistakes({**RESTORE, "announced": announced}, settings)) == ["announced"]


def test_every_mistake_is_named_at_once(settings: Config) -> None:
    assert set(_mistakes({"kind": "excluded", "from": "soon"}, settings)) == {
        "from", "to", "text", "by", "class", "approver",
    }  # fmt: skip


def test_no_secret_is_put_on_record_or_repeated(settings: Config) -> None:
    token = TOKENS["anna"].get_secret_value()
    assert token not in window_of({**MAINTENANCE, "text": f"with {token}"}, settings, NOW_MS).text
    said = str(_mistakes({**MAINTENANCE, "from": token, "components": [token], token: 1}, settings))
    assert token not in said


async def test_a_restore_is_open_until_it_is_ended(tmp_path: Path) -> None:
    async with declaring(tmp_path) as (declare, store):
        entry = await declare.add(RESTORE)
        ended = await declare.end(entry.number, {})
        [window] = in_force(await store.windows(), NOW_MS)
        assert (ended.replaces, window.end_ms, window.author) == (entry.number, NOW_MS, "Anna")
        with pytest.raises(DeclarationError, match="number: found 1; expected the number of a window in force"):
            await declare.end(entry.number, {})


@pytest.mark.parametrize(
    ("at_ms", "why"),
    [
        (NOW_MS, "expected a time after the window's start"),
        (NOW_MS + HOUR_MS, "expected a time before its end"),
        (NOW_MS + 2 * HOUR_MS, "declare more anew"),
    ],
)
async def test_a_window_can_only_become_shorter(tmp_path: Path, at_ms: int, why: str) -> None:
    """Else time could be excluded that nobody approved."""
    async with declaring(tmp_path) as (declare, _store):
        number = (await declare.add(MAINTENANCE)).number
        with pytest.raises(DeclarationError, match=why):
            await declare.end(number, {"at": iso(at_ms)})
        entry = await declare.end(number, {"at": iso(NOW_MS + 1), "by": "Carl"})
        assert entry.window is not None
        assert (entry.window.end_ms, entry.author) == (NOW_MS + 1, "Carl")


async def test_who_approved_it_cannot_become_its_author(tmp_path: Path) -> None:
    async with declaring(tmp_path) as (declare, _store):
        number = (await declare.add(EXCLUDED)).number
        with pytest.raises(DeclarationError, match="by: found the approver"):
            await declare.end(number, {"at": iso(NOW_MS - 1), "by": "bert"})


async def test_a_window_that_is_revoked_stays_on_record(tmp_path: Path) -> None:
    async with declaring(tmp_path) as (declare, store):
        number = (await declare.add(EXCLUDED)).number
        with pytest.raises(DeclarationError, match=r"by: missing.*text: missing"):
            await declare.revoke(number, {})
        await declare.revoke(number, {"by": "Carl", "text": "It was our line"})
        entries = await store.windows()
        assert in_force(entries, NOW_MS) == []
        assert listed(entries, declare.config, NOW_MS) == []
        [shown] = [window_json(each) for each in listed(entries, declare.config, NOW_MS, everything=True)]
        assert (shown["number"], shown["state"], shown["retroactive"]) == (1, "revoked", True)
        assert shown["superseded"] == {"number": 2, "by": "Carl", "recorded": iso(NOW_MS), "text": "It was our line"}
        with pytest.raises(DeclarationError, match="number: found 1"):
            await declare.revoke(number, {"by": "Carl", "text": "again"})


async def test_what_ends_early_was_not_entered_after_the_fact(tmp_path: Path) -> None:
    async with declaring(tmp_path) as (declare, store):
        ahead = {**MAINTENANCE, "from": iso(NOW_MS + 1000)}
        first = await declare.add(ahead)
        assert first.window is not None
        # An hour later it is ended: a row recorded after the window's start, of a window announced before it.
        shorter = replace(first.window, end_ms=NOW_MS + 2000, recorded_ms=NOW_MS + HOUR_MS)
        await store.replace_window(first.number, shorter)
        [shown] = listed(await store.windows(), declare.config, NOW_MS + HOUR_MS)
        assert (shown.window.number, shown.retroactive) == (2, False)
        # One that was made longer is another matter.
        await store.replace_window(2, replace(shorter, end_ms=NOW_MS + 3000))
        [shown] = listed(await store.windows(), declare.config, NOW_MS + HOUR_MS)
        assert (shown.window.number, shown.retroactive) == (3, True)


def test_the_next_windows_of_a_rule_are_listed_too() -> None:
    rule = RecurringMaintenance("patches", "FREQ=WEEKLY;BYDAY=WE", "2026-01-07T02:00:00", HOUR_MS, "Patches")
    settings = config_of([probe_config()])
    settings = replace(settings, rules=replace(settings.rules, recurring=(rule,)))
    found = listed([], settings, NOW_MS)
    assert [iso(each.window.start_ms)[:10] for each in found] == [
        "2026-09-23", "2026-09-30", "2026-10-07", "2026-10-14", "2026-10-21",
    ]  # fmt: skip
    assert {(each.state, each.retroactive, each.window.rule) for each in found} == {("recurring", False, "patches")}


async def test_what_was_done_about_an_outage_is_on_record(tmp_path: Path) -> None:
    async with declaring(tmp_path) as (declare, store):
        event = await declare.note(OUTAGE, {"kind": "acknowledged", "by": "Anna", "note": "looking"}, via="api")
        assert (event.outage, event.kind, event.at_ms, event.via) == (
            OUTAGE, ClockEventKind.ACKNOWLEDGED, NOW_MS, "api",
        )  # fmt: skip
        assert await declare.is_acknowledged(OUTAGE)
        with pytest.raises(DeclarationError, match=r"kind: found 'solved'; expected one of acknowledged"):
            await declare.note(OUTAGE, {"kind": "solved", "by": "Anna"}, via="api")
        with pytest.raises(DeclarationError, match=r"outage: .* is before outage"):
            await declare.note(OUTAGE, {"kind": "corrected", "by": "Anna", "at": iso(OUTAGE_MS - 1)}, via="api")
        assert len(await store.clock_events()) == 1


async def test_a_store_that_fails_is_no_mistake_of_the_declaration(tmp_path: Path) -> None:
    async with declaring(tmp_path) as (declare, _store):
        pass
    async with await Store.open(declare.config.store_url, read_only=True) as store:
        broken = Declaring(store, declare.config, declare._clock)
        with pytest.raises(StoreError):
            await broken.add(MAINTENANCE)
