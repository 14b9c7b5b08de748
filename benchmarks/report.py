"""Runs every benchmark and writes `docs/benchmarks.md`: how each is measured, and this machine's figures.

`python benchmarks/report.py`; takes as long as `make bench`. With names of files it measures only these anew. The text
on each measurement is its file's own docstring.
"""

import ast
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import HEADINGS, Figure
from benchmarks.processes import ROOT
from monitor.clock import SystemClock

INTRODUCTION = """# Benchmarks

What the product costs, beside a limit that it was designed for or beside a peer measured in the same run. `make bench`
measures it on your machine and takes about ten minutes; each file `benchmarks/bench_*.py` can be run alone, too. A
benchmark never fails because of a figure. This page is written by `python benchmarks/report.py [FILE]...`; how
accurate the yearly figures are is another matter, at [the end](#accuracy).

The figures of each section are from **one run on a shared machine of {cores} cores, while other work was going on**.
Absolute times are orders of magnitude; ratios to a peer are better, because it met the same conditions. Another
machine's disk and processor give other figures.

Measured on {day}: {cores} cores, {processor}, {system}, Python {python}, data on {disk}.
"""


PAGE = ROOT / "docs" / "benchmarks.md"
ACCURACY = "\n## Accuracy\n"


def write(only: Sequence[str] = ()) -> None:
    # What `benchmarks/accuracy.py` prints is put there by hand: it depends on no machine, and stays as it is.
    measured, heading, accuracy = PAGE.read_text().partition(ACCURACY)
    _, *there = measured.split("\n## ")
    before = {text.partition("\n")[0]: f"## {text.rstrip()}\n" for text in there}
    files = sorted((ROOT / "benchmarks").glob("bench_*.py"))
    sections = [_section(file) if not only or file.name in only else before[_title(file)] for file in files]
    PAGE.write_text("\n".join([_introduction(), *sections]) + heading + accuracy)


def _title(file: Path) -> str:
    return (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0].rstrip(".")


def _section(file: Path) -> str:
    sys.stderr.write(f"{file.name}\n")
    done = subprocess.run([sys.executable, file, "--json"], stdout=subprocess.PIPE, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{file.name} cannot measure here; docs/benchmarks.md stays as it was")
    found: dict[str, Any] = json.loads(done.stdout)
    figures = [Figure(**each) for each in found["figures"]]
    _, _, how = (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n\n")
    return f"## {found['title']}\n\n{how}\n\n{_markdown([figure.cells() for figure in figures])}\n"


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [HEADINGS, ["---"] * len(HEADINGS), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _introduction() -> str:
    return INTRODUCTION.format(
        cores=os.cpu_count(),
        day=f"{SystemClock().now():%Y-%m-%d}",
        processor=_processor(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        disk=_file_system(),
    )


def _processor() -> str:
    """E.g. `AMD EPYC`; the kernel's name for it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _file_system() -> str:
    """E.g. `ext4`: that of the checkout, where the benchmarks keep their data."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [(len(place), kind) for place, kind in mounts if ROOT.is_relative_to(place)]
    return max(holding)[1]


if __name__ == "__main__":
    write(sys.argv[1:])
