"""The table of faults and verdicts: it is what is found today, nothing goes unseen, nobody is blamed for another."""

import re

import pytest

from tests.real_servers import command
from tools.fault_verdicts import OWNERS, PAGE, Case, all_found, cases, row, written

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def today() -> dict[Case, str]:
    """All rows as they are found now; most of the time is waiting."""
    command("chromium")
    page = written(PAGE.read_text(encoding="utf-8"))
    told = {case: row(case, said) for case, said in all_found(cases()).items()}
    # A machine that was busy for a moment is given a second chance; a page that is not current has none.
    others = [case for case in cases() if told[case] != page[case]]
    return told | {case: row(case, said) for case, said in all_found(others).items()}


def test_the_page_has_every_fault() -> None:
    assert list(written(PAGE.read_text(encoding="utf-8"))) == cases()


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.interface} {case.fault}")
def test_a_row_is_what_is_found_today(today: dict[Case, str], case: Case) -> None:
    assert today[case] == written(PAGE.read_text(encoding="utf-8"))[case], (
        "run `python -m tools.fault_verdicts --write`"
    )


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.interface} {case.fault}")
def test_only_the_owner_is_blamed_and_every_fault_is_seen(case: Case) -> None:
    line = written(PAGE.read_text(encoding="utf-8"))[case]
    blamed = set(re.findall(r"\*\*([a-z]+)\*\* down", line))
    assert blamed <= {OWNERS.get(case.interface, "")}
    assert "NOT SEEN" not in line
