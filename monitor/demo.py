"""The demo: a stand-in platform in a process of its own, and the daemon of `config/demo.yaml` that watches it."""

import asyncio
import json
import shlex
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from monitor.clock import SystemClock
from monitor.commands.service import serve_until_signal
from monitor.config import Config, load, shipped_config
from monitor.files import write_atomically
from monitor.logs import configure
from monitor.redaction import Redactor

DEFAULT_PORT = 8080
START_SECONDS = 20.0
STOP_SECONDS = 3.0

Addresses = dict[str, Any]


class DemoError(Exception):
    """The demo cannot start; the text says why and what to do."""


class Demo:
    """One run of the demo in a folder; its data stay there, so that the next run continues the history."""

    def __init__(self, folder: Path, port: int | None, *, verbose: bool = False) -> None:
        self._folder = folder
        self._port = port
        self._verbose = verbose

    async def run(self, environ: Mapping[str, str], for_seconds: float | None, *, open_browser: bool = False) -> None:
        """Raises `DemoError`; otherwise returns after SIGINT, SIGTERM, or `for_seconds` of running."""
        self._folder.mkdir(parents=True, exist_ok=True)
        async with self._stand_in() as platform:
            environment = self._environment(platform)
            config = self._config(environment, environ)
            configure("info" if self._verbose else "warning", config.log_format, Redactor(config.secrets()))

            def ready(port: int) -> None:
                addresses = self._addresses(config.web_host, port, platform)
                write_atomically(self._folder / "demo.env", _exports(environment))
                write_atomically(self._folder / "addresses.json", json.dumps(addresses, indent=2) + "\n")
                self._announce(addresses)
                if open_browser:
                    webbrowser.open(addresses["daemon"]["status"]["url"])

            await serve_until_signal(config, SystemClock(), on_ready=ready, for_seconds=for_seconds)
        click.echo("Stopped. The data are in " + str(self._folder))

    @asynccontextmanager
    async def _stand_in(self) -> AsyncIterator[Addresses]:
        """The stand-in's process. It has a session of its own, so that Ctrl-C ends the daemon before its platform,
        and ends by itself when its standard input closes, should this process be killed."""
        found = self._folder / "standin.json"
        found.unlink(missing_ok=True)
        for name in ("addresses.json", "demo.env"):  # of an earlier run; nobody listens there now
            (self._folder / name).unlink(missing_ok=True)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "monitor", "standin", "--until-stdin-closes"),
            *("--data", str(self._folder), "--addresses", str(found)),
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            yield await _addresses_of(process, found)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    def _environment(self, platform: Addresses) -> dict[str, str]:
        """What `config/demo.yaml` asks the environment for, and which file other verbs are to use."""
        return {
            "EFENTO_UPTIME_CONFIG": str(shipped_config("demo.yaml")),
            "DEMO_STORE": f"sqlite:///{(self._folder / 'uptime.db').absolute()}",
            "STANDIN_HOST": platform["coap"]["host"],
            "STANDIN_COAP_PORT": str(platform["coap"]["port"]),
            "STANDIN_GATEWAY_URL": platform["gateway"]["url"],
            "STANDIN_API_URL": platform["api"]["url"],
        }

    def _config(self, environment: Mapping[str, str], environ: Mapping[str, str]) -> Config:
        config = load(shipped_config("demo.yaml"), {**environ, **environment})
        port = self._port if self._port is not None else _free(config.web_host, DEFAULT_PORT)
        return replace(config, web_port=port)

    def _addresses(self, host: str, port: int, platform: Addresses) -> Addresses:
        page = f"http://{host}:{port}"
        paths = {
            "status": "/",
            "api": "/api/v1/status",
            "metrics": "/metrics",
            "health": "/healthz",
            "ready": "/readyz",
        }
        daemon = {name: {"host": host, "port": port, "url": page + path} for name, path in paths.items()}
        return {"daemon": daemon, "standin": platform}

    def _announce(self, addresses: Addresses) -> None:
        daemon, platform = addresses["daemon"], addresses["standin"]
        lines = [
            ("Status page", daemon["status"]["url"]),
            ("The same as JSON", daemon["api"]["url"]),
            ("Prometheus metrics", daemon["metrics"]["url"]),
            *((f"Stand-in's {name}", address["url"]) for name, address in platform.items()),
        ]
        width = max(len(name) for name, _url in lines)
        for name, url in lines:
            click.echo(f"{name:<{width}}  {url}")
        data = "" if self._folder == Path("demo-data") else f"--data {self._folder} "
        click.echo("\nBreak the platform, then look at the status page:")
        click.echo(f"  efento-uptime standin fault {data}on coap accept-and-drop")
        click.echo(f"  efento-uptime standin fault {data}clear")
        click.echo("Ask this demo from another shell:")
        click.echo(f"  . {self._folder / 'demo.env'}; efento-uptime check; efento-uptime uptime; efento-uptime outages")
        click.echo("Ctrl-C stops the demo.\n")


async def _addresses_of(process: asyncio.subprocess.Process, found: Path) -> Addresses:
    try:
        async with asyncio.timeout(START_SECONDS):
            while not found.exists():
                if process.returncode is not None:
                    raise DemoError(f"the stand-in platform ended at once with exit code {process.returncode}")
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise DemoError(f"the stand-in platform was not ready within {START_SECONDS:g} s") from None
    addresses: Addresses = json.loads(found.read_text())
    return addresses


def _free(host: str, wanted: int) -> int:
    """The wanted port, or 0 (any) where somebody has it already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError:
            return 0
    return wanted


def _exports(environment: Mapping[str, str]) -> str:
    """For a shell: after `. demo.env` the other verbs work on this demo."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
