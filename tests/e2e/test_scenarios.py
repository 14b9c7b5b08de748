"""The shipped scenarios, played by the demo: each begins, and what fails in one is found there and nowhere else."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from standin.scenario import FOLDER, names
from tests.e2e.daemons import Demo, Status, asked
from tests.e2e.processes import Keeper, run

CONFIG = str(Path(__file__).parents[2] / "config" / "demo.yaml")
AT_ONCE = 5
SOONER_SECONDS = 55  # the events of `api-flapping` come so much earlier here; those before are left out

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def flapping(tmp_path_factory: pytest.TempPathFactory, keep_for_all: Keeper) -> Demo:
    """Goes on while the other scenarios are tried."""
    place = tmp_path_factory.mktemp("flapping")
    (place / "sooner.yaml").write_text(sooner((FOLDER / "api-flapping.yaml").read_text()))
    return keep_for_all(Demo(place / "data", "--scenario", "sooner.yaml"))


def sooner(text: str) -> str:
    """The scenario without its beginning."""
    head, *events = re.split(r"^(?=  - at: )", text, flags=re.MULTILINE)
    moved = [(int(found[1]) - SOONER_SECONDS, event) for event in events if (found := re.search(r"at: (\d+)s", event))]
    assert len(moved) == len(events)
    return head + "".join(re.sub(r"at: \d+s", f"at: {at}s", event) for at, event in moved if at > 0)


@pytest.fixture(scope="module", params=range(0, len(names()), AT_ONCE))
def playing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, flapping: Demo
) -> Iterator[dict[str, Demo]]:
    """Some of the scenarios at the same time."""
    place = tmp_path_factory.mktemp("playing")
    with Keeper() as keep:
        chosen = names()[request.param : request.param + AT_ONCE]
        yield {name: keep(Demo(place / name, "--scenario", name)) for name in chosen}


def test_every_scenario_is_played(playing: dict[str, Demo]) -> None:
    for name, demo in playing.items():
        told = asked(demo.ready().addresses["standin"], "/scenario")["scenario"]
        assert (told["name"], told["round"], told["finished"]) == (name, 1, False)
        assert told["next"]
        demo.logged("check.finished")
    for demo in playing.values():
        demo.send(signal.SIGINT)
    for demo in playing.values():
        assert demo.ended(20) == 0, demo.said()
        assert demo.logs("check.crashed") == []


def test_an_api_that_comes_and_goes_is_an_outage_of_the_api_alone(flapping: Demo) -> None:
    def over(status: Status) -> bool:
        outages = outages_of(flapping)
        return bool(outages) and status.state("api") == "up"

    flapping.ready().shows(over, "an outage and its end", 60)
    assert {outage["component"] for outage in outages_of(flapping)} == {"api"}
    failed = {entry["component"] for entry in flapping.logs("check.finished") if entry["verdict"] == "down"}
    assert failed == {"api"}


def outages_of(demo: Demo) -> list[dict[str, object]]:
    store = f"sqlite:///{demo.folder / 'uptime.db'}"
    found: list[dict[str, object]] = json.loads(
        run("outages", "--json", "-c", CONFIG, cwd=demo.folder, DEMO_STORE=store).stdout
    )
    return found
