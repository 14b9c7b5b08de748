"""What earlier checks found out reaches later ones, and the store's copy says the same."""

from monitor.facts import RecordedFacts
from probes.contract import SampleMark
from probes.efento.samples import SampleRun, SampleState

SERIAL = "282C02FFFF01"


def test_marks_and_memory_are_added_to_what_was_loaded() -> None:
    loaded = {SERIAL: [SampleRun(100, 120, 10, SampleState.SEEN)]}
    facts = RecordedFacts(loaded, {("ingest", "point"): "101"})
    facts.add("ingest", [SampleMark(SERIAL, 10, SampleState.SEEN, (130,))], {"turn": "1"})
    assert facts.sample_runs(SERIAL) == [SampleRun(100, 130, 10, SampleState.SEEN)]
    assert facts.recall("ingest", "point") == "101"
    assert facts.recall("ingest", "turn") == "1"
    assert facts.recall("history", "turn") is None, "a probe remembers for itself"
    assert facts.sample_runs("282C02FFFF02") == ()
