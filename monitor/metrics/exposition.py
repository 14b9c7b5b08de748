"""Prometheus' text format, version 0.0.4: how names, labels and numbers are written. Knows no metric."""

import math
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Family:
    """All series of one name. `kind` is `counter`, `gauge` or `histogram`; a counter's name ends in `_total`."""

    name: str
    kind: str
    about: str

    @property
    def header(self) -> str:
        about = self.about.replace("\\", r"\\").replace("\n", r"\n")
        return f"# HELP {self.name} {about}\n# TYPE {self.name} {self.kind}\n"

    def line(self, labels: str, value: float) -> str:
        return f"{self.name}{{{labels}}} {number(value)}\n"


def label_text(**labels: str) -> str:
    """Labels as they stand between the braces."""
    return ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items())


def escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(value: float) -> str:
    """The shortest text that reads back as the same number."""
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
