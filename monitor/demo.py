"""The demo: a stand-in platform in a process of its own, and the daemon of `config/demo.yaml` that watches it."""

import asyncio
import json
import random
import shlex
import shutil
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from monitor.clock import SystemClock
from monitor.commands.service import serve_until_signal
from monitor.config import load, shipped_config
from monitor.files import write_atomically
from monitor.logs import configure
from monitor.redaction import Redactor

HOST = "127.0.0.1"
DEFAULT_PORT = 8080
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 20.0
STOP_SECONDS = 3.0

Addresses = dict[str, Any]


class DemoError(Exception):
    """The demo cannot start; the text says why and what to do."""


class Demo:
    """One run of the demo in a folder; its data stay there, so that the next run continues the history."""

    def __init__(
        self,
        folder: Path,
        port: int | None,
        *,
        scenario: str | None = None,
        verbose: bool = False,
        with_past: bool = True,
    ) -> None:
        self._folder = folder
        # Both are needed before anything listens: the stand-in sends its mails and SMS there.
        self._web_port = free_port(HOST, DEFAULT_PORT if port is None else port)
        self._smtp_port = free_port(HOST)
        self._scenario = scenario
        self._verbose = verbose
        self._with_past = with_past
        self._past_since: date | None = None

    async def run(self, environ: Mapping[str, str], for_seconds: float | None, *, open_browser: bool = False) -> None:
        """Raises `DemoError`; otherwise returns after SIGINT, SIGTERM, or `for_seconds` of running."""
        self._folder.mkdir(parents=True, exist_ok=True)
        async with self._stand_in() as platform:
            environment = self._environment(platform)
            config = load(shipped_config("demo.yaml"), {**environ, **environment})
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
            *("--smtp", f"{HOST}:{self._smtp_port}"),
            *("--sms-webhook", f"http://{HOST}:{self._web_port}/inbound/sms/standin"),
            *(("--scenario", self._scenario) if self._scenario else ()),
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            await self._record_past()  # while the stand-in starts
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

    async def _record_past(self) -> None:
        """Gives a new folder a simulated past; one that has a store already is left alone."""
        if self._with_past:
            from monitor.demo_past import record_past

            config = load(shipped_config("demo.yaml"), {"DEMO_STORE": self._store_url})
            self._past_since = await record_past(config, SystemClock())

    @property
    def _store_url(self) -> str:
        return f"sqlite:///{(self._folder / 'uptime.db').absolute()}"

    def _environment(self, platform: Addresses) -> dict[str, str]:
        """What `config/demo.yaml` asks the environment for, and which file other verbs are to use."""
        return {
            "EFENTO_UPTIME_CONFIG": str(shipped_config("demo.yaml")),
            "DEMO_STORE": self._store_url,
            "DEMO_WEB_PORT": str(self._web_port),
            "DEMO_SMTP_PORT": str(self._smtp_port),
            "DEMO_BROWSER": "true" if browser_is_here() else "false",
            **standin_environment(platform),
        }

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
        if self._past_since is not None:
            click.echo(
                f"\nHistory from {self._past_since} until a few minutes ago is simulated; from now on it is real."
            )
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


def standin_environment(platform: Addresses) -> dict[str, str]:
    """Where `config/demo.yaml` finds the parts of a stand-in: `STANDIN_<INTERFACE>_PORT` and `_URL`, and what else an
    address has, e.g. `STANDIN_TLS_CA_FILE`."""
    found = {
        f"STANDIN_{interface}_{key}".upper(): str(value)
        for interface, place in platform.items()
        for key, value in place.items()
        if key != "host"
    }
    return {
        "STANDIN_HOST": platform["coap"]["host"],
        **found,
        "STANDIN_WEB_URL": f"{platform['web']['url']}/",
        "STANDIN_SMS_BALANCE_URL": f"{platform['sms']['url']}/balance",
        "STANDIN_BACKUPS_MANIFEST_URL": f"{platform['backups']['url']}/manifest.json",
        "STANDIN_BACKUPS_RESTORES_URL": f"{platform['backups']['url']}/restores",
    }


# Below those that the system gives to whoever asks for any port: between the choice and its use nobody else gets it.
OWN_PORTS = range(20_000, 32_768)


def free_port(host: str, wanted: int = 0) -> int:
    """The wanted port, or any other where somebody has it already."""
    for port in (wanted or random.choice(OWN_PORTS), *random.sample(OWN_PORTS, len(OWN_PORTS))):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return port
    raise DemoError(f"no port of {host} is free")


def browser_is_here() -> bool:
    """Whether `frontend_browser` can run: Playwright is installed, and a browser on the path."""
    return find_spec("playwright") is not None and any(map(shutil.which, BROWSERS))


def _exports(environment: Mapping[str, str]) -> str:
    """For a shell: after `. demo.env` the other verbs work on this demo."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
