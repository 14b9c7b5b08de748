"""A component's outcome in a sentence or two of plain words."""

from monitor.reports.wording import MONTH_NAMES, VERDICTS, length, listed, ratio
from monitor.sla.accounts import Judgement
from monitor.sla.year_report import ComponentReport, YearReport
from monitor.words import CAUSES, promised

CAUSES_NAMED = 3  # the greatest ones; all of them stand in the component's own table


def called(name: str) -> str:
    """A period's name as people say it: `2026`, `November 2026`, `2026-01-15 to 2026-03-01`."""
    first, dots, following = name.partition("..")
    if dots:
        return f"{first} to {following}"
    year, dash, month = name.partition("-")
    return f"{MONTH_NAMES[int(month) - 1]} {year}" if dash else name


def verdict_word(report: YearReport, each: ComponentReport) -> str:
    word = VERDICTS[each.account.verdict]
    return f"{word} so far" if report.running and each.account.verdict is not None else word


def sentence(report: YearReport, each: ComponentReport) -> str:
    account, floor = each.account, promised(each.account.floor)
    if not account.reckoned_ms:
        return "No time of the period counts, so that there is no figure."
    seen = _seen(each)
    match account.verdict:
        case Judgement.MET:
            worst = "Even if everything that is not certain were downtime, uptime would be"
            return f"{seen} {worst} {ratio(account.pessimistic)}; {floor} is promised."
        case Judgement.MISSED:
            best = "Even if everything that is not certain were uptime, uptime would be"
            return f"{seen} {best} no more than {ratio(account.optimistic)}; {floor} is promised."
        case Judgement.INCONCLUSIVE:
            return f"{seen} {_undecided(each)}"
        case _:
            return f"{seen} No yearly figure is promised."


def _seen(each: ComponentReport) -> str:
    account = each.account
    if account.observed is None:
        return "It was never observed."
    if not account.classes.down_ms:
        return "No downtime was observed."
    return f"Downtime of {length(account.classes.down_ms)} was observed, uptime was {ratio(account.observed)}."


def _undecided(each: ComponentReport) -> str:
    account = each.account
    if account.observed is None:
        return f"{promised(account.floor)} is promised: this cannot be decided."
    between = f"The truth lies between {ratio(account.pessimistic)} and {ratio(account.optimistic)}, and"
    text = f"{between} {promised(account.floor)} is promised: this cannot be decided."
    if account.deciding_ms:
        text += f" {length(account.deciding_ms)} more of certain uptime would have decided it."
    causes = sorted(account.classes.unknown.items(), key=lambda found: (-found[1], found[0]))
    named = [f"{CAUSES[cause]} ({length(lasted)})" for cause, lasted in causes if lasted][:CAUSES_NAMED]
    return f"{text} Not observed because {listed(named)}." if named else text
