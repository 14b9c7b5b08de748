"""`ErrorBudgetBurn`: the budget of 30 days is being spent much too fast, though no single outage need be long.

What was not observed is in neither part of an error ratio: blindness neither dilutes nor exaggerates.
"""

from collections.abc import Iterator

from monitor.alert_rules.model import COMPONENT, Alert, Group, Recording, number, one_of, promql, window
from monitor.config import Config
from monitor.config.values import duration_text, percentage_text
from monitor.sla.burn import BurnWindow, burn_windows
from monitor.sla.model import ComponentTerms

INTERVAL_SECONDS = 60.0  # windows of days over every scrape are not computed at each of them
ONE_OUTAGE = 1.5  # an urgent window with less downtime than so many times its longest outage is about that outage
DAEMONS = "component:uptime_daemons:count"
_NOT_ONE_OUTAGE = " No single outage explains it: they come again and again."
_SECONDS = "uptime_component_state_seconds_total"


def burning(config: Config) -> Group:
    """Recording rules for every window that is needed, then the alerts."""
    found = {terms: _windows_of(terms, config) for terms in config.components}
    components = _components_by_window(found)
    recordings = [rule for seconds, keys in sorted(components.items()) for rule in _recorded(seconds, keys, config)]
    urgent = {each.long_seconds for windows in found.values() for each in windows if each.urgent}
    longest = [_longest_outage(seconds, components[seconds]) for seconds in sorted(urgent)]
    alerts = [_alert(terms, each) for terms, windows in found.items() for each in windows]
    rules: list[Recording | Alert] = [_daemons(config), *recordings, *longest, *alerts] if alerts else []
    return Group("burn", tuple(rules), "\n".join(_comments(found, config)), INTERVAL_SECONDS)


def _windows_of(terms: ComponentTerms, config: Config) -> tuple[BurnWindow, ...]:
    paces = [probe.every_seconds for probe in config.probes if probe.component == terms.key]
    if terms.floor is None or not paces:
        return ()
    rules = config.alerting.rules
    shares = (rules.burn_fast, rules.burn_medium, rules.burn_slow)
    return burn_windows(terms.floor, max(paces), shares, rules.burn_checks)


def _components_by_window(found: dict[ComponentTerms, tuple[BurnWindow, ...]]) -> dict[int, list[str]]:
    """Seconds of every window → the components that it is computed for."""
    components: dict[int, list[str]] = {}
    for terms, windows in found.items():
        for seconds in {length for each in windows for length in (each.long_seconds, each.short_seconds)}:
            components.setdefault(seconds, []).append(terms.key)
    return components


def _daemons(config: Config) -> Recording:
    series = f"last_over_time(uptime_component_settled_timestamp_seconds[{window(config.alerting.outlive)}])"
    return Recording(DAEMONS, f"count by (component) ({series})")


def _recorded(seconds: int, components: list[str], config: Config) -> Iterator[Recording]:
    length, names = window(seconds), one_of(components)
    down, known = f"component:uptime_down_seconds:increase{length}", f"component:uptime_known_seconds:increase{length}"
    of_down = f'{_SECONDS}{{component=~"{names}", state="down"}}[{length}]'
    of_known = f'{_SECONDS}{{component=~"{names}", state=~"up|down"}}[{length}]'
    yield Recording(down, f"sum by (component) (increase({of_down}))")
    yield Recording(known, f"sum by (component) (increase({of_known}))")
    least = float(config.alerting.rules.burn_known) * seconds
    # A counter falls where recorded history was changed, e.g. by an import; Prometheus would take all of it for new.
    expr = f"""
        {down} / {known}
        and
        {known} >= {number(least)} * {DAEMONS}
        unless
        max by (component) (resets({of_known})) > 0
    """
    yield Recording(f"component:uptime_error:ratio{length}", promql(expr))


def _longest_outage(seconds: int, components: list[str]) -> Recording:
    length = window(seconds)
    series = f'uptime_component_outage_seconds{{component=~"{one_of(components)}"}}[{length}]'
    return Recording(f"component:uptime_outage_seconds:max{length}", f"max by (component) (max_over_time({series}))")


def _alert(terms: ComponentTerms, each: BurnWindow) -> Alert:
    assert terms.floor is not None
    long, short = window(each.long_seconds), window(each.short_seconds)
    of_it, most = f'{{component="{terms.key}"}}', f"{number(each.rate)} * {number(1 - terms.floor)}"
    conditions = [f"component:uptime_error:ratio{length}{of_it} > {most}" for length in (long, short)]
    if each.urgent:
        conditions.append(
            f"component:uptime_down_seconds:increase{long}\n"
            f"  > {ONE_OUTAGE} * component:uptime_outage_seconds:max{long} * {DAEMONS}"
        )
    slow = "minor" if terms.severity == "minor" else "major"
    return Alert(
        "ErrorBudgetBurn",
        "\nand\n".join(conditions),
        severity=terms.severity if each.urgent else slow,
        summary=f"{{{{ $labels.component }}}} was down {{{{ $value | humanizePercentage }}}} of the last {long}",
        description=f"The downtime that {percentage_text(terms.floor)} allows is being spent {_pace(each)} it may be, "
        f"also in the last {short}.{_NOT_ONE_OUTAGE if each.urgent else ''}",
        labels={"component": terms.key, "window": long},
        about=COMPONENT,
    )


def _pace(each: BurnWindow) -> str:
    return "faster than" if each.rate == 1 else f"more than {number(each.rate)} times as fast as"


def _comments(found: dict[ComponentTerms, tuple[BurnWindow, ...]], config: Config) -> Iterator[str]:
    """Why a component has no burn rate, where it promises something."""
    checks = config.alerting.rules.burn_checks
    for terms, windows in found.items():
        probes = [probe for probe in config.probes if probe.component == terms.key]
        if windows or terms.floor is None:
            continue
        if not probes:
            yield f"Not of {terms.key}: no probe of it is enabled."
            continue
        slowest = max(probes, key=lambda probe: probe.every_seconds)
        pace = duration_text(slowest.every_seconds)
        yield f"Not of {terms.key}: {checks} checks of {slowest.id}, every {pace}, take too long for a rate above 1."
