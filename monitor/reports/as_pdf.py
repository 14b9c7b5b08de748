"""A report as PDF, typeset from the same words and pictures as the page, with the fonts that the typesetter brings."""

import json
from importlib.resources import files
from typing import Any

from monitor.clock import from_milliseconds
from monitor.reports.view import View, as_data


def as_pdf(view: View, as_of_ms: int) -> bytes:
    """The same report gives the same bytes: the document is dated by the report, not by when it was made."""
    import typst

    compiled: Any = typst.compile  # takes several files as a dictionary, which its types do not know
    sources = typeset_sources(view, as_of_ms)
    return bytes(compiled(sources, format="pdf", ignore_system_fonts=True, timestamp=as_of_ms // 1000))


def typeset_sources(view: View, as_of_ms: int) -> dict[str, bytes]:
    """The typesetter's files, by their names: it reads nothing else."""
    when = from_milliseconds(as_of_ms)
    data = as_data(view)
    data["made"] = {part: getattr(when, part) for part in ("year", "month", "day", "hour", "minute", "second")}
    found = {
        "main.typ": (files("monitor.reports") / "templates" / "report.typ").read_bytes(),
        "view.json": json.dumps(data, ensure_ascii=False).encode(),
    }
    for number, each in enumerate(view.components):
        found |= {f"days-{number}.svg": each.days.encode(), f"budget-{number}.svg": each.budget.encode()}
    return found
