"""`efento-uptime standin`: runs the loopback platform, and breaks and mends one that runs."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from standin.settings import StandInSettings

DEFAULT_DATA = Path("demo-data")
ADDRESSES_NAME = "addresses.json"
_CONTROL_TIMEOUT_SECONDS = 5.0


# Of the platform's interfaces; the CoAP and the DNS port are UDP, the latter TCP as well.
_PORTS = (
    *("coap", "gateway", "api", "mqtt", "web", "reports", "sms", "backups"),
    *("operations", "tls", "dns", "reference", "control"),
)


def _port_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for name in reversed(_PORTS):
        option = click.option(
            f"--{name}-port", type=click.IntRange(0, 65535), default=0, help="Its port; 0 takes a free one."
        )
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the platform's interfaces.")
@_port_options
@click.option("--control-host", default="127.0.0.1", show_default=True, help="Address of the control interface.")
@click.option("--allow-remote-control", is_flag=True, help="Permit a control address that is not loopback.")
@click.option("--smtp", metavar="HOST:PORT", help="Mail server that takes the platform's mails; without: they wait.")
@click.option("--sms-webhook", metavar="URL", help="Where the SMS provider posts what it received; without: nowhere.")
@click.option("--scenario", metavar="NAME|FILE", help="Script of faults in time; `scenarios` lists those that ship.")
@click.option(
    "--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of the history; without: in memory only."
)
@click.option(
    "--addresses",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the addresses, as JSON, once everything listens; default: addresses.json in --data.",
)
@click.option("--until-stdin-closes", is_flag=True, hidden=True)
@click.pass_context
def standin(
    context: click.Context,
    /,
    data: Path | None,
    addresses: Path | None,
    until_stdin_closes: bool,
    **options: Any,
) -> None:
    """Runs a loopback Efento Cloud until it is interrupted; `fault` makes a running one fail."""
    if context.invoked_subcommand:
        return
    settings = _settings(data, **options)
    if data:
        data.mkdir(parents=True, exist_ok=True)
    written_to = addresses or (data / ADDRESSES_NAME if data else None)
    try:
        asyncio.run(_run(settings, written_to, until_stdin_closes))
    except OSError as problem:
        raise click.ClickException(f"the stand-in cannot start: {problem}") from problem


def _settings(
    data: Path | None, *, smtp: str | None, sms_webhook: str | None, scenario: str | None, **options: Any
) -> "StandInSettings":
    """Raises `click.UsageError` for what cannot be."""
    from pydantic import ValidationError

    from standin.notifications.settings import NotificationSettings
    from standin.scenario import ScenarioError, load
    from standin.settings import StandInSettings

    notifications: dict[str, Any] = {"sms_webhook_url": sms_webhook} if sms_webhook else {}
    if smtp:
        host, colon, port = smtp.rpartition(":")
        if not colon or not host or not port.isdecimal():
            raise click.UsageError(f"--smtp wants HOST:PORT, not {smtp!r}")
        notifications |= {"smtp_host": host.strip("[]"), "smtp_port": int(port)}
    try:
        return StandInSettings(
            database=data / "standin.db" if data else None,
            notifications=NotificationSettings(**notifications),
            scenario=load(scenario) if scenario else None,
            **options,
        )
    except ValidationError as problem:
        raise click.UsageError("; ".join(error["msg"] for error in problem.errors())) from problem
    except ScenarioError as problem:
        raise click.UsageError(f"the scenario cannot be played:\n{problem}") from problem


async def _run(settings: "StandInSettings", written_to: Path | None, until_stdin_closes: bool) -> None:
    import signal

    from monitor.files import write_atomically
    from standin import StandIn

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if until_stdin_closes:
        _set_when_stdin_closes(stop, loop)
    async with StandIn.start(settings) as platform:
        if written_to:
            await asyncio.to_thread(write_atomically, written_to, json.dumps(platform.addresses, indent=2) + "\n")
        if not until_stdin_closes:  # else a parent shows the addresses in its own way
            for name, place in platform.addresses.items():
                click.echo(f"{name:<10} {place['url']}")
        await stop.wait()


def _set_when_stdin_closes(stop: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    """A thread, because not every kind of file behind stdin can be watched by an event loop."""
    import contextlib
    import os
    import threading

    def read_to_the_end() -> None:
        while os.read(0, 65536):
            pass
        with contextlib.suppress(RuntimeError):  # the loop may have ended meanwhile
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=read_to_the_end, name="standin.stdin", daemon=True).start()


@standin.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def scenarios(as_json: bool) -> None:
    """Lists the scenarios that ship with the stand-in."""
    from standin.scenario import load, names

    known = [load(name) for name in names()]
    if as_json:
        fields = [{"name": each.name, "title": each.title, "description": each.description} for each in known]
        click.echo(json.dumps(fields, indent=2))
        return
    for each in known:
        click.echo(f"{each.name}: {each.title}")
        click.echo(click.wrap_text(each.description, width=80, initial_indent="  ", subsequent_indent="  ") + "\n")


@standin.group()
@click.option("--control", metavar="URL", help="Address of the stand-in's control interface.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"Folder whose addresses.json names the control interface, where --control does not; default: {DEFAULT_DATA}.",
)
@click.pass_context
def fault(context: click.Context, control: str | None, data: Path | None) -> None:
    """Switches faults of a running stand-in on and off."""
    assert context.parent
    context.obj = (control, data or context.parent.params["data"] or DEFAULT_DATA)


@fault.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def list_faults(place: tuple[str | None, Path], as_json: bool) -> None:
    """Shows which faults are on."""
    _show_active(_ask(place, "GET", "/faults"), as_json)


@fault.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--markdown", is_flag=True, help="As the table of the documentation.")
def catalogue(as_json: bool, markdown: bool) -> None:
    """Shows every fault that there is; needs no running stand-in."""
    from standin import catalogue as known

    if as_json:
        click.echo(json.dumps(known.as_json(), indent=2))
    elif markdown:
        click.echo(known.markdown_table(), nl=False)
    else:
        for spec in known.CATALOGUE.values():
            click.echo(f"{spec.name:<20} {', '.join(spec.interfaces):<20} {spec.meaning}")
            for parameter in spec.parameters:
                click.echo(f"{'':<41} {parameter.name}={parameter.default}: {parameter.expected}")


@fault.command("on")
@click.argument("interface")
@click.argument("name", metavar="FAULT")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="A parameter; can be repeated.")
@click.option("--for", "seconds", type=float, metavar="SECONDS", help="Switches it off again after that time.")
@click.pass_obj
def switch_on(
    place: tuple[str | None, Path], interface: str, name: str, assignments: tuple[str, ...], seconds: float | None
) -> None:
    """Switches a fault on, or changes the parameters of one that is on."""
    parameters = dict(_assignment(text) for text in assignments)
    if seconds is not None:
        parameters["for_seconds"] = seconds
    _show_active(_ask(place, "PUT", _fault_path(interface, name), parameters), False)


@fault.command("off")
@click.argument("interface")
@click.argument("name", metavar="FAULT")
@click.pass_obj
def switch_off(place: tuple[str | None, Path], interface: str, name: str) -> None:
    """Switches a fault off."""
    _show_active(_ask(place, "DELETE", _fault_path(interface, name)), False)


@fault.command()
@click.pass_obj
def clear(place: tuple[str | None, Path]) -> None:
    """Switches all faults off."""
    _show_active(_ask(place, "DELETE", "/faults"), False)


def _fault_path(interface: str, name: str) -> str:
    from urllib.parse import quote

    return f"/faults/{quote(interface, safe='')}/{quote(name, safe='')}"


def _assignment(text: str) -> tuple[str, Any]:
    """`seconds=3` is a number, `new_tokens_too=true` a truth value; what is not JSON is a text."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.UsageError(f"--set wants KEY=VALUE, not {text!r}")
    try:
        parsed = json.loads(value)
    except ValueError:
        return key, value
    # A CoAP code such as 5.00 looks like a number, but its zeros count.
    return key, value if key == "code" else parsed


