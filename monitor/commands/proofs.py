"""What `verify` and `recompute` are told from outside: digests and a key that somebody kept elsewhere."""

import re
import sys
from typing import NoReturn

import click

from monitor.commands.options import EXIT_CONFIGURATION, CommandT

_DIGEST = re.compile(r"[1-9][0-9]*:[0-9A-Fa-f]{64}")
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{16}")


def proof_options(command: CommandT) -> CommandT:
    """`--digest`, handed over as `digests`, and `--key`."""
    digest = click.option(
        "--digest", "digests", multiple=True, metavar="NUMBER:HEX", help="A seal's digest that was told elsewhere."
    )
    key = click.option(
        "--key", metavar="FILE|FINGERPRINT", help="The public key that seals are known to be signed with."
    )
    return digest(key(command))


def expected_digests(digests: tuple[str, ...]) -> dict[int, list[str]]:
    """By the seals' numbers; exits with 2 where one is none."""
    expected: dict[int, list[str]] = {}
    for each in digests:
        if not _DIGEST.fullmatch(each):
            _refuse(f"--digest {each}: NUMBER:HEX was expected, with 64 hexadecimal digits")
        number, _, digest = each.partition(":")
        expected.setdefault(int(number), []).append(digest)
    return expected


def fingerprint_of(key: str | None) -> str | None:
    """Of a fingerprint or a PEM file; exits with 2 where it is neither."""
    from pathlib import Path

    from monitor.seals.keys import KeyProblem, public_fingerprint

    if key is None or _FINGERPRINT.fullmatch(key):
        return key and key.lower()
    try:
        return public_fingerprint(Path(key))
    except KeyProblem as error:
        _refuse(f"--key: {error}; a PEM file or a fingerprint of 16 hexadecimal digits was expected")


def _refuse(problem: str) -> NoReturn:
    click.echo(f"efento-uptime: {problem}", err=True)
    sys.exit(EXIT_CONFIGURATION)
