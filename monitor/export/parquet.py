"""Results as a Parquet file: one row group a portion, names as dictionaries, times as timestamps of UTC."""

from typing import IO, Any

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import parquet

from monitor.export.results import Components
from monitor.store.columns import ResultColumns

_NAME = pa.dictionary(pa.int32(), pa.string())
_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("probe", _NAME, nullable=False),
        pa.field("component", _NAME),
        pa.field("location", _NAME, nullable=False),
        pa.field("started_at", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("duration_us", pa.int64(), nullable=False),
        pa.field("verdict", _NAME, nullable=False),
        pa.field("reason", _NAME),
        pa.field("step", _NAME),
        pa.field("detail", pa.string()),
    ]
)


class Parquet:
    """Nulls for no component, reason, step or detail."""

    def __init__(self, output: IO[bytes], components: Components) -> None:
        self._output = output
        self._components = components
        self._file = parquet.ParquetWriter(output, _SCHEMA, compression="zstd")

    def write(self, columns: ResultColumns) -> None:
        places = zip(columns.probes, columns.locations, strict=True)
        values: list[Any] = [
            columns.ids,
            columns.probes,
            [self._components.get(place) for place in places],
            columns.locations,
            columns.started_ms,
            columns.duration_us,
            columns.verdicts,
            [each or None for each in columns.reasons],
            [each or None for each in columns.steps],
            [each or None for each in columns.details],
        ]
        arrays = [_array(each, field.type) for each, field in zip(values, _SCHEMA, strict=True)]
        self._file.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA))

    def finish(self) -> None:
        self._file.close()
        self._output.flush()


def _array(values: Any, kind: Any) -> Any:
    if kind == _NAME:
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, kind)
