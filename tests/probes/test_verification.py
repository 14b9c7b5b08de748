"""The verification names missing, doubled, altered and shifted samples, and knows a wrong zone from data loss."""

from collections import Counter
from datetime import datetime, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.contract import Reason
from probes.efento.signal import sensor_signal
from probes.efento.verification import Findings, ReturnedSample, verify, wrong_zone

SIGNAL = sensor_signal("282C02FFFF01", "key", ["TEMPERATURE"])
WARSAW, UTC = ZoneInfo("Europe/Warsaw"), ZoneInfo("UTC")
START = 1_790_000_100
DUE = range(START, START + 600, 60)


def stored(time: int, raws: tuple[int | None, ...] | None = None, zone: ZoneInfo = WARSAW) -> ReturnedSample:
    """A sample as a platform in this zone writes it."""
    wall = datetime.fromtimestamp(time, zone).replace(tzinfo=None)
    return ReturnedSample(wall, SIGNAL.raws(time) if raws is None else raws)


def test_a_complete_history_has_no_findings() -> None:
    assert verify([stored(time) for time in DUE], SIGNAL, WARSAW, DUE, judge_others=True) == Findings()


def test_each_kind_of_fault_is_named_with_its_times() -> None:
    rows = [stored(time) for time in DUE[3:]] + [stored(DUE[4])]
    rows.append(stored(DUE[1], (SIGNAL.raws(DUE[1])[0] + 1,)))
    rows.append(stored(DUE[2] + 25, SIGNAL.raws(DUE[2])))
    findings = verify(rows, SIGNAL, WARSAW, DUE, judge_others=False)
    assert findings == Findings((DUE[0],), (DUE[4],), (DUE[1],), ((DUE[2], 25),))
    assert findings.wrong_times() == {DUE[0], DUE[1], DUE[2], DUE[4]}
    assert findings.describe() == (
        "1 missing: 2026-09-21T14:15:00Z; 1 doubled: 2026-09-21T14:19:00Z; 1 altered: 2026-09-21T14:16:00Z; "
        "1 shifted by +25 s: 2026-09-21T14:17:00Z"
    )


@pytest.mark.parametrize("late", [60, -60, 7, 900])
def test_a_stretch_shifted_as_a_whole_is_shifted_by_one_amount(late: int) -> None:
    rows = [stored(time) for time in DUE[:3]]
    rows += [stored(time + late, SIGNAL.raws(time)) for time in DUE[5:]]
    findings = verify(rows, SIGNAL, WARSAW, DUE, judge_others=True)
    assert {offset for _, offset in findings.shifted} == {late}
    assert {time for time, _ in findings.shifted} == set(DUE[5:])
    assert findings.missing == tuple(DUE[3:5])
    assert (findings.altered, findings.reason()) == ((), Reason.SHIFTED)


def test_an_altered_value_that_equals_another_absent_samples_is_no_shift() -> None:
    rows = [stored(time) for time in DUE if time not in (DUE[1], DUE[4])]
    rows += [stored(DUE[1], SIGNAL.raws(DUE[4])), stored(DUE[4], (10_000,))]
    assert verify(rows, SIGNAL, WARSAW, DUE, judge_others=True) == Findings(altered=(DUE[1], DUE[4]))


def test_a_row_without_a_valid_value_is_an_altered_sample() -> None:
    rows = [stored(time) for time in DUE[1:]] + [stored(DUE[0], (None,))]
    assert verify(rows, SIGNAL, WARSAW, DUE, judge_others=True) == Findings(altered=(DUE[0],))


def test_samples_that_nobody_is_sure_of_are_excused() -> None:
    rows = [stored(DUE[0], (None,)), stored(DUE[3]), stored(DUE[3])]
    assert verify(rows, SIGNAL, WARSAW, (), excused=DUE, judge_others=True) == Findings()


def test_an_unknown_sample_is_judged_by_its_value_where_that_is_wanted() -> None:
    odd = stored(START + 5, (SIGNAL.raws(START + 5)[0] + 1,))
    assert verify([odd], SIGNAL, WARSAW, (), judge_others=True).altered == (START + 5,)
    assert verify([odd], SIGNAL, WARSAW, (), judge_others=False).ok()
    assert verify([stored(START + 5)], SIGNAL, WARSAW, (), judge_others=True).ok()


