"""What Prometheus would have scraped: `uptime_probe_success` of the past, to be backfilled into its database.

As in the daemon's metrics, an unknown result has no sample. A sample has the time at which its check began; the file
has to be sorted by series, then by time, with at most one sample at a time.
"""

from typing import IO

from monitor.export.results import Components
from monitor.sla.model import Verdict
from monitor.store.columns import ResultColumns

NAME = "uptime_probe_success"
_VALUES = {Verdict.UP.value: "1", Verdict.DOWN.value: "0"}
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class OpenMetrics:
    """To be given results by series."""

    def __init__(self, output: IO[bytes], components: Components) -> None:
        self._output = output
        self._components = components
        self._labels: dict[tuple[str, str], str] = {}
        self._held: tuple[str, int, str] | None = None  # the newest sample: the next one may take its place
        output.write(f"# HELP {NAME} Whether the check was up.\n# TYPE {NAME} gauge\n".encode())

    def write(self, columns: ResultColumns) -> None:
        lines = []
        for probe, place, at_ms, verdict in zip(
            columns.probes, columns.locations, columns.started_ms, columns.verdicts, strict=True
        ):
            value = _VALUES.get(verdict)
            if value is None:
                continue
            labels = self._labels.get((probe, place)) or self._labelled(probe, place)
            # Of results that began in the same millisecond the worst counts, and it comes last.
            if self._held is not None and self._held[:2] != (labels, at_ms):
                lines.append(_line(*self._held))
            self._held = labels, at_ms, value
        self._output.write("".join(lines).encode())

    def finish(self) -> None:
        last = "" if self._held is None else _line(*self._held)
        self._output.write(f"{last}# EOF\n".encode())
        self._output.flush()

    def _labelled(self, probe: str, place: str) -> str:
        labels = {"probe": probe, "component": self._components.get((probe, place)) or "", "location": place}
        text = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items())
        self._labels[probe, place] = text
        return text


def _line(labels: str, at_ms: int, value: str) -> str:
    return f"{NAME}{{{labels}}} {value} {at_ms // 1000}.{at_ms % 1000:03d}\n"
