"""The thresholds of the alert rules that `efento-uptime config prometheus` writes."""

from typing import Annotated

from pydantic import Field

from monitor.config.fields import Section
from monitor.config.values import DurationBetween


class AlertRules(Section):
    unknown_for: Annotated[float, DurationBetween("1m", "1d")] = Field(
        300.0, description="So long a component may be unknown before `MonitorBlind` tells."
    )