def _show_active(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(answer["faults"], indent=2))
        return
    if not answer["faults"]:
        click.echo("no fault is on")
    for active in answer["faults"]:
        parameters = " ".join(f"{key}={value}" for key, value in active["parameters"].items())
        left = "" if active["seconds_left"] is None else f"({active['seconds_left']:.0f} s left)"
        click.echo(" ".join(part for part in (active["interface"], active["fault"], parameters, left) if part))


def _ask(place: tuple[str | None, Path], method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Asks the control interface; whatever goes wrong becomes one clear sentence and exit code 1."""
    import urllib.error
    import urllib.request

    url = _control_url(*place)
    try:
        request = urllib.request.Request(
            url.rstrip("/") + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        # No proxy: what the environment names for the outer world must not catch a loopback address.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=_CONTROL_TIMEOUT_SECONDS) as response:
            answer: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as refusal:
        raise click.ClickException(_message_of(refusal.read(), refusal.code)) from refusal
    except (OSError, ValueError) as problem:
        raise click.ClickException(f"no stand-in answers at {url}: {problem}") from problem
    return answer


def _message_of(body: bytes, status: int) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return f"the control interface answered {status}"


def _control_url(control: str | None, data: Path) -> str:
    if control:
        return control
    path = data / ADDRESSES_NAME
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return str((known.get("standin") or known)["control"]["url"])
    except FileNotFoundError as problem:
        raise click.ClickException(
            f"there is no {path}: start a stand-in with --data {data}, or name its control interface by --control URL"
        ) from problem
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise click.ClickException(f"{path} does not name a control interface") from problem