def test_the_repeated_hour_is_resolved_by_the_values() -> None:
    """On 25 October 2026 the hour from 02:00 comes twice in Warsaw; each wall time stands for two samples."""
    due = range(1_792_882_800, 1_792_893_600, 60)
    rows = [stored(time) for time in due]
    assert len({row.wall for row in rows}) == len(rows) - 60
    assert verify(reversed(rows), SIGNAL, WARSAW, due, judge_others=True).ok()
    gone = due[100]
    lacking = [stored(time) for time in due if time != gone]
    assert verify(lacking, SIGNAL, WARSAW, due, judge_others=True) == Findings(missing=(gone,))


@given(
    st.lists(st.sampled_from(["right", "gone", "twice", "altered"]), min_size=len(DUE), max_size=len(DUE)),
    st.integers(1, 400),
)
def test_any_mixture_of_single_faults_is_found_exactly(fates: list[str], change: int) -> None:
    rows: list[ReturnedSample] = []
    for time, fate in zip(DUE, fates, strict=True):
        copies = Counter(right=1, twice=2)[fate]
        rows += [stored(time)] * copies
        if fate == "altered":
            rows.append(stored(time, (10_000 + change + time - START,)))  # equals no sample of the signal
    findings = verify(rows, SIGNAL, WARSAW, DUE, judge_others=True)
    by_fate = {fate: tuple(time for time, f in zip(DUE, fates, strict=True) if f == fate) for fate in set(fates)}
    assert findings == Findings(by_fate.get("gone", ()), by_fate.get("twice", ()), by_fate.get("altered", ()))


@pytest.mark.parametrize("offset", [3600, -7200, 900, -26 * 3600, 20_700])
def test_an_answer_that_is_off_as_a_whole_tells_of_a_wrong_zone(offset: int) -> None:
    rows = [ReturnedSample(row.wall + timedelta(seconds=offset), row.raws) for row in map(stored, DUE)]
    explanation = wrong_zone(rows, SIGNAL, WARSAW, DUE)
    assert explanation is not None
    assert "all 10 samples" in explanation
    assert "Europe/Warsaw" in explanation
    assert wrong_zone(rows[:1], SIGNAL, WARSAW, DUE) is not None


def test_answers_in_utc_across_a_change_of_the_clocks_are_recognised_too() -> None:
    due = range(1_792_882_800, 1_792_904_400, 600)
    explanation = wrong_zone([stored(time, zone=UTC) for time in due], SIGNAL, WARSAW, due)
    assert explanation == "all 36 samples of the answer stand +0:00 later than UTC"


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [stored(time) for time in DUE[1:]],
        [stored(DUE[0]), *(stored(time + 3600, SIGNAL.raws(time)) for time in DUE[1:])],
        [stored(time + 3601, SIGNAL.raws(time)) for time in DUE],
        [stored(DUE[0], (SIGNAL.raws(START - 7200)[0],))],
    ],
    ids=["empty", "one missing", "partly off", "off by no zone", "one altered to an old value"],
)
def test_nothing_else_is_taken_for_a_wrong_zone(rows: list[ReturnedSample]) -> None:
    assert wrong_zone(rows, SIGNAL, WARSAW, DUE) is None


@pytest.mark.parametrize("amount", [10, -10, 1, 25])
def test_many_altered_values_are_altered_though_some_share_a_distance(amount: int) -> None:
    """Of sixty values raised by one degree some always equal sixty others at one and the same distance."""
    due = range(START, START + 120, 2)
    rows = [stored(time, (SIGNAL.raws(time)[0] + amount,)) for time in due]
    findings = verify(rows, SIGNAL, WARSAW, due, judge_others=True)
    assert (findings.altered, findings.reason()) == (tuple(due), Reason.ALTERED)


def test_a_day_of_altered_samples_is_judged_while_nobody_has_to_wait() -> None:
    """The event loop waits for the judgement, and with it every other probe: it took three minutes once."""
    times = range(START, START + 8640 * 10, 10)
    rows = [stored(time, (SIGNAL.raws(time)[0] + 7,)) for time in times]
    began = perf_counter()
    findings = verify(rows, SIGNAL, WARSAW, frozenset(times), judge_others=True)
    assert perf_counter() - began < 10
    assert len(findings.altered) > 8000
