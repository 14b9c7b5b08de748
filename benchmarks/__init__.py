"""What the product costs, one file a figure: `make bench` runs every `bench_*.py`, `report.py` writes the docs page.

A benchmark prints its figures beside a limit, or beside a peer measured in the same run. It never fails on a figure:
how fast a machine is, is no fault of the code. It exits with 1 only where it cannot measure. Linux only (`/proc`).

`figures` says what a figure is and prints it, `processes` starts, weighs and stops processes, `scenario` makes
configurations and histories, `target` is what is probed.
"""
