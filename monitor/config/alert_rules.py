"""The thresholds of the alert rules that `efento-uptime config prometheus` writes. docs/alerting.md says why."""

from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from monitor.config.fields import Section, a_number
from monitor.config.values import DurationBetween, Percentage

Patience = Annotated[float, DurationBetween("0s", "1d")]


def _share(percent: int, description: str) -> Any:
    # Spelt out, because a fraction in the schema of the file would be `3/4`, which nobody may write there.
    return Field(Fraction(percent, 100), description=description, json_schema_extra={"default": f"{percent} %"})


class AlertRules(Section):
    prompt: Annotated[float, DurationBetween("1s", "1d")] = Field(
        300.0, description="Components with a probe at least so frequent decide together whether the platform is down."
    )
    unknown_for: Annotated[float, DurationBetween("1m", "1d")] = Field(
        300.0, description="So long a component may be unknown before `MonitorBlind` tells."
    )
    coverage_share: Percentage = _share(
        75, "`CoverageAtRisk` from this share of the year's allowance on that is not certainly up."
    )
    budget_share: Percentage = _share(75, "`YearlyBudgetNearlySpent` from this share of the year's allowance on.")
    burn_fast: Percentage = _share(2, "`ErrorBudgetBurn` at this share of the 30-day allowance within 1h.")
    burn_medium: Percentage = _share(5, "`ErrorBudgetBurn` at this share of the 30-day allowance within 6h.")
    burn_slow: Percentage = _share(10, "`ErrorBudgetBurn` at this share of the 30-day allowance within 3d.")
    burn_checks: Annotated[int, Field(ge=2, le=100), BeforeValidator(a_number)] = Field(
        3, description="So many checks of a component's slowest probe every window of `ErrorBudgetBurn` holds."
    )
    burn_known: Percentage = _share(50, "So much of such a window must have been observed for it to say anything.")
    deadline_near: Annotated[float, DurationBetween("1m", "30d")] = Field(
        7200.0, description="`DeadlineNear` so long before a deadline of an outage."
    )
    gone_for: Patience = Field(120.0, description="So long no daemon may be seen before `MonitorGone` tells.")
    scrape_window: Annotated[float, DurationBetween("1m", "1d")] = Field(
        300.0, description="`ScrapeFailing` and `HostGone` if most scrapes of so long a time failed."
    )
    undelivered_for: Patience = Field(
        120.0, description="So long pushes and pings may fail before `PushFailing` and `PingFailing` tell."
    )
    store_silent: Annotated[float, DurationBetween("5s", "1d")] = Field(
        30.0,
        description="`StoreNotWritable` beyond this age of the last heartbeat on disk, and six times its interval.",
    )
    seal_overdue: Annotated[float, DurationBetween("1h", "30d")] = Field(
        129_600.0, description="`SealOverdue` if nothing was sealed for so long."
    )
    sms_credit: Annotated[int, Field(ge=0), BeforeValidator(a_number)] = Field(
        100, description="`SmsCreditLow` below so many SMS in the prepaid pool."
    )
    host_busy: Percentage = _share(90, "`HostCpuBusy` above this share of all processors.")
    host_busy_for: Patience = Field(900.0, description="So long a host may be that busy.")
    host_memory: Percentage = _share(10, "`HostMemoryLow` below this share available.")
    host_disk: Percentage = _share(5, "`HostDiskFilling` below this share available.")
    host_disk_falling: Percentage = _share(
        20, "`HostDiskFilling` also below this share, if it will be full within `host_disk_full_in`."
    )
    host_disk_full_in: Annotated[float, DurationBetween("1h", "30d")] = Field(
        86_400.0, description="How far ahead `HostDiskFilling` looks, at the pace of the last six hours."
    )
