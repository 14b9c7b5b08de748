"""What messages say, which round they belong to, and the values that tell rounds apart."""

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from probes import notification_email, notification_sms
from probes.contract import Reason
from probes.efento.alarm_matching import Expected, Matching
from probes.efento.alarm_record import SentValue
from probes.efento.alarm_values import FEWEST_LEVELS, Walk
from probes.efento.notification_text import Kind, Notice, Wording
from probes.efento.signal import CHANNEL_TYPES
from tests.probes.examples.notification_email import example as email_example
from tests.probes.examples.notification_sms import example as sms_example

TEMPERATURE = CHANNEL_TYPES["TEMPERATURE"]
WARSAW = ZoneInfo("Europe/Warsaw")
T = 1_790_000_100  # 2026-09-21 16:15:00 in Warsaw
ALARM_SMS = (
    "2026-09-21 16:15:00 Alarm! Regula uptime-sms, czujnik: 282C02FFFF22 w Firma - Magazyn w Lodzi, wartosc 85.3C"
)
ALL_CLEAR_SMS = (
    "2026-09-21 16:15:00 Powrot do normalnego stanu. Regula uptime-sms, czujnik 282C02FFFF22 w Firma - Magazyn: "
    "Wartosc -4C"
)
WHEN = datetime.fromisoformat("2026-09-21 16:15:00")


def sms_wording() -> Wording:
    options = notification_sms.Options.model_validate(sms_example(1, 1, 1.0))
    return Wording(options.alarm_text, options.all_clear_text, options.cut_at)


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        (ALARM_SMS, Notice(Kind.ALARM, "uptime-sms", "282C02FFFF22", 85.3, WHEN)),
        (ALL_CLEAR_SMS, Notice(Kind.ALL_CLEAR, "uptime-sms", "282C02FFFF22", -4.0, WHEN)),
        (ALARM_SMS.replace("85.3", "85,3"), Notice(Kind.ALARM, "uptime-sms", "282C02FFFF22", 85.3, WHEN)),
        (ALARM_SMS[:60], Notice(None)),
        (ALARM_SMS.replace("09-21", "13-21"), Notice(Kind.ALARM, "uptime-sms", "282C02FFFF22", 85.3, None)),
        ("", Notice(None)),
        ("?" * 160, Notice(None)),
    ],
)
def test_the_documented_texts_of_sms_are_read(text: str, notice: Notice) -> None:
    assert sms_wording().read(text) == notice


def test_an_sms_that_was_cut_before_its_value_is_known_by_its_time() -> None:
    for kept in (0, 1, 3, 4):  # of the value 85.3C
        missing = 160 - kept - ALARM_SMS.index("85.3")
        long = ALARM_SMS.replace("Magazyn", "Magazyn" + "x" * missing)
        assert sms_wording().read(long[:160]) == Notice(Kind.ALARM, "uptime-sms", "282C02FFFF22", None, WHEN)
        assert sms_wording().read(long[: 160 - kept - 1]).kind is None


