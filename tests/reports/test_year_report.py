"""The report as a value: what it counts, what it says of late beginnings, running outages, windows and renames."""

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from monitor.sla.accounts import Judgement
from monitor.sla.model import Cause
from monitor.sla.periods import month
from monitor.sla.report_periods import named_period
from monitor.sla.windows import WindowEntry, WindowKind
from tests.reports.records import (
    AGREEMENT,
    DAY,
    EVERY,
    HOUR,
    START,
    WARSAW,
    YEAR,
    a_year,
    course,
    record,
    reported,
    terms,
    window,
)


def test_the_months_sum_to_the_year_class_by_class() -> None:
    for each in reported(a_year()).components:
        total = each.months[0].classes
        for following in each.months[1:]:
            total = total + following.classes
        assert total == each.account.classes
        assert len(each.months) == 12


def test_every_day_of_the_year_is_there_and_they_sum_to_it() -> None:
    api = reported(a_year()).components[0]
    assert (len(api.days), api.days[0].on, api.days[-1].on) == (365, date(2026, 1, 1), date(2026, 12, 31))
    assert sum(day.classes.down_ms for day in api.days) == api.account.classes.down_ms == HOUR


def test_an_excluded_window_is_taken_out_and_shown_as_retroactive() -> None:
    report = reported(a_year())
    api = report.components[0]
    assert (api.account.classes.excluded_ms, api.account.classes.down_ms) == (HOUR, HOUR)
    assert (api.without_windows.classes.excluded_ms, api.without_windows.classes.down_ms) == (0, 2 * HOUR)
    assert [each.retroactive for each in report.windows] == [True]


def test_a_component_that_no_window_concerns_is_the_same_without_windows() -> None:
    ingest = reported(a_year()).components[1]
    assert ingest.without_windows == ingest.account


def test_an_outage_that_goes_on_is_reported_as_running_with_its_length_so_far() -> None:
    operations = reported(a_year()).components[2]
    (running,) = operations.outages
    assert (running.outage.end_ms, running.milliseconds) == (None, 3 * HOUR)
    assert operations.statistics.open == 1


def test_time_before_the_first_probe_is_unknown_and_told() -> None:
    operations = reported(a_year()).components[2]
    assert operations.since_ms == START + 60 * DAY
    assert operations.account.classes.unknown[Cause.NOT_IN_SERVICE] == 60 * DAY


def test_a_running_year_ends_at_the_time_of_the_report() -> None:
    as_of_ms = START + 100 * DAY
    report = reported(a_year(as_of_ms=as_of_ms))
    api = report.components[0]
    assert report.running
    assert api.account.classes.period_ms == 100 * DAY
    assert [month.classes.period_ms == 0 for month in api.months] == [False] * 4 + [True] * 8
    assert api.allowed_ms == YEAR.length_ms // 100, "the whole year's, also while it runs"


def test_nothing_is_reported_of_a_period_that_has_not_begun() -> None:
    with pytest.raises(ValueError, match="2026-07 has not begun"):
        reported(a_year(as_of_ms=START + 100 * DAY), month(2026, 7, WARSAW))


def test_nothing_is_reported_where_no_agreement_is_on_record() -> None:
    with pytest.raises(ValueError, match="no agreement"):
        reported(replace(a_year(), agreements=()))


def test_a_promise_that_was_left_out_of_a_later_agreement_is_still_reported() -> None:
    without_api = replace(AGREEMENT, from_ms=START + 10 * DAY, components=AGREEMENT.components[1:])
    report = reported(replace(a_year(), agreements=(AGREEMENT, without_api)))
    assert {each.terms.key for each in report.components} == {"api", "ingest", "operations"}
    assert [interval for interval, _agreement in report.terms] == [
        (START, START + 10 * DAY),
        (START + 10 * DAY, YEAR.end_ms),
    ]


