"""Results as files: one `Writer` for each format, which is given columns and writes bytes.

Times are RFC 3339 in UTC in text, and timestamps where a format has a type for them.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any, Protocol

from monitor.clock import iso
from monitor.store.columns import ResultColumns

Components = Mapping[tuple[str, str], str | None]
"""The component of a probe at a location."""

HEADINGS = (
    "id",
    "probe",
    "component",
    "location",
    "started_at",
    "finished_at",
    "seconds",
    "verdict",
    "reason",
    "step",
    "detail",
)


class Writer(Protocol):
    def write(self, columns: ResultColumns) -> None: ...

    def finish(self) -> None:
        """To be called once, after the last portion; what was not finished is not valid."""


class Ndjson:
    """One object a line: what `import` reads."""

    def __init__(self, output: IO[bytes], components: Components) -> None:
        self._output = output
        self._components = components

    def write(self, columns: ResultColumns) -> None:
        import orjson

        self._output.writelines(
            orjson.dumps(dict(zip(HEADINGS, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE)
            for row in _rows(columns, self._components)
        )

    def finish(self) -> None:
        self._output.flush()


class Csv:
    """RFC 4180, in UTF-8, with a line of headings; nothing for no reason, step or detail."""

    def __init__(self, output: IO[bytes], components: Components) -> None:
        self._output = output
        self._components = components
        self._add(lambda writer: writer.writerow(HEADINGS))

    def write(self, columns: ResultColumns) -> None:
        self._add(lambda writer: writer.writerows(_rows(columns, self._components)))

    def finish(self) -> None:
        self._output.flush()

    def _add(self, add: Callable[[Any], object]) -> None:
        text = io.StringIO(newline="")
        add(csv.writer(text))
        self._output.write(text.getvalue().encode())


def _rows(columns: ResultColumns, components: Components) -> Iterator[tuple[Any, ...]]:
    for result_id, probe, place, started_ms, duration_us, verdict, reason, step, detail in zip(
        columns.ids,
        columns.probes,
        columns.locations,
        columns.started_ms,
        columns.duration_us,
        columns.verdicts,
        columns.reasons,
        columns.steps,
        columns.details,
        strict=True,
    ):
        yield (
            result_id,
            probe,
            components.get((probe, place)),
            place,
            iso(started_ms),
            iso(started_ms + duration_us // 1000),
            duration_us / 1_000_000,
            verdict,
            reason or None,
            step or None,
            detail or None,
        )
