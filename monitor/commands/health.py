"""`efento-uptime health`: is the daemon well? For containers and scripts; it reads no configuration, so it is quick."""

import http.client
import sys
from urllib.parse import urlsplit

import click

MOST_BYTES = 65_536


@click.command()
@click.option("--url", metavar="URL", help="Its address; default: this machine, at $EFENTO_UPTIME_PORT or 8080.")
@click.option("--alive", is_flag=True, help="Ask only whether it answers, not whether it does its work.")
@click.option(
    "--timeout", "seconds", default=3.0, show_default=True, type=click.FloatRange(min=0, min_open=True), help="Seconds."
)
def health(url: str | None, alive: bool, seconds: float) -> None:
    """Tell whether the daemon does its work: its store can be written, and every probe has a fresh result.

    Prints what is wrong. Exits with 0 if all is well, else with 1.
    """
    try:
        status, text = _asked(url or _of_this_machine(), "/healthz" if alive else "/readyz", seconds)
    except (OSError, http.client.HTTPException) as problem:
        click.echo(f"efento-uptime: no answer: {problem or type(problem).__name__}", err=True)
        sys.exit(1)
    click.echo(text, nl=False)
    if status != 200:
        sys.exit(1)


def _of_this_machine() -> str:
    import os

    return f"http://127.0.0.1:{os.environ.get('EFENTO_UPTIME_PORT') or 8080}"


def _asked(url: str, path: str, seconds: float) -> tuple[int, str]:
    """Raises `OSError` or `HTTPException` where there is no answer, `click.UsageError` for what is no address."""
    connection = _connection(url, seconds)
    try:
        connection.request("GET", urlsplit(url).path.rstrip("/") + path)
        answer = connection.getresponse()
        return answer.status, answer.read(MOST_BYTES).decode("utf-8", "replace")
    finally:
        connection.close()


def _connection(url: str, seconds: float) -> http.client.HTTPConnection:
    kinds: dict[str, type[http.client.HTTPConnection]] = {
        "http": http.client.HTTPConnection,
        "https": http.client.HTTPSConnection,
    }
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in kinds or not host:
        raise click.UsageError(f"{url!r} is no address; expected e.g. http://127.0.0.1:8080")
    return kinds[parts.scheme](host, port, timeout=seconds)
