"""The honest statistician: can what is configured support what is promised? Pure functions of a configuration.

Each check yields findings: a `warning` where something in the file stands against the promise, a `note` of what the
reader of a figure should know. Seconds and ratios throughout; a year has 365 days.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from monitor.config.loading import Config, ProbeConfig
from monitor.config.values import duration_text, percentage_text
from monitor.sla.availability import percent
from monitor.sla.burn import Fate, Tier, burn_tiers, greatest_rate
from monitor.sla.model import ComponentTerms
from monitor.yaml_source import Loc
from probes.contract import ProbeOptions

YEAR_SECONDS = 365 * 86_400
CONFIDENCE = 0.95
# One outage that nobody sees may take at most this share of the year's allowance before it is warned of.
HIDDEN_SHARE = Fraction(1, 10)
# A result that speaks for more intervals than this says "up" for a long time after anybody looked.
LONGEST_SILENCE_INTERVALS = 5
# A daemon that starts asks every probe without a fresh result within so many seconds.
FIRST_CHECKS_WITHIN_SECONDS = 10.0


class Level(StrEnum):
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """`loc` is the place in the file that the finding is about."""

    level: Level
    loc: Loc
    text: str


def findings(config: Config) -> list[Finding]:
    """Everything that there is to say: of the components first, then of the probes."""
    found = [finding for terms in config.components for finding in _of_component(terms, config)]
    for probe in config.probes:
        terms = next(terms for terms in config.components if terms.key == probe.component)
        found += _of_probe(probe, terms)
    return found + list(_of_restarts(config))


def proven_floor(checks: int, confidence: float = CONFIDENCE) -> float:
    """The uptime ratio that so many checks without a failure prove at this confidence: (1 − c)^(1/n).

    The exact binomial bound of Clopper and Pearson (Biometrika 26, 1934) for no failures; 3/n, the rule of three, is
    its approximation. It takes the checks for independent samples of the year. 0 where there are none.
    """
    return (1 - confidence) ** (1 / checks) if checks > 0 else 0.0


def checks_to_prove(floor: Fraction, confidence: float = CONFIDENCE) -> int:
    """How many checks without a failure it takes to prove a floor below 1."""
    return math.ceil(math.log(1 - confidence) / math.log(floor))


def longest_hidden_seconds(probe: ProbeConfig) -> float:
    """An outage shorter than this may go unseen.

    It may begin just after a check, and has to last until the last check that confirms it begins; each one before that
    may take all of its time limit to fail.
    """
    return probe.every_seconds + (probe.confirm_after - 1) * (probe.timeout_seconds + probe.recheck_seconds)


def shortest_confirmed_seconds(probe: ProbeConfig) -> float:
    """No outage shorter than this is ever confirmed, whenever it begins."""
    return (probe.confirm_after - 1) * probe.recheck_seconds


def restart_loss_seconds(probe: ProbeConfig, drain_seconds: float) -> float:
    """How much time a restart can make unknown: the longest silence in it, less what the last result speaks for.

    The last check may have begun an interval before the stop; the stop takes `drain_seconds`, the first check
    `FIRST_CHECKS_WITHIN_SECONDS`. How long the daemon is away between the two comes on top.
    """
    silence = probe.every_seconds + drain_seconds + FIRST_CHECKS_WITHIN_SECONDS
    return max(0.0, silence - probe.stale_seconds)


def budget_seconds(floor: Fraction) -> float:
    """The downtime that a floor allows in a year."""
    return float((1 - floor) * YEAR_SECONDS)


def _of_component(terms: ComponentTerms, config: Config) -> Iterator[Finding]:
    probes = [probe for probe in config.probes if probe.component == terms.key]
    loc: Loc = ("components", terms.key)
    if terms.floor is None:
        return
    if not probes:
        promised = percentage_text(terms.floor)
        yield Finding(
            Level.WARNING, (*loc, "floor"), f"{promised} is promised, and no probe that is enabled watches it"
        )
        return
    yield Finding(Level.NOTE, (*loc, "floor"), _budget_text(terms.floor, probes))
    yield from _of_burn_rates(terms.floor, probes, config)
    if dependent := _waits_on(probes, config):
        ids = ", ".join(dependent)
        text = f"each of its probes reads what {ids} sends: while that fails, this is unknown, not down"
        yield Finding(Level.NOTE, loc, text)


def _budget_text(floor: Fraction, probes: list[ProbeConfig]) -> str:
    hidden = [longest_hidden_seconds(probe) for probe in probes]
    confirmed = [shortest_confirmed_seconds(probe) for probe in probes]
    return (
        f"{percentage_text(floor)} allows {_length(budget_seconds(floor))} of downtime a year; an outage is sure to be "
        f"seen if it lasts {_range(hidden)}, and never if it is shorter than {_range(confirmed)}"
    )


def _of_burn_rates(floor: Fraction, probes: list[ProbeConfig], config: Config) -> Iterator[Finding]:
    """What becomes of `ErrorBudgetBurn`, where it is not the usual."""
    slowest, rules = max(probes, key=lambda probe: probe.every_seconds), config.alerting.rules
    shares = (rules.burn_fast, rules.burn_medium, rules.burn_slow)
    tiers = burn_tiers(floor, slowest.every_seconds, shares, rules.burn_checks)
    fates = [tier.fate for tier in tiers]
    kept = [duration_text(tier.window.long_seconds) for tier in tiers if tier.fate is Fate.KEPT]
    of_it = f"{rules.burn_checks} checks of {slowest.id}, every {duration_text(slowest.every_seconds)}"
    why = "; ".join(filter(None, (_about_a_tier(tier, floor, of_it) for tier in tiers)))
    if set(fates) == {Fate.ENDLESS} and tiers[-1].stretched:
        why = f"{of_it}, take too long for a rate of 1"
    if why:
        level = Level.WARNING if Fate.UNREACHABLE in fates else Level.NOTE
        looks = f"of the last {' and '.join(kept)}" if kept else "not at all"
        yield Finding(level, ("components", probes[0].component, "floor"), f"burn rates tell {looks}: {why}")


def _about_a_tier(tier: Tier, floor: Fraction, of_it: str) -> str:
    usual, rate = duration_text(tier.usual_seconds), f"{float(tier.window.rate):.3g}"
    stretched = f"{usual} becomes {duration_text(tier.window.long_seconds)}, a twelfth of which holds {of_it}"
    match tier.fate:
        case Fate.UNREACHABLE:
            greatest = f"{float(greatest_rate(floor)):.3g}"
            return (
                f"{usual} at a rate of {rate} can never be exceeded, since 1/(1 − floor) = {greatest} is the greatest"
            )
        case Fate.ENDLESS if tier.stretched:
            return f"{stretched}, at a rate of {rate} that may go on for ever"
        case Fate.ENDLESS:
            return f"{usual} at a rate of {rate} may go on for ever"
        case Fate.REPEATS:
            return f"{usual} has nothing to add"
    return stretched if tier.stretched else ""


def _of_restarts(config: Config) -> Iterator[Finding]:
    losses = {probe.id: restart_loss_seconds(probe, config.drain_seconds) for probe in config.probes}
    lossy = [name for name, loss in losses.items() if loss]
    if lossy:
        most = duration_text(max(losses.values()))
        text = f"a restart makes up to {most} unknown, and all the time that the daemon is away, for {', '.join(lossy)}"
        yield Finding(Level.NOTE, ("probes",), text)


def _of_probe(probe: ProbeConfig, terms: ComponentTerms) -> Iterator[Finding]:
    loc: Loc = ("probes", probe.place)
    if terms.floor is not None:
        yield from _about_the_promise(probe, terms.floor, loc)
    intervals = probe.stale_seconds / probe.every_seconds
    if intervals > LONGEST_SILENCE_INTERVALS:
        stale = duration_text(probe.stale_seconds)
        text = (
            f"a result speaks for {stale}, {intervals:.3g} intervals: for so long silence looks like what was seen last"
        )
        yield Finding(Level.WARNING, (*loc, "stale_after"), text)


def _about_the_promise(probe: ProbeConfig, floor: Fraction, loc: Loc) -> Iterator[Finding]:
    checks, needed = int(YEAR_SECONDS / probe.every_seconds), checks_to_prove(floor)
    if checks < needed:
        proven = percent(Fraction(proven_floor(checks)), 2)
        most = duration_text(YEAR_SECONDS // needed)
        yield Finding(
            Level.WARNING,
            (*loc, "every"),
            f"{checks} clean checks a year prove no more than {proven} (at 95 % confidence), and "
            f"{percentage_text(floor)} is promised; expected at most {most}",
        )
    hidden = longest_hidden_seconds(probe)
    share = Fraction(hidden) / Fraction(budget_seconds(floor))
    if share > HIDDEN_SHARE:
        yield Finding(
            Level.WARNING,
            (*loc, "every"),
            f"an outage shorter than {duration_text(hidden)} may go unseen: {percent(share, 0)} of the downtime that "
            f"{percentage_text(floor)} allows in a year",
        )


def _waits_on(probes: list[ProbeConfig], config: Config) -> list[str]:
    """The probes of other components that send the samples which each of these needs; none where one needs none."""
    found: dict[str, None] = {}
    for probe in probes:
        senders = [
            other.id
            for other in config.probes
            if other.component != probe.component
            and not _claims(probe.options)
            and _claims(other.options) & _sensors(probe.options)
        ]
        if not senders:
            return []
        found.update(dict.fromkeys(senders))
    return list(found)


def _claims(options: ProbeOptions) -> set[str]:
    claims = getattr(options, "claims", None)
    return set(claims()) if callable(claims) else set()


def _sensors(options: ProbeOptions) -> set[str]:
    """The virtual sensors of which a journey needs recent samples: of a window of time, restored, or of an age."""
    named = [getattr(getattr(options, "data", None), "sensors", ())]
    if hasattr(options, "window") or hasattr(options, "drill"):
        named.append(getattr(options, "sensors", ()))
    return {serial for serials in named for serial in serials}


def _range(seconds: list[float]) -> str:
    shortest, longest = duration_text(min(seconds)), duration_text(max(seconds))
    return shortest if shortest == longest else f"{shortest} ({longest} by the slowest probe)"


def _length(seconds: float) -> str:
    """To the minute, rounded down: nobody needs a year's allowance more exactly."""
    return duration_text(seconds // 60 * 60)
