"""`python -m monitor.reports`: a report in a process of its own, so that making it delays no check.

Reads an order from standard input, as JSON (`monitor.web.reports` writes it), and writes the page to standard output.
Exit codes: 0 made; 2 there is no such report; 1 the store cannot be read. Why is said in a line on standard error.
"""

import json
import os
import sys

from monitor.reports.making import Order, ReportError, made
from monitor.sla.agreement import from_json
from monitor.store import StoreError

LESS_URGENT = 10  # steps of niceness: whoever waits for a page can wait for the checks


def main() -> int:
    os.nice(LESS_URGENT)
    content = json.load(sys.stdin.buffer)
    agreement = from_json(0, content["agreement"])
    order = Order(content["store"], content["period"], content["as_of_ms"], agreement, ("html",))
    try:
        sys.stdout.buffer.write(made(order)["html"])
    except (ReportError, StoreError) as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, ReportError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
