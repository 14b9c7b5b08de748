"""`efento-uptime seal`: a signed digest over everything that was recorded since the last one."""

import sys

import click

from monitor.commands.options import EXIT_DOWN, config_option, json_option, load_config, run_with_store


@click.command()
@click.option("--rotate-key", is_flag=True, help="Make a new key, have the present one vouch for it, and seal with it.")
@config_option
@json_option
def seal(rotate_key: bool, config_path: str | None, as_json: bool) -> None:
    """Seal now, beside the daily seal of the daemon, and print the seal's number and digest.

    Keep the digest somewhere else: `efento-uptime verify --digest NUMBER:DIGEST` proves later that this seal, and all
    that it covers, is still the same.
    """
    import json
    from dataclasses import asdict

    from monitor.clock import SystemClock, iso, to_milliseconds
    from monitor.seals import KeyProblem
    from monitor.seals import seal as make_seal

    config = load_config(config_path)
    now_ms = to_milliseconds(SystemClock().now())
    with click.progressbar(length=0, label="Sealing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        try:
            made = run_with_store(
                config,
                lambda store: make_seal(store, config.seal_key_path, now_ms, rotate=rotate_key, on_rows=bar.update),
                read_only=False,
            )
        except KeyProblem as error:
            click.echo(f"efento-uptime: {error}", err=True)
            sys.exit(EXIT_DOWN)
    if as_json:
        click.echo(json.dumps({**asdict(made), "sealed_at": iso(made.sealed_ms)}, indent=2))
        return
    click.echo(f"seal {made.number} of {iso(made.sealed_ms)} covers {made.rows} rows, signed by the key {made.key}")
    click.echo(f"{made.number}:{made.digest}")
