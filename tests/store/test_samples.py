"""What became of samples, and what probes remember: in the transaction of the result that found it out."""

import random
from dataclasses import replace

from probes.contract import SampleMark
from probes.efento.samples import SampleRun, SampleState, marked
from tests.store.conftest import Recording
from tests.store.histories import EVERY_MS, START_MS, result

PENDING, SEEN, LOST = SampleState.PENDING, SampleState.SEEN, SampleState.LOST


async def test_marks_are_kept_as_runs(recording: Recording) -> None:
    marks = (
        SampleMark("S1", 60, PENDING, (600, 660, 720)),
        SampleMark("S2", 60, LOST, (600,)),
        SampleMark("S1", 60, SEEN, (600, 660)),
    )
    async with recording() as store:
        await store.record(replace(result("D"), marks=marks[:2]))
        await store.record(replace(result("u", START_MS + EVERY_MS), marks=marks[2:]))
        assert await store.sample_runs() == {
            "S1": [SampleRun(600, 660, 60, SEEN), SampleRun(720, 720, 60, PENDING)],
            "S2": [SampleRun(600, 600, 60, LOST)],
        }


async def test_stored_samples_equal_those_in_memory(recording: Recording) -> None:
    """Any marks in any order, with a change of the period among them."""
    dice = random.Random(7)
    expected: list[SampleRun] = []
    async with recording() as store:
        for number in range(120):
            period = dice.choice((60, 60, 180))
            times = tuple(sorted({dice.randrange(40) * period for _ in range(dice.randrange(1, 5))}))
            mark = SampleMark("S1", period, dice.choice((PENDING, SEEN, LOST)), times)
            expected = marked(expected, mark.period, mark.state, mark.times)
            await store.record(replace(result("u", START_MS + number), marks=(mark,)))
            assert await store.sample_runs() == {"S1": expected}


async def test_memory_is_of_each_probe_and_the_newest(recording: Recording) -> None:
    async with recording(probes=["web", "api"]) as store:
        await store.record(replace(result("u"), memory={"last": "1", "other": "x"}))
        await store.record(replace(result("u", probe="api"), memory={"last": "2"}))
        await store.record(replace(result("D", START_MS + EVERY_MS), memory={"last": "3"}))
        assert await store.memory() == {("web", "last"): "3", ("web", "other"): "x", ("api", "last"): "2"}
