"""What a file of rules is made of, and the texts of PromQL that several rules have in common."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from textwrap import dedent

from monitor.config.values import duration_text

SEVERITIES = ("blocker", "major", "minor", "none")


@dataclass(frozen=True, slots=True)
class Recording:
    record: str
    expr: str


@dataclass(frozen=True, slots=True)
class Subject:
    """Where there is more about it: a page of the daemon, and a dashboard in Grafana."""

    page: str
    dashboard: str


COMPONENT = Subject("components/{{ $labels.component }}", "uptime-component?var-component={{ $labels.component }}")
PLATFORM = Subject("", "uptime-overview")


@dataclass(frozen=True, slots=True)
class Alert:
    """`severity` is None where the expression yields it. `summary` and `description` may hold Prometheus' templates."""

    name: str
    expr: str
    severity: str | None
    summary: str
    description: str
    for_seconds: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    about: Subject | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """`comment` is for whoever reads the file. Without an interval of its own it is evaluated at Prometheus' pace."""

    name: str
    rules: tuple[Recording | Alert, ...]
    comment: str = ""
    interval_seconds: float | None = None


def promql(text: str) -> str:
    """An expression without the indentation that it has in the source."""
    return dedent(text).strip()


def number(value: Fraction | float) -> str:
    """The shortest text that reads back as the same number."""
    return f"{float(value):.12g}"


def window(seconds: float) -> str:
    """A duration as PromQL writes it, between brackets, behind `for` and in names of recording rules."""
    return duration_text(seconds)


def one_of(names: Iterable[str]) -> str:
    """The regular expression of a label's values. Keys and ids hold nothing that would mean something else in it."""
    return "|".join(names)
