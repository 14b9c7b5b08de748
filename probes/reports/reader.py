"""Takes a report file apart, in a process of its own with little memory and time: a file from outside may be a bomb.

Run as a script, `python reader.py FORMAT`: the file on standard input, what was found as JSON on standard output,
`{"pages": …, "text": …}` for PDF and `{"rows": [[…]]}` for the rest. Exit code 1: it is not a file of that format.
Imports nothing of ours, so that it starts quickly.
"""

import csv
import io
import json
import resource
import sys
from typing import Any

MEMORY_BYTES = 1_500_000_000
CPU_SECONDS = 60
CELLS = 2_000_000
OUTPUT_CHARACTERS = 32_000_000
COLUMNS = 100


def read_pdf(content: bytes) -> dict[str, Any]:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(content), strict=False)
    texts = [page.extract_text() for page in reader.pages]
    return {"pages": len(texts), "text": "\n".join(texts)}


def read_csv(content: bytes) -> dict[str, Any]:
    text = content.decode("utf-8-sig")
    if "\x00" in text or text.lstrip()[:1] == "<":
        raise ValueError("not a table")
    delimiter = max(",;\t", key=text[:65_536].count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    if sum(map(len, rows)) > CELLS:
        raise ValueError("too many cells")
    return {"rows": rows}


def read_xlsx(content: bytes) -> dict[str, Any]:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    rows, cells = [], 0
    for row in book.worksheets[0].iter_rows(values_only=True, max_col=COLUMNS):
        rows.append([_text(value) for value in row])
        cells += len(row)
        if cells > CELLS:
            raise ValueError("too many cells")
    return {"rows": rows}


READERS = {"pdf": read_pdf, "csv": read_csv, "xlsx": read_xlsx}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    try:
        found = json.dumps(READERS[sys.argv[1]](sys.stdin.buffer.read()))
        if len(found) > OUTPUT_CHARACTERS:
            raise ValueError("too much text")
    except ImportError:
        raise  # our own installation, not the file
    except Exception as error:  # these libraries raise whatever comes up, in a file that is not what it should be
        sys.stderr.write(type(error).__name__)
        return 1
    sys.stdout.write(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
