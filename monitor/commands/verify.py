"""`efento-uptime verify`: is what is on record what was sealed?"""

import sys
from typing import TYPE_CHECKING

import click

from monitor.commands.options import EXIT_DOWN, config_option, json_option, load_config
from monitor.commands.proofs import expected_digests, fingerprint_of, proof_options

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.seals import Verified


@click.command()
@proof_options
@config_option
@json_option
def verify(digests: tuple[str, ...], key: str | None, config_path: str | None, as_json: bool) -> None:
    """Prove that nothing on record was changed, removed, added or reordered since it was sealed.

    Looks at the seals' chain and signatures, at every row, and whether the stored runs are those that the results
    make. Names the first row that differs. Exit codes: 0 all holds, 1 something does not, 2 wrong usage.
    """
    found = _verified(load_config(config_path), expected_digests(digests), fingerprint_of(key))
    if as_json:
        import json

        click.echo(json.dumps(found.as_json(), indent=2))
    else:
        _show(found)
    sys.exit(0 if found.holds else EXIT_DOWN)


def _verified(config: "Config", expected: dict[int, list[str]], trusted: str | None) -> "Verified":
    from monitor.commands.options import run_with_store
    from monitor.seals import verify as look_at

    total = run_with_store(config, lambda store: store.read_rows(lambda rows: rows.result_count()))
    with click.progressbar(length=total, label="Verifying", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        return run_with_store(
            config, lambda store: look_at(store, expected=expected, trusted=trusted, on_rows=bar.update)
        )


def _show(found: "Verified") -> None:
    for finding in found.findings:
        others = f"; and {finding.more} more" if finding.more else ""
        click.echo(f"{finding.kind}: {_printable(finding.text)}{others}")
    if found.newest is not None:
        click.echo(f"newest seal: {found.newest['number']}:{found.newest['digest']} of {found.newest['sealed_at']}")
    click.echo(f"{found.seals} seals, {found.rows} sealed rows and {found.runs} runs were looked at")
    if found.unsealed:
        counts = ", ".join(f"{count} of {table}" for table, count in sorted(found.unsealed.items()))
        click.echo(f"not yet sealed: {counts}")
    for note in found.notes:
        click.echo(f"note: {note}")
    click.echo("Everything holds." if found.holds else f"{len(found.findings)} things do not hold.")


def _printable(text: str) -> str:
    """Names come out of a database that may be an attacker's: none may write over what is said of it."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
