"""Faults that only reports have. Faults of the transport, which they share with others, are in `standin.catalogue`."""

from standin.fault_model import FaultSpec, Interface, number, seconds

_REPORTS = (Interface.REPORTS,)

FAULTS: tuple[FaultSpec, ...] = (
    FaultSpec("report-never-ready", _REPORTS, "Reports are accepted and stay pending for ever."),
    FaultSpec("report-failed", _REPORTS, "Reports are accepted and then said to have failed."),
    FaultSpec("corrupt-report", _REPORTS, "The file's middle is overwritten and its end is missing."),
    FaultSpec("empty-report", _REPORTS, "The file has its head and not a single sample."),
    FaultSpec("other-format", _REPORTS, "The file is an HTML page under the name and type that were asked for."),
    FaultSpec(
        "other-period",
        _REPORTS,
        "The report is of a period that much earlier than the one asked for.",
        (seconds("seconds", 86_400.0),),
    ),
    FaultSpec("missing-samples", _REPORTS, "Every third sample is left out of the report."),
    FaultSpec(
        "altered-samples", _REPORTS, "That amount is added to each value in the report.", (number("amount", 1.0),)
    ),
    FaultSpec("doubled-samples", _REPORTS, "Each sample is in the report twice."),
    FaultSpec("no-scheduled-report", _REPORTS, "Scheduled reports are not mailed."),
)
