"""`efento-uptime recompute`: is a bundle true to itself?"""

import sys
from typing import TYPE_CHECKING

import click

from monitor.commands.options import EXIT_CONFIGURATION, EXIT_DOWN, json_option
from monitor.commands.proofs import expected_digests, fingerprint_of, proof_options

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.reports.bundle_recompute import Recomputed

WIDTH = 9  # of the longest name of a check
MOST_SHOWN = 5  # findings of a check


@click.command()
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False))
@click.option("--report-dir", metavar="DIR", help="Write the report that was made anew into this folder.")
@proof_options
@json_option
def recompute(bundle: str, report_dir: str | None, key: str | None, digests: tuple[str, ...], as_json: bool) -> None:
    """Make the report in BUNDLE anew, with no store and no configuration, and hold everything against its proofs.

    BUNDLE is a file of `report --bundle`. Looks at the seals' chain, digests and signatures, at the rows that they
    cover, whether the results make the runs, and whether all that makes the report's bytes. Names the first thing that
    does not agree. Exit codes: 0 everything agrees, 1 something does not, 2 wrong usage, or no bundle.
    """
    from pathlib import Path

    from monitor.reports.bundle_file import BundleError

    expected, trusted = expected_digests(digests), fingerprint_of(key)
    try:
        found = _recomputed(Path(bundle), expected, trusted)
    except BundleError as error:
        _say(f"efento-uptime: {error}", err=True)
        sys.exit(EXIT_CONFIGURATION)
    if report_dir is not None:
        _write(found, Path(report_dir))
    if as_json:
        import json

        click.echo(json.dumps(found.as_json(), indent=2))
    else:
        _show(found)
    sys.exit(0 if found.agrees else EXIT_DOWN)


def _recomputed(place: "Path", expected: dict[int, list[str]], trusted: str | None) -> "Recomputed":
    from monitor.reports.bundle_recompute import bytes_of_results
    from monitor.reports.bundle_recompute import recompute as made_anew

    total, hidden = bytes_of_results(place), not sys.stderr.isatty()
    with click.progressbar(length=total, label="Recomputing", file=sys.stderr, hidden=hidden) as bar:
        return made_anew(place, expected=expected, trusted=trusted, on_bytes=bar.update)


def _write(found: "Recomputed", folder: "Path") -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in found.files.items():
            (folder / f"uptime-{found.period}.{name}").write_bytes(content)
    except OSError as error:
        click.echo(f"efento-uptime: cannot write into {folder}: {error.strerror}", err=True)
        sys.exit(EXIT_DOWN)


def _show(found: "Recomputed") -> None:
    _say(f"{found.period} as of {found.as_of}, by efento-uptime {found.software}")
    if found.newest is not None:
        _say(f"newest seal: {found.newest['number']}:{found.newest['digest']} of {found.newest['sealed_at']}")
    for check in found.checks:
        if not check.findings:
            _say(f"agrees   {check.name:{WIDTH}} {check.text}")
        for finding in check.findings[:MOST_SHOWN]:
            _say(f"DIFFERS  {check.name:{WIDTH}} {finding}")
        if len(check.findings) > MOST_SHOWN:
            _say(f"DIFFERS  {check.name:{WIDTH}} and {len(check.findings) - MOST_SHOWN} more (see --json)")
    for note in found.notes:
        _say(f"note: {note}")
    _say("Everything agrees." if found.agrees else f"It does not agree; first: {found.first}")


def _say(text: str, *, err: bool = False) -> None:
    """A bundle's texts may be anybody's: what steers a terminal is not handed on to one."""
    click.echo("".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text), err=err)
