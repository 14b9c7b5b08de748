"""Alerts of the year's promise: how much of what it allows is spent, or can no more be proved not to be."""

from monitor.alert_rules.model import COMPONENT, Alert, Group, Recording, number, promql, window
from monitor.config import Config
from monitor.config.values import percentage_text

BEFORE_SERVICE = "component:uptime_before_service_seconds:year"


def budgets(config: Config) -> Group:
    return Group(
        "budgets",
        (_before_service(config), _coverage_at_risk(config), _nearly_spent(config), _spent(config)),
        "Shares of the downtime that the agreement allows in this calendar year.",
    )


def _before_service(config: Config) -> Recording:
    """1 − the pessimistic ratio is the share of what is reckoned that is possibly down: so this is all that is reckoned
    of the year, less the time in service."""
    outlive = window(config.alerting.outlive)
    expr = f"""
        max by (component) (
          clamp_min(
            last_over_time(uptime_component_possibly_down_seconds[{outlive}])
              / ignoring (window)
                (1 - last_over_time(uptime_component_uptime_pessimistic_ratio{{window="year"}}[{outlive}]))
            - last_over_time(uptime_component_in_service_seconds[{outlive}]),
            0
          )
        )
    """
    return Recording(BEFORE_SERVICE, promql(expr))


def _coverage_at_risk(config: Config) -> Alert:
    outlive, share = window(config.alerting.outlive), config.alerting.rules.coverage_share
    expr = f"""
        (
          max by (component) (last_over_time(uptime_component_possibly_down_seconds[{outlive}]))
          - {BEFORE_SERVICE}
        )
        / max by (component) (last_over_time(uptime_component_budget_seconds[{outlive}]))
        > {number(share)}
    """
    return Alert(
        "CoverageAtRisk",
        promql(expr),
        severity="major",
        summary="The promise for {{ $labels.component }} can soon not be proved any more",
        description="Downtime and time in which nobody looked are together {{ $value | humanizePercentage }} of what "
        f"the year allows; told from {percentage_text(share)} on. Above 100 % nobody can show any more that it was "
        "kept, whatever the rest of the year brings. Time before the component came into service is left out.",
        for_seconds=300,
        about=COMPONENT,
    )


def _spent_share(config: Config) -> str:
    outlive = window(config.alerting.outlive)
    return f"""max by (component) (
          last_over_time(uptime_component_budget_spent_seconds[{outlive}])
          / last_over_time(uptime_component_budget_seconds[{outlive}])
        )"""


def _nearly_spent(config: Config) -> Alert:
    share = config.alerting.rules.budget_share
    expr = f"""
        {_spent_share(config)} > {number(share)}
    """
    return Alert(
        "YearlyBudgetNearlySpent",
        promql(expr),
        severity="minor",
        summary="{{ $value | humanizePercentage }} of the year's downtime of {{ $labels.component }} is spent",
        description=f"Told from {percentage_text(share)} on. What is left must do until the end of the year: put off "
        "what is risky.",
        about=COMPONENT,
    )


def _spent(config: Config) -> Alert:
    expr = f"""
        {_spent_share(config)} > 1
    """
    return Alert(
        "YearlyBudgetSpent",
        promql(expr),
        severity="major",
        summary="The yearly uptime promised for {{ $labels.component }} is missed",
        description="{{ $value | humanizePercentage }} of the downtime that the agreement allows this year is spent. "
        "That stays so until the year is over: tell whoever answers for the agreement, and silence this until then.",
        about=COMPONENT,
    )
