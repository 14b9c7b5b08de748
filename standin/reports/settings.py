"""What this part of the stand-in is started with."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Format = Literal["pdf", "csv", "xlsx"]


class ScheduledReport(BaseModel):
    """A report of the last `covers_seconds`, mailed again and again; `every_seconds` None: none is. No sensors: all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_seconds: float | None = Field(default=10.0, gt=0, allow_inf_nan=False)
    covers_seconds: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    format: Format = "csv"
    sensors: tuple[str, ...] = ()
    emails: tuple[str, ...] = ("probe@uptime.example",)


class ReportSettings(BaseModel):
    """A report is ready `delay_seconds` after it was asked for; jobs older than `kept_seconds` are removed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    delay_seconds: float = Field(default=0.2, ge=0, allow_inf_nan=False)
    kept_seconds: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    scheduled: ScheduledReport = ScheduledReport()