def test_a_rename_loses_nothing() -> None:
    """The key stays; the title is another, and so is the probe's record of settings."""
    renamed = replace(
        AGREEMENT,
        from_ms=START + 50 * DAY,
        components=(replace(AGREEMENT.components[0], title="The API"), *AGREEMENT.components[1:]),
    )
    before = a_year()
    again = replace(before.ledger, terms=[*before.ledger.terms, terms("api", "api", START + 50 * DAY)])
    after = reported(replace(before, agreements=(AGREEMENT, renamed), ledger=again)).components[0]
    assert after.terms.title == "The API"
    assert after.account == reported(before).components[0].account


def test_a_revoked_window_is_told_of_and_counts_no_more() -> None:
    revoked = WindowEntry(2, START + 50 * DAY, "Ada Admin", None, replaces=1, text="It was ours")
    report = reported(replace(a_year(), windows=[*a_year().windows, revoked]))
    assert (report.windows, report.withdrawn) == ((), (revoked,))
    assert report.components[0].account.classes.down_ms == 2 * HOUR


def test_a_window_that_goes_on_counts_until_now() -> None:
    as_of_ms = START + 30 * DAY
    entries = [window(1, as_of_ms - 2 * HOUR, None, WindowKind.EXCLUDED)]
    found = record({"api": course([], START, as_of_ms)}, [terms("api", "api")], as_of_ms=as_of_ms, windows=entries)
    report = reported(found)
    assert report.components[0].account.classes.excluded_ms == 2 * HOUR
    assert report.windows[0].end_ms is None


def test_the_verdict_is_undecided_where_blindness_could_hide_a_breach() -> None:
    verdicts = [each.account.verdict for each in reported(a_year()).components]
    assert verdicts == [Judgement.MET, Judgement.INCONCLUSIVE, None]


def test_heartbeats_tell_how_long_the_monitor_ran() -> None:
    (watch,) = reported(a_year()).watches
    assert (watch.location, YEAR.length_ms - watch.ran_ms) == ("frankfurt", 3 * DAY)


def test_a_blip_is_counted_and_is_no_downtime() -> None:
    found = record({"api": course([(START + DAY, START + DAY + EVERY)], START, YEAR.end_ms)}, [terms("api", "api")])
    account = reported(found).components[0].account
    assert (account.blips, account.blip_ms, account.classes.down_ms) == (1, EVERY, 0)
    assert account.possibly_down_ms > 0


@pytest.mark.parametrize(
    ("name", "days"),
    [("2026", 365), ("2028", 366), ("2026-02", 28), ("2026-01-15..2026-03-01", 45), ("2026-12-31..2027-01-01", 1)],
)
def test_periods_are_asked_for_by_name(name: str, days: int) -> None:
    assert named_period(name, WARSAW).length_ms == days * DAY


def test_the_days_of_a_clock_change_have_23_and_25_hours() -> None:
    assert named_period("2026-03-29..2026-03-30", WARSAW).length_ms == 23 * HOUR
    assert named_period("2026-10", WARSAW).length_ms == 31 * DAY + HOUR


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("26", "expected a year"),
        ("2026-13", "no month 13"),
        ("2026-1", "expected a year"),
        ("0001", "a year from 1970"),
        ("٢٠٢٦", "expected a year"),
        ("2026-01-15..2026-01-15", "must come before"),
        ("2026-02-30..2026-03-01", "'2026-02-30' is no day"),
        ("2026-02-01..", "'' is no day"),
        ("../etc", "'' is no day"),
        ("1970-01-01..9998-01-01", "at most 10 years"),
    ],
)
def test_a_name_that_is_no_period_says_what_is_wrong(name: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        named_period(name, WARSAW)


def test_a_day_that_the_zone_left_out_is_no_period() -> None:
    with pytest.raises(ValueError, match="leaves this day out"):
        named_period("2011-12-30..2011-12-31", ZoneInfo("Pacific/Apia"))
