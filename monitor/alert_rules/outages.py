"""Alerts of what customers feel now: a component or the whole platform is down, a deadline of an outage is near.

`ComponentDown`, `PlatformDown` and `PlatformDownNow` the daemon pushes too, with the same labels.
"""

from monitor.alert_rules.model import COMPONENT, PLATFORM, Alert, Group, one_of, promql, window
from monitor.alerting.prompt import prompt_components
from monitor.config import Config

LEAST_FOR_A_PLATFORM = 2
"""One component that is down with no other to compare it with says nothing of the platform."""
FIRST_CHECKS_SECONDS = 30.0
"""After a start of the daemon nothing is known to be up until it has been asked; the daemon itself waits for that."""


def outages(config: Config) -> Group:
    """In order: what hides another ends before it. What ends while it is hidden is never told to be over, and its next
    beginning is none to Alertmanager."""
    rules = [*_platform_down(config), _component_down(config), *_deadlines(config), _outside_support_hours(config)]
    return Group(
        "outages",
        tuple(rules),
        "What a silent daemon said last holds on for a while: neither a restart nor a failed scrape ends an alert, and "
        "none of them pages again.",
    )


def _component_down(config: Config) -> Alert:
    return Alert(
        "ComponentDown",
        _open("component, severity", config),
        severity=None,
        summary="{{ $labels.component }} is down",
        description="Checks failed, and failed again: a confirmed outage of {{ $labels.component }}, a "
        "{{ $labels.severity }}, goes on. Its page has the failed step and the evidence.",
        about=COMPONENT,
    )


def _open(by: str, config: Config) -> str:
    """The open outages."""
    return f"max by ({by}) (last_over_time(uptime_component_outage_open[{window(config.alerting.outlive)}])) == 1"


def _platform_down(config: Config) -> tuple[Alert, ...]:
    prompt, outlive = prompt_components(config), window(config.alerting.outlive)
    if len(prompt) < LEAST_FOR_A_PLATFORM:
        return ()
    of_them = f'component=~"{one_of(prompt)}"'
    expr = f"""
        count(
          max by (component) (last_over_time(uptime_component_outage_open{{{of_them}}}[{outlive}])) == 1
        ) >= {LEAST_FOR_A_PLATFORM}
        unless
        count(
          max by (component) (last_over_time(uptime_component_state{{{of_them}, state="up"}}[{outlive}])) == 1
        ) > 0
    """
    return (
        Alert(
            "PlatformDown",
            promql(expr),
            severity="blocker",
            summary="The platform is down: {{ $value }} components, and none is up",
            description=f"Of {', '.join(prompt)} none is known to be up. Most likely they fail for one reason: the "
            "platform's network, its name, its certificate, a server that all of them need.",
            for_seconds=FIRST_CHECKS_SECONDS,
            about=PLATFORM,
        ),
        _platform_down_now(config),
    )


def _platform_down_now(config: Config) -> Alert:
    """Only once `PlatformDown` pages, and no longer than the outage that it hides. Not all parts come back with the
    same scrape: those that do within `settle` page nobody."""
    expr = f"""
        {_open("component", config)}
        and on ()
        last_over_time(ALERTS{{alertname="PlatformDown", alertstate="firing"}}[{window(config.alerting.settle)}])
    """
    return Alert(
        "PlatformDownNow",
        promql(expr),
        severity="none",
        summary="{{ $labels.component }} has no page of its own: the platform is down",
        description="Nobody is told of this. In Alertmanager it hides that {{ $labels.component }} is down, which "
        "PlatformDown tells of.",
        about=COMPONENT,
    )


def _deadlines(config: Config) -> tuple[Alert, ...]:
    outlive = window(config.alerting.outlive)
    # An outage is of one severity; topk also where two stand there for a while, because the configuration has changed.
    severity = (
        "* on (component) group_left (severity)\n"
        "  topk by (component) (1, max by (component, severity)"
        f" (last_over_time(uptime_component_outage_open[{outlive}])) == 1)"
    )
    # The moment of a deadline is no longer told once the outage is over, so its state decides.
    left = f"(min by (component, clock) (last_over_time(uptime_deadline_timestamp_seconds[{outlive}])) - time())"
    running = (
        "and on (component, clock)\n"
        f'  max by (component, clock) (last_over_time(uptime_deadline_state{{state="running"}}[{outlive}])) == 1'
    )
    near = f"({left} < {config.alerting.rules.deadline_near:g} > 0)\n{severity}\n{running}"
    passed = (
        "(max by (component, clock) "
        f'(last_over_time(uptime_deadline_state{{state="missed"}}[{outlive}])) == 1)\n{severity}'
    )
    return (
        Alert(
            "DeadlineNear",
            near,
            severity=None,
            summary="{{ $labels.clock }} for {{ $labels.component }} is due in {{ $value | humanizeDuration }}",
            description="The agreement gives an outage of this severity so long until its {{ $labels.clock }}. Put on "
            "record what was done, or that the customer is waited for: efento-uptime outage.",
            about=COMPONENT,
        ),
        Alert(
            "DeadlinePassed",
            passed,
            severity=None,
            summary="{{ $labels.clock }} for {{ $labels.component }} is overdue",
            description="The outage goes on, and the agreement's time for its {{ $labels.clock }} is used up. Tell "
            "whoever speaks with the customers.",
            about=COMPONENT,
        ),
    )


def _outside_support_hours(config: Config) -> Alert:
    return Alert(
        "OutsideSupportHours",
        f"max(last_over_time(uptime_support_open[{window(config.alerting.outlive)}])) == 0",
        severity="none",
        summary="It is no support time",
        description="Nobody is told of this. In Alertmanager it holds back alerts that are no blockers, also on public "
        "holidays. Without a daemon it is not raised, and holds nothing back.",
    )
