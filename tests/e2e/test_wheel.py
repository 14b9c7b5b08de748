"""The built wheel, installed where there is no checkout: everything that the product needs is in it."""

import signal
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from monitor.reports.bundle import METHOD
from tests.e2e.daemons import Demo, asked
from tests.e2e.processes import Keeper, run

ROOT = Path(__file__).parents[2]
PYTHON = Path(sys.executable)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("dist")
    done = run(
        *("-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(ROOT)),
        cwd=place,
        command=PYTHON,
        seconds=60,
    )
    assert done.returncode == 0, done.stderr
    (built,) = place.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command in a fresh environment, which has the libraries of this one and of the product only the wheel."""
    place = tmp_path_factory.mktemp("installed") / "venv"
    assert run("-m", "venv", "--without-pip", str(place), cwd=place.parent, command=PYTHON).returncode == 0
    python = place / "bin" / "python"
    done = run(
        *("-m", "pip", "--python", str(python), "--disable-pip-version-check"),
        *("install", "--quiet", "--no-deps", "--no-index", str(wheel)),
        cwd=place,
        command=PYTHON,
        seconds=60,
    )
    assert done.returncode == 0, done.stderr
    (packages,) = place.glob("lib/python*/site-packages")
    # Files named *.pth in a folder that is added like this are not read: the checkout stays out.
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = run("-c", "import monitor; print(monitor.__file__)", cwd=place, command=python).stdout
    assert Path(where).is_relative_to(place)
    return place / "bin" / "efento-uptime"


def test_the_wheel_has_what_is_no_python_code(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    shipped = {f"monitor/shipped_config/{file.name}" for file in (ROOT / "config").glob("*.yaml")}
    templates = {f"monitor/web/templates/{file.name}" for file in (ROOT / "monitor/web/templates").iterdir()}
    scenarios = {f"standin/scenarios/{file.name}" for file in (ROOT / "standin/scenarios").glob("*.yaml")}
    pages = {f"standin/webapp/pages/{file.name}" for file in (ROOT / "standin/webapp/pages").iterdir()}
    reports = {f"monitor/reports/templates/{file.name}" for file in (ROOT / "monitor/reports/templates").iterdir()}
    method = {f"monitor/shipped_docs/{name}" for name in METHOD}
    runbooks = {f"monitor/shipped_docs/runbooks/{file.name}" for file in (ROOT / "docs/runbooks").glob("*.md")}
    parts = (shipped, templates, scenarios, pages, reports, method, runbooks)
    assert all(parts)
    assert set().union(*parts) <= names
    assert not {name for name in names if name.startswith("tests/")}


def test_the_shipped_configuration_is_valid(program: Path, tmp_path: Path) -> None:
    (shipped,) = program.parents[1].glob("lib/python*/site-packages/monitor/shipped_config/demo.yaml")
    done = run("config", "validate", str(shipped), cwd=tmp_path, command=program)
    assert (done.returncode, done.stderr) == (0, "")
    first, *notes = done.stdout.splitlines()
    assert first == f"{shipped}: valid, 7 components, 14 probes"
    assert not [line for line in notes if ": note: " not in line]  # no warning


def test_the_demo_comes_up_and_plays_a_scenario(program: Path, tmp_path: Path, keep: Keeper) -> None:
    demo = keep(Demo(tmp_path / "data", "--scenario", "quiet-day", command=program)).ready()
    demo.shows(lambda status: {each["state"] for each in status.content["components"]} == {"up"}, "all up", 40)
    assert asked(demo.addresses["standin"], "/scenario")["scenario"]["name"] == "quiet-day"
    assert demo.logs("check.crashed") == []
    demo.send(signal.SIGINT)
    assert demo.ended(10) == 0
    assert "Traceback" not in demo.said()
