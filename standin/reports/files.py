"""A report as a file: the same samples give the same rows in each format. Nothing here is asynchronous.

PDF is made by Typst and XLSX by openpyxl, both of which take their time: to be called in a thread.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from standin.channels import Sample
from standin.clock import from_unix

COLUMNS = ("Time", "Sensor", "Channel", "Value")
CONTENT_TYPES = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Report:
    """What is in a file, for the period from `first` to `last` (Unix seconds, both included), shown in `zone`."""

    first: int
    last: int
    zone: ZoneInfo
    samples: Sequence[tuple[str, Sample]]

    def wall(self, time: int) -> str:
        return from_unix(time).astimezone(self.zone).strftime(_TIME_FORMAT)

    def title(self) -> str:
        return f"Measurements from {self.wall(self.first)} to {self.wall(self.last)}"

    def rows(self) -> list[tuple[str, str, str, str]]:
        return [
            (self.wall(each.time), serial, each.type, "" if each.value is None else f"{each.value:g}")
            for serial, each in self.samples
        ]


def made(report: Report, form: str) -> bytes:
    """The file in that format: `pdf`, `csv` or `xlsx`."""
    return {"pdf": _pdf, "csv": _csv, "xlsx": _xlsx}[form](report)


def _csv(report: Report) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([report.title()])
    writer.writerows([COLUMNS, *report.rows()])
    return text.getvalue().encode()


def _xlsx(report: Report) -> bytes:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    # A file says when it was made. The same data are to give the same bytes, as far as the format goes.
    book.properties.created = book.properties.modified = datetime(2000, 1, 1)  # noqa: DTZ001  # openpyxl takes no other
    sheet = book.create_sheet("Measurements")
    for row in ([report.title()], COLUMNS, *report.rows()):
        sheet.append([_cell(text) for text in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _cell(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _pdf(report: Report) -> bytes:
    import typst

    # As strings: in marked-up text Typst would make another character of a minus.
    cells = "".join(f'"{text}",' for row in (COLUMNS, *report.rows()) for text in row)
    source = (
        f'#set document(title: [{report.title()}], date: none)\n#set page(paper: "a4")\n#set text(size: 9pt)\n'
        f"= {report.title()}\n#table(columns: {len(COLUMNS)}, {cells})\n"
    )
    pdf: bytes = typst.compile(source.encode())
    return pdf
