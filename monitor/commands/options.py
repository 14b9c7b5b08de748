"""What several verbs of the command line share. Imports nothing heavy."""

import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from monitor.config import Config
    from monitor.picture import Picture
    from monitor.sla.model import Ledger
    from monitor.store import Store

T = TypeVar("T")
CommandT = TypeVar("CommandT", bound=Callable[..., Any])

WIDTH_OF_A_FILE = 140
EXIT_DOWN, EXIT_CONFIGURATION, EXIT_UNKNOWN = 1, 2, 3


def config_option(command: CommandT) -> CommandT:
    """`-c/--config FILE`; handed over as `config_path`."""
    return click.option(
        "-c",
        "--config",
        "config_path",
        metavar="FILE",
        help="Configuration; default: $EFENTO_UPTIME_CONFIG, else config/efento-cloud.yaml, else the shipped one.",
    )(command)


def json_option(command: CommandT) -> CommandT:
    return click.option("--json", "as_json", is_flag=True, help="JSON for programs instead of a table.")(command)


def load_config(config_path: str | None) -> "Config":
    """The configuration; prints every problem on standard error and exits with 2 where there is one."""
    config = checked_config(config_file(config_path))
    if config is None:
        sys.exit(EXIT_CONFIGURATION)
    return config


def config_file(config_path: str | None) -> "Path":
    """The file that is meant by `--config`, or by its absence."""
    from pathlib import Path

    from monitor.config import find_config

    return find_config(Path(config_path) if config_path else None, os.environ)


def checked_config(file: "Path") -> "Config | None":
    """The file's configuration, or None and its problems on standard error."""
    from monitor.config import ConfigError, load

    try:
        return load(file, os.environ)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        return None


def stored_ledger(config: "Config") -> "Ledger":
    """All recorded facts of the configuration's store; exits with 1 where there is none."""
    return run_with_store(config, lambda store: store.ledger())


def stored_picture(config: "Config") -> "Picture":
    """What the store knows at this moment, without a daemon."""
    from monitor.board import Board, Declared
    from monitor.calendars import public_holidays
    from monitor.clock import SystemClock

    async def read(store: "Store") -> "tuple[Ledger, Declared]":
        declared = Declared(await store.agreements(), await store.windows(), await store.clock_events())
        return await store.ledger(), declared

    ledger, declared = run_with_store(config, read)
    board = Board(config, SystemClock(), holidays_of=public_holidays)
    board.load(ledger, declared=declared)
    return board.picture()


def run_with_store(config: "Config", work: "Callable[[Store], Awaitable[T]]", *, read_only: bool = True) -> "T":
    """Does the work with the configuration's store; exits with 1 and one line where the store cannot do it."""
    import asyncio

    from monitor.store import Store, StoreError

    async def opened() -> T:
        async with await Store.open(config.store_url, read_only=read_only) as store:
            return await work(store)

    try:
        return asyncio.run(opened())
    except StoreError as error:
        click.echo(f"efento-uptime: {error}", err=True)
        sys.exit(EXIT_DOWN)


def console() -> "Console":
    """For tables: as wide as the terminal, and wide enough for a log or a pipe."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH_OF_A_FILE)


def report_failures(failures: BaseExceptionGroup[BaseException]) -> None:
    """One line on standard error for each thing that went wrong."""
    for failure in _leaves(failures):
        click.echo(f"efento-uptime: {failure}", err=True)


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found
