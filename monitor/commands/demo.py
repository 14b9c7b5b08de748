"""`efento-uptime demo`: a stand-in platform and the daemon that watches it, on this machine."""

import click

from monitor.commands.options import report_failures


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port of the web pages; 0 takes a free one. [default: 8080]"
)
@click.option("--data", default="demo-data", show_default=True, type=click.Path(file_okay=False), help="Data folder.")
@click.option("--for", "for_seconds", type=click.FloatRange(min=0, min_open=True), help="Stop after so many seconds.")
@click.option("--scenario", metavar="NAME|FILE", help="Script of faults; `standin scenarios` lists those that ship.")
@click.option(
    "--past/--no-past", "with_past", default=True, show_default=True, help="Give a new folder a simulated past."
)
@click.option("--open", "open_browser", is_flag=True, help="Open the status page in a browser.")
@click.option("-v", "--verbose", is_flag=True, help="Log every check.")
def demo(
    port: int | None,
    data: str,
    for_seconds: float | None,
    scenario: str | None,
    with_past: bool,
    open_browser: bool,
    verbose: bool,
) -> None:
    """Run the daemon against a stand-in platform; nothing outside this machine is used.

    A new data folder begins with a simulated year to date, so that figures and reports have something to show.

    The addresses of everything are printed and written to addresses.json in the data folder. Break the platform with
    `efento-uptime standin fault on …` and watch.
    """
    import asyncio
    import os
    import sys
    from pathlib import Path

    from monitor.demo import Demo, DemoError
    from monitor.store import StoreError

    folder = Path(data)
    try:
        running = Demo(folder, port, scenario=scenario, verbose=verbose, with_past=with_past)
        asyncio.run(running.run(os.environ, for_seconds, open_browser=open_browser))
    except* (DemoError, StoreError, OSError) as failures:
        report_failures(failures)
        sys.exit(1)
