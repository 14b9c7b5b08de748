"""Which alerts may be ended: what nobody tells of, what Alertmanager has forgotten, and never what is hidden."""

from dataclasses import dataclass, field

from monitor.alerting.alerts import Alert, LabelSet, alerts_of
from monitor.alerting.api import Held
from monitor.alerting.ending import Over, to_end
from monitor.sla.model import State
from tests.alerting.scenes import standing
from tests.monitor.boards import watching

SETTLE = 90.0
CONFIG = watching("ingest", "api")
# That of the platform, of what hides either, and of either.
PLATFORM, HIDES_INGEST, HIDES_API, INGEST, API = alerts_of(
    [standing(key, State.DOWN, 1) for key in ("ingest", "api")], CONFIG
)


@dataclass
class Scene:
    """`held` is when Alertmanager was told last of each alert that it holds."""

    over: dict[LabelSet, Over] = field(default_factory=dict)
    held: dict[LabelSet, str] = field(default_factory=dict)

    def ends(self, *alerts: Alert, at: float) -> None:
        for alert in alerts:
            self.over[alert.key] = Over(alert, 0, over_at=at, look_at=at)

    def told(self, *alerts: Alert, at: str) -> None:
        self.held |= {alert.key: at for alert in alerts}

    def look(self, at: float) -> list[Alert]:
        """What is ended then."""
        held = {key: Held(key, "", told) for key, told in self.held.items()}
        ended = [each.alert for each in to_end(self.over, held, at, SETTLE)]
        for alert in ended:
            del self.over[alert.key]
            self.held.pop(alert.key, None)
        return ended


def scene(*alerts: Alert) -> Scene:
    found = Scene()
    found.told(*alerts, at="first")
    return found


def test_what_nobody_tells_of_is_ended_a_while_after_the_first_look() -> None:
    them = scene(INGEST)
    them.ends(INGEST, at=0)
    assert [them.look(at) for at in (0, 89, 90)] == [[], [], [INGEST]]


def test_what_somebody_tells_of_is_not() -> None:
    them = scene(INGEST)
    them.ends(INGEST, at=0)
    for at, told in ((0, "second"), (90, "third"), (180, "fourth")):
        them.told(INGEST, at=told)
        assert them.look(at) == []
    assert them.look(270) == [INGEST]


def test_what_is_not_there_is_ended_too_once_others_would_have_told_of_it() -> None:
    them = scene()
    them.ends(INGEST, at=0)
    assert [them.look(at) for at in (0, 90)] == [[], [INGEST]]


def test_what_was_lost_and_is_told_by_another_is_not_ended() -> None:
    """Alertmanager was restarted, and the other was slow."""
    them = scene()
    them.ends(INGEST, at=0)
    assert them.look(0) == []
    them.told(INGEST, at="second")
    assert [them.look(at) for at in (90, 180)] == [[], [INGEST]]


def test_what_hides_another_ends_before_it() -> None:
    them = scene(PLATFORM, HIDES_INGEST, HIDES_API, INGEST, API)
    them.ends(API, INGEST, HIDES_API, HIDES_INGEST, PLATFORM, at=0)
    them.look(0)
    assert them.look(90) == [PLATFORM, HIDES_API, HIDES_INGEST, API, INGEST]


def test_of_what_is_still_down_the_hiding_ends_alone() -> None:
    them = scene(HIDES_INGEST, INGEST)
    them.ends(HIDES_INGEST, at=0)
    assert [them.look(at) for at in (0, 90)] == [[], [HIDES_INGEST]]


def test_what_recovers_soon_after_the_platform_is_hidden_until_it_is_ended_itself() -> None:
    """Otherwise it would page in between, though it is up."""
    them = scene(HIDES_INGEST, INGEST)
    them.ends(HIDES_INGEST, at=0)
    them.look(0)
    them.ends(INGEST, at=80)
    assert [them.look(at) for at in (80, 90, 169, 170)] == [[], [], [], [HIDES_INGEST, INGEST]]


def test_what_another_ended_while_it_was_hidden_is_ended_once_more_with_what_hid_it() -> None:
    them = scene(HIDES_INGEST, INGEST)
    them.ends(HIDES_INGEST, INGEST, at=0)
    them.look(0)
    del them.held[INGEST.key]  # as Prometheus does, at its next evaluation
    assert [them.look(at) for at in (90, 179, 180)] == [[], [], [HIDES_INGEST, INGEST]]


def test_nothing_is_ended_while_another_hides_it() -> None:
    them = scene(HIDES_INGEST, INGEST)
    them.ends(INGEST, at=0)
    assert [them.look(at) for at in (0, 90, 180)] == [[], [], []]
    del them.held[HIDES_INGEST.key]
    assert them.look(270) == [INGEST]


def test_what_is_ended_at_once_waits_for_nobody() -> None:
    them = scene(HIDES_INGEST, INGEST)
    them.ends(HIDES_INGEST, at=0)
    them.over[HIDES_INGEST.key].at_once = True
    assert them.look(0) == [HIDES_INGEST]
