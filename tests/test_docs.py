"""The documentation agrees with the product: generated parts, links, commands, names."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import VERBS, main
from monitor.sla.model import Cause
from tools.generate_docs import renewed
from tools.take_pictures import PICTURES, digest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_generated_parts_are_current() -> None:
    for page, text in renewed():
        assert page.read_text(encoding="utf-8") == text, f"{page.name}: run `make docs`"


def test_the_pictures_are_of_the_present_pages() -> None:
    """A picture shows what the templates, the style and the demo's configuration made when it was taken."""
    assert (PICTURES / "digest.txt").read_text().strip() == digest(), "run `make pictures`, and look at them"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_commands_in_the_documentation_exist(page: Path) -> None:
    for verb in re.findall(r"^\$ efento-uptime ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
        assert verb in VERBS


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help(verb: str) -> None:
    done = CliRunner().invoke(main, [verb, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output


def test_every_cause_of_unknown_time_is_explained() -> None:
    method = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    assert [cause.value for cause in Cause if f"`{cause.value}`" not in method] == []