@pytest.mark.parametrize(
    "patterns",
    [
        "(",
        r"(?P<rule>a)(?P<sensor>b)",
        [r"(?P<rule>a)(?P<sensor>b)(?P<value>c)", r"(?P<value>d)"],
        r"(?P<rule>a)(?P<sensor>b)(?P<value>c)(?P<colour>d)",
        [],
    ],
)
def test_patterns_that_cannot_work_are_refused(patterns: Any) -> None:
    with pytest.raises(ValidationError):
        notification_email.Options.model_validate({**email_example(1, 1, 1.0), "alarm_text": patterns})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"normal": [20, 61]}, "overlap"),
        ({"alarm": [61, 70]}, "only 91 different values"),
        ({"alarm": [99, 61]}, "only 0 different values"),
        ({"alarm": [61.05, 99]}, "multiples of 0.1"),
        ({"resolution": 0.25}, "resolution"),
        ({"mailbox": {}}, "either imap or receiver"),
    ],
)
def test_options_that_cannot_work_are_refused(changes: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        notification_email.Options.model_validate({**email_example(1, 1, 1.0), **changes})


@pytest.mark.parametrize("high", [80.9, 81, 99, 99.3])
def test_a_walk_repeats_no_value_soon_and_no_neighbour(high: float) -> None:
    walk = Walk.through(TEMPERATURE, 61, high, 0.1)
    assert walk.levels >= FEWEST_LEVELS - 1
    rounds = walk.levels - walk.levels // 8
    raws = [walk.raw(number) for number in range(2 * rounds)]
    assert len(set(raws[:rounds])) == rounds
    assert raws[:rounds] == raws[rounds:]
    assert all(abs(a - b) > 20 for a, b in itertools.pairwise(raws))
    assert {610 <= raw <= round(high * 10) for raw in raws} == {True}
    one_shot = {walk.raw(number, one_shot=True) for number in range(1000)}
    assert one_shot.isdisjoint(raws)
    assert max(one_shot) <= round(high * 10)


def matching() -> Matching:
    """Round 2's alarm is awaited; of round 1 the alarm came, the all-clear did not."""
    expected = Expected("rule", "sensor", WARSAW, 120, TEMPERATURE.raw)
    sent = [
        SentValue(number=1, kind=Kind.ALARM, raw=700, time=T - 600, arrived_at=T - 590),
        SentValue(number=1, kind=Kind.ALL_CLEAR, raw=200, time=T - 580),
        SentValue(number=2, kind=Kind.ALARM, raw=800, time=T),
    ]
    return Matching(expected, sent, number=2)


def notice(value: float | None, seconds: int = 0, kind: Kind = Kind.ALARM, **names: str) -> Notice:
    wall = datetime.fromtimestamp(T + seconds, WARSAW).replace(tzinfo=None)
    return Notice(kind, names.get("rule", "rule"), names.get("sensor", "sensor"), value, wall)


@pytest.mark.parametrize(
    ("message", "arrived", "reason"),
    [
        (notice(80.0), True, None),
        (notice(80.0, 119), True, None),
        (notice(80.0, 121), False, Reason.SHIFTED),
        (notice(80.0, -3600), False, Reason.SHIFTED),
        (notice(80.0, rule="other"), False, Reason.CONTENT),
        (notice(80.0, sensor="other"), False, Reason.CONTENT),
        (Notice(None), False, Reason.CONTENT),
        (notice(81.0), False, Reason.ALTERED),
        (notice(81.0, -3600), False, None),  # of a round that is long forgotten
        (notice(81.0, rule="other"), False, None),
        (notice(70.0), False, Reason.ALTERED),  # round 1's value, but it came already and this one's time is now
        (notice(80.0, kind=Kind.ALL_CLEAR), False, None),
        (notice(None), True, None),
        (notice(None, -600), False, None),
    ],
)
def test_a_message_counts_only_for_the_round_that_it_names(
    message: Notice, arrived: bool, reason: Reason | None
) -> None:
    found = matching()
    found.take(message, "1", T + 5)
    assert (found.sent[-1].arrived_at is not None) is arrived
    assert (found.gravest() or (None,))[0] is reason


def test_a_late_message_is_recorded_for_its_own_round() -> None:
    found = matching()
    found.take(notice(20.0, -580, Kind.ALL_CLEAR), "1", T + 20)
    assert found.late_seconds == [600]
    assert [sent.arrived_at for sent in found.sent] == [T - 590, T + 20, None]


def test_a_second_copy_is_doubled_in_its_own_round_and_in_a_later_one() -> None:
    found = matching()
    for key, message in enumerate((notice(70.0, -600), notice(80.0), notice(80.0))):
        found.take(message, str(key), T)
    assert [str(sent) for sent in found.doubled] == ["the alarm of round 1", "the alarm of round 2"]


def test_a_message_that_is_handed_over_twice_is_one() -> None:
    found = matching()
    for _ in range(2):
        found.take(notice(80.0), "the same", T)
    assert found.doubled == []


def test_in_the_hour_that_comes_twice_both_readings_are_right() -> None:
    found = matching()
    for moment in (1_792_886_400, 1_792_890_000):  # 02:00 in summer time, an hour later 02:00 again
        found.sent[-1].time = moment
        assert found.expected.seconds_off(datetime.fromisoformat("2026-10-25 02:00:00"), found.sent[-1]) == 0


def test_names_are_compared_as_an_sms_writes_them() -> None:
    found = matching()
    expected = Expected("Próba łączności", "Chłodnia  1", WARSAW, 120, TEMPERATURE.raw)
    assert expected.names(Notice(Kind.ALARM, "Proba lacznosci", "Chlodnia 1"))
    assert not expected.names(Notice(Kind.ALARM, "Proba", "Chlodnia 1"))
    assert found.own == []
