"""Rules raise and end alerts: once each, with hysteresis, whatever is sent again and whoever goes away."""

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from standin.channels import Sample
from standin.fault_model import Interface
from standin.faults import Faults
from standin.intake import AlertChange, Delivery, Intake
from standin.settings import AlertRule, LiveSettings, StandInSettings
from standin.storage import Storage
from tests.standin.receivers import send_value
from tests.standin.world import DEADLINE_SECONDS, SERIAL, T, World


@pytest.mark.parametrize(
    ("condition", "hysteresis", "values", "course"),
    [
        ("MORE_THAN", 0.0, [60.0, 60.1, 60.0, 60.1], ".+-+"),
        ("MORE_THAN", 1.0, [61.0, 60.0, 59.1, 60.5, 59.0, 59.5, 60.1], "+...-.+"),
        ("MORE_THAN", 1.0, [59.5, 60.0, 58.0, 60.0], "...."),
        ("LESS_THAN", 0.0, [60.0, 59.9, 60.0], ".+-"),
        ("LESS_THAN", 1.0, [59.0, 60.9, 59.0, 61.0, 60.5], "+..-."),
        ("MORE_THAN", 0.1, [60.2, 59.95, 59.9], "+.-"),
    ],
)
async def test_an_alert_ends_only_when_the_value_has_come_back_far_enough(
    condition: Any, hysteresis: float, values: list[float], course: str
) -> None:
    """One sign a value: `+` an alert begins, `-` it ends, `.` nothing changes."""
    rule = AlertRule(name="r", condition=condition, threshold=60.0, hysteresis=hysteresis)
    async with Storage.open(None) as storage:
        intake, changes = an_intake(storage, rule)
        seen = ""
        for minute, value in enumerate(values):
            before = len(changes)
            await intake.accept(Interface.COAP, temperature(T + 60 * minute, value))
            seen += "".join("+" if change.started else "-" for change in changes[before:]) or "."
    assert seen == course


def test_the_edge_of_the_band_is_exact() -> None:
    assert AlertRule(name="r", threshold=60.3, hysteresis=0.1).is_over(60.2)
    assert AlertRule(name="r", condition="LESS_THAN", threshold=0.2, hysteresis=0.1).is_over(0.3)


@pytest.mark.parametrize(
    "wrong",
    [{"hysteresis": -1}, {"hysteresis": float("nan")}, {"serials": ["x"]}, {"emails": ["a b@c"]}, {"phones": ["+x"]}],
)
def test_a_rule_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AlertRule(name="r", threshold=1.0, **wrong)


def an_intake(storage: Storage, *rules: AlertRule) -> tuple[Intake, list[AlertChange]]:
    live = LiveSettings(StandInSettings(rules=rules))
    intake = Intake(storage, Faults(live.current.now), live)
    changes: list[AlertChange] = []
    intake.watch_alerts(changes.append)
    return intake, changes


def temperature(time: int, value: float) -> Delivery:
    return Delivery(SERIAL, [Sample(1, "TEMPERATURE", time, value, 60)])


async def test_samples_sent_again_change_nothing() -> None:
    async with Storage.open(None) as storage:
        intake, changes = an_intake(storage, AlertRule(name="r", threshold=60.0))
        hot = temperature(T, 90.0)
        for delivery in (hot, hot, temperature(T + 60, 20.0), hot, temperature(T + 60, 20.0)):
            await intake.accept(Interface.COAP, delivery)
        assert [change.started for change in changes] == [True, False]
        await intake.accept(Interface.COAP, temperature(T + 60, 95.0))  # the same moment, but corrected
        assert len(changes) == 3


async def test_each_channel_has_its_own_alert() -> None:
    """A sensor with a hot and a cold probe is in alarm until the hot one is cold."""
    async with Storage.open(None) as storage:
        intake, changes = an_intake(storage, AlertRule(name="r", threshold=60.0))
        for minute, (first, second) in enumerate([(90.0, 20.0), (90.0, 20.0), (20.0, 20.0)]):
            time = T + 60 * minute
            both = [Sample(1, "TEMPERATURE", time, first, 60), Sample(2, "TEMPERATURE", time, second, 60)]
            await intake.accept(Interface.COAP, Delivery(SERIAL, both))
        assert [change.started for change in changes] == [True, False]


async def test_a_database_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    rule = AlertRule(name="r", threshold=60.0)
    async with Storage.open(tmp_path / "old.db") as storage:
        await an_intake(storage, rule)[0].accept(Interface.COAP, temperature(T, 90.0))
        await storage.rows("ALTER TABLE alerts DROP COLUMN channel")
    async with Storage.open(tmp_path / "old.db") as storage:
        intake, changes = an_intake(storage, rule)
        await intake.accept(Interface.COAP, temperature(T + 60, 20.0))
        assert [change.started for change in changes] == [False]


async def test_one_upload_can_hold_a_start_and_an_end() -> None:
    async with Storage.open(None) as storage:
        intake, changes = an_intake(storage, AlertRule(name="r", threshold=60.0))
        batch = [*temperature(T, 90.0).samples, *temperature(T + 60, 20.0).samples]
        await intake.accept(Interface.COAP, Delivery(SERIAL, batch[::-1]))
        assert [(change.started, change.value) for change in changes] == [(True, 90.0), (False, 20.0)]


async def test_a_sender_that_goes_away_loses_no_message() -> None:
    """At whichever statement it goes, an alert that is stored was told, and one that was told is stored."""
    async with Storage.open(None) as storage:
        intake, changes = an_intake(storage, AlertRule(name="r", threshold=60.0))
        await intake.admit(SERIAL)
        seen: list[tuple[str, bool]] = []
        while True:
            before, value = len(changes), 20.0 if changes and changes[-1].started else 90.0
            work = intake.accept(Interface.COAP, temperature(T + 60 * len(seen), value))
            statement = await cancelled_at_statement(storage, work, len(seen) + 1)
            if not statement:
                break
            rows = await storage.alerts()
            assert len(rows) + sum(row["neutralized_ms"] is not None for row in rows) == len(changes)
            seen.append((statement.split()[0], len(changes) > before))
    # What goes on after the last statement cannot be stopped any more.
    assert seen[-1] == ("COMMIT", True) and ("INSERT", False) in seen


async def cancelled_at_statement(storage: Storage, work: Coroutine[Any, Any, Any], number: int) -> str | None:
    """Cancels the work while its statement of that number is in the database; the statement, or None without it."""
    loop, task = asyncio.get_running_loop(), asyncio.get_running_loop().create_task(work)
    statements: list[str] = []
    cancelled = threading.Event()

    def cancel() -> None:
        task.cancel()
        cancelled.set()

    def count(statement: str) -> None:
        statements.append(statement)
        if len(statements) == number:
            loop.call_soon_threadsafe(cancel)
            cancelled.wait(DEADLINE_SECONDS)

    await storage._connection.set_trace_callback(count)
    await asyncio.wait([task])
    await storage._connection.set_trace_callback(lambda _statement: None)
    return statements[number - 1] if len(statements) >= number else None


async def test_a_sample_of_the_future_does_not_silence_the_rules(world: World) -> None:
    """A sensor that once sent a wrong time would otherwise raise no alarm until that time has come."""
    await send_value(world, "282C02FFFF21", 20.0, moment=T + 3600)
    await send_value(world, "282C02FFFF21", 75.0)
    assert [alert["neutralized_ms"] for alert in await world.platform.storage.alerts()] == [None]
