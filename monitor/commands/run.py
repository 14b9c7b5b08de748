"""`efento-uptime run`: the daemon, until a signal."""

import click

from monitor.commands.options import config_option


@click.command(name="run")
@config_option
def run(config_path: str | None) -> None:
    """Run the daemon: probe, store, serve the pages and metrics. SIGINT or SIGTERM stops it in order."""
    from monitor.clock import SystemClock
    from monitor.commands.options import load_config
    from monitor.commands.service import run_until_signal

    run_until_signal(load_config(config_path), SystemClock())
