"""The files of a report: what they promise to programs, to auditors and to eyes."""

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from pypdf import PdfReader

from monitor.reports.as_csv import COLUMNS, as_csv
from monitor.reports.as_html import as_html
from monitor.reports.as_json import as_json, report_json
from monitor.reports.as_pdf import as_pdf
from monitor.reports.pictures import Look, look_of
from monitor.reports.view import View, view
from monitor.reports.wording import allowance, length, listed
from monitor.sla.accounts import Classes
from monitor.sla.availability import decimal_floor
from monitor.sla.model import Cause
from monitor.sla.report_periods import named_period
from monitor.sla.year_report import YearReport
from monitor.words import promised
from tests.reports.records import AGREEMENT, API, DAY, MADE, START, WARSAW, YEAR, a_year, record, reported

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())


@pytest.fixture(scope="module")
def report() -> YearReport:
    return reported(a_year())


@pytest.fixture(scope="module")
def words(report: YearReport) -> View:
    return view(report)


@pytest.mark.parametrize("name", ["2026", "2026-11", "2026-01-15..2026-03-01"])
@pytest.mark.parametrize("days", [365, 40])
def test_json_is_as_its_schema_says(name: str, days: int) -> None:
    if name == "2026-11" and days == 40:
        name = "2026-01"
    found = reported(a_year(as_of_ms=START + days * DAY), named_period(name, WARSAW))
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(as_json(found)))


def test_the_schema_is_one_and_lets_no_unknown_key_pass(report: YearReport) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**report_json(report), "more": 1}, SCHEMA)


def test_anybody_can_recompute_every_figure_from_the_milliseconds(report: YearReport) -> None:
    for each in report_json(report)["components"]:
        for figures in (each, each["without_windows"], *each["months"]):
            times = figures["milliseconds"]
            assert sum(length for name, length in times.items() if name != "period") == times["period"]
            assert sum(figures["unknown_by_cause"].values()) == times["unknown"]
            known, reckoned = times["up"] + times["down"], times["up"] + times["down"] + times["unknown"]
            assert figures["observed"] == _floored(times["up"], known)
            assert figures["coverage"] == _floored(known, reckoned)
        for name, bound in (("pessimistic", "possibly_down"), ("optimistic", "certainly_down")):
            assert each[name] == _floored(reckoned_of(each) - each[f"{bound}_milliseconds"], reckoned_of(each))


def reckoned_of(each: dict[str, Any]) -> int:
    return sum(each["milliseconds"][name] for name in ("up", "down", "unknown"))


def _floored(part: int, whole: int) -> str | None:
    return decimal_floor(Fraction(part, whole), 9) if whole else None


def test_a_component_that_nothing_was_seen_of_has_no_figure() -> None:
    found = report_json(reported(record({}, [])))["components"][0]
    assert (found["observed"], found["pessimistic"], found["optimistic"]) == (None, None, None)
    assert found["unknown_by_cause"] == {"not_in_service": YEAR.length_ms}


def test_an_outage_in_json_is_whole_and_names_its_evidence() -> None:
    plain = reported(a_year()).components[0].outages[0].outage
    made = replace(MADE, evidence={plain.id: "boot1:77"})
    outage = report_json(reported(a_year(), made=made))["components"][0]["outages"][0]
    assert (outage["id"], outage["evidence"], outage["probes"]) == (plain.id, "boot1:77", ["api"])
    assert outage["milliseconds"] == outage["down_milliseconds"] + outage["unknown_milliseconds"] == 2 * 3_600_000
    assert (outage["reason"], outage["step"]) == ("refused", "connect")
    running = report_json(reported(a_year()))["components"][2]["outages"][0]
    assert running["end"] is None


def test_csv_has_a_row_for_each_component_and_period(report: YearReport) -> None:
    head, *rows = csv.reader(StringIO(as_csv(report).decode()))
    assert tuple(head) == COLUMNS
    assert len(rows) == 3 * 13
    assert all(len(row) == len(head) for row in rows)
    year, *months = (dict(zip(head, row, strict=True)) for row in rows[:13])
    assert (year["period"], months[0]["period"], year["verdict"], months[0]["verdict"]) == (
        "2026",
        "2026-01",
        "met",
        "",
    )
    for column in ("up_ms", "down_ms", "excluded_ms", "period_ms", "blips"):
        assert sum(int(month[column]) for month in months) == int(year[column])


def test_a_title_is_no_formula() -> None:
    agreement = replace(AGREEMENT, components=(replace(API, title='=HYPERLINK("x")'),))
    rows = as_csv(reported(replace(a_year(), agreements=(agreement,)))).decode()
    assert "\"'=HYPERLINK(" in rows


