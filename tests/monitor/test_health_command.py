"""`efento-uptime health`: what a container's engine and a script are told."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner, Result

from monitor.cli import main


def asked(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, ["health", *arguments], env={"EFENTO_UPTIME_PORT": "", **environ})


@contextmanager
def answering(answers: dict[str, tuple[int, str]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = answers[self.path]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def listening(sent: bytes = b"") -> Iterator[str]:
    """Takes connections without ever reading; the kernel's queue is enough. What is sent is no HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def send() -> None:
            with server.accept()[0] as connection:
                connection.sendall(sent)

        thread = threading.Thread(target=send) if sent else None
        if thread:
            thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        if thread:
            thread.join()


def test_a_ready_daemon_is_well() -> None:
    with answering({"/readyz": (200, "ready\n")}) as url:
        done = asked("--url", url)
    assert (done.exit_code, done.output) == (0, "ready\n")


def test_what_is_wrong_is_printed() -> None:
    with answering({"/readyz": (503, "the store has not been writable for 40 s\n")}) as url:
        done = asked("--url", f"{url}/")
    assert (done.exit_code, done.output) == (1, "the store has not been writable for 40 s\n")


def test_a_daemon_that_is_not_ready_is_alive() -> None:
    with answering({"/healthz": (200, "alive\n"), "/readyz": (503, "no\n")}) as url:
        assert asked("--url", url, "--alive").exit_code == 0


def test_the_port_comes_from_where_the_daemon_has_it() -> None:
    with answering({"/readyz": (200, "ready\n")}) as url:
        assert asked(EFENTO_UPTIME_PORT=url.rpartition(":")[2]).exit_code == 0


def test_nobody_there_is_one_line() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        done = asked("--url", f"http://127.0.0.1:{closed.getsockname()[1]}")
    assert done.exit_code == 1
    assert done.stderr.startswith("efento-uptime: no answer: ")
    assert done.stderr.count("\n") == 1


def test_silence_ends_at_the_time_limit() -> None:
    with listening() as url:
        done = asked("--url", url, "--timeout", "0.1")
    assert done.exit_code == 1
    assert "timed out" in done.stderr


def test_an_answer_that_is_no_http_is_no_answer() -> None:
    with listening(b"\x00\x01\x02 not HTTP\r\n\r\n") as url:
        assert asked("--url", url).exit_code == 1


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://127.0.0.1", "http://", "http://127.0.0.1:port"])
def test_what_is_no_address_is_wrong_usage(url: str) -> None:
    done = asked("--url", url)
    assert done.exit_code == 2
    assert "is no address" in done.stderr
