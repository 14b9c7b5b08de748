"""The demo's pager: prints what Alertmanager would have told people. `docker compose logs --follow pager` shows it.

It needs nothing but Python. It has no port outside of Alertmanager's own container, so nobody else reaches it.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

QUIET = "dead-mans-switch"  # comes every minute while all is well
MOST_BYTES = 1_000_000


def lines(receiver: str, message: dict[str, Any]) -> list[str]:
    """One line an alert: who is told, whether it began or ended, what, and its summary."""
    told = []
    for alert in message.get("alerts", []):
        labels, annotations = alert.get("labels", {}), alert.get("annotations", {})
        what = " ".join(filter(None, [labels.get("alertname"), labels.get("component"), labels.get("severity")]))
        links = " ".join(filter(None, map(annotations.get, ("page", "runbook_url"))))
        told.append(f"{receiver}: {alert.get('status', '?').upper()} {what}: {annotations.get('summary', '')} {links}")
    return told


class Pager(BaseHTTPRequestHandler):
    timeout = 10

    def do_POST(self) -> None:
        try:
            length = min(int(self.headers.get("Content-Length", 0)), MOST_BYTES)
            told = lines(self.path.strip("/"), json.loads(self.rfile.read(length)))
        except (ValueError, TypeError, AttributeError):
            self.send_error(400)
            return
        if self.path.strip("/") != QUIET:
            print(*told, sep="\n", flush=True)  # noqa: T201 - printing is what it is for
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Only alerts are shown."""


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Pager) as server:
        server.serve_forever()
