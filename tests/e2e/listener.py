"""A local server to be watched, which does what a test wants at the moment."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Listener(ThreadingHTTPServer):
    """`/` answers 200, or 500 as often as `failures` says; `/held` answers only after `release`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.failures = 0
        self.waiting = threading.Semaphore(0)
        self.release = threading.Event()
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def take_failure(self) -> bool:
        with self._lock:
            failing = self.failures > 0
            self.failures -= failing
            return failing

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is not worth a word."""


class _Answers(BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        if self.path == "/held":
            self.server.waiting.release()
            self.server.release.wait(30)
        self.send_response(500 if self.server.take_failure() else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def listening() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.release.set()
            server.shutdown()
            thread.join()