class _Page(HTMLParser):
    """Tags that were not closed in order, links to elsewhere, and scripts."""

    VOID = ("meta", "link", "br", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.problems: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "srcset") or (name == "href" and not (value or "").startswith("#")) or name[:2] == "on":
                self.problems.append(f"{tag} {name}={value}")
            if name == "style" or tag == "script":
                self.problems.append(f"{tag} {name}")
            if name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}>")


def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere(words: View) -> None:
    page = _Page()
    page.feed(as_html(words).decode())
    assert (page.problems, page.open) == ([], [])
    assert len(page.ids) == len(set(page.ids))


def test_what_people_wrote_cannot_become_markup(words: View) -> None:
    page = as_html(words).decode()
    assert "Their &lt;firewall&gt;" in page
    assert "<firewall>" not in page


@pytest.mark.parametrize(
    "sentence",
    [
        "customer: Their <firewall>",
        "by Ada Admin, approved by Bob Boss",
        "RETROACTIVE",
        "still running",
        "Account and device operations is monitored since 2026-03-02 00:00:00 CET.",
        "1 d 4 h more of certain uptime would have decided it.",
        "Not observed because the monitor was stopped (2 d 23 h).",
        "1 blip, 30 s together",
        "abababab",
        "tzdata 2026a",
    ],
)
def test_page_and_pdf_say_the_same(words: View, sentence: str, pdf_text: str) -> None:
    page = as_html(words).decode().replace("&lt;", "<").replace("&gt;", ">")
    assert sentence in page
    assert "".join(sentence.split()) in pdf_text


@pytest.fixture(scope="module")
def pdf(words: View, report: YearReport) -> bytes:
    return as_pdf(words, report.as_of_ms)


@pytest.fixture(scope="module")
def pdf_text(pdf: bytes) -> str:
    """All pages without blanks: where lines break is no matter."""
    return "".join("".join(page.extract_text().split()) for page in PdfReader(BytesIO(pdf)).pages)


def test_the_pdf_is_dated_by_the_report_and_names_no_place(pdf: bytes) -> None:
    about = PdfReader(BytesIO(pdf)).metadata
    assert about is not None
    assert (about.title, about.creation_date_raw) == ("Uptime report 2026", "D:20261231230000Z")
    assert str(Path(__file__).parents[2]).encode() not in pdf


def test_a_running_period_says_so_before_any_figure() -> None:
    words = view(reported(a_year(as_of_ms=START + 100 * DAY)))
    assert words.notes[0].startswith("The period is not over: everything here counts until 2026-04-11 01:00:00 CEST")
    assert words.summary[0].verdict == "Kept so far"


def test_a_year_in_which_monitoring_began_late_says_so() -> None:
    late = replace(a_year().ledger, terms=[replace(each, from_ms=START + DAY) for each in a_year().ledger.terms])
    assert view(reported(replace(a_year(), ledger=late))).notes[0].startswith("Monitoring began late, on 2026-01-02")


@pytest.mark.parametrize(
    ("classes", "look"),
    [
        (Classes(9, 9, 0), Look.UP),
        (Classes(9, 7, 1, {Cause.BLOCKED: 1}), Look.DOWN),
        (Classes(9, 7, 0, {Cause.BLOCKED: 1}, excluded_ms=1), Look.UNKNOWN),
        (Classes(9, 8, 0, {Cause.NOT_IN_SERVICE: 1}), Look.UNKNOWN),
        (Classes(9, 0, 0, {Cause.NOT_IN_SERVICE: 9}), Look.ABSENT),
        (Classes(9, 8, 0, {}, maintenance_ms=1), Look.TAKEN_OUT),
        (Classes(0, 0, 0), Look.ABSENT),
    ],
)
def test_a_day_is_shown_as_the_worst_of_it(classes: Classes, look: Look) -> None:
    assert look_of(classes) is look


def test_pictures_are_xml_with_a_cell_for_each_day(words: View) -> None:
    for each in words.components:
        picture = ElementTree.fromstring(each.days)
        cells = [cell for cell in picture.findall("{*}rect") if float(cell.attrib["y"]) < 190]
        assert len(cells) == 365
    assert ElementTree.fromstring(words.components[0].budget).attrib["aria-label"].startswith("Of 3 d 15 h allowed")


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 s"),
        (999, "0.9 s"),
        (59_999, "59.9 s"),
        (3_661_000, "1 h 1 min"),
        (-90_000_000, "−1 d 1 h"),
        (86_400_000, "1 d"),
    ],
)
def test_lengths_are_rounded_down(milliseconds: int, text: str) -> None:
    assert length(milliseconds) == text


def test_words() -> None:
    assert [allowance(hours * 3_600_000) for hours in (24, 168, 8 * 168)] == ["24 h", "1 week", "8 weeks"]
    assert (listed("abc"), listed("a"), listed("")) == ("a, b and c", "a", "–")
    assert promised(Fraction(99995, 100_000)) == "99.995 %"
