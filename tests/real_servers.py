"""Real servers and tools from Debian's packages, which `tools/get-servers` puts on the machine or into `.servers`."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

SERVERS = Path(__file__).resolve().parent.parent / ".servers"
PLACES = ("/usr/bin", "/usr/sbin", f"{SERVERS}/usr/bin", f"{SERVERS}/usr/sbin")
LIBRARIES = (f"{SERVERS}/usr/lib/x86_64-linux-gnu", f"{SERVERS}/usr/lib/aarch64-linux-gnu")


@dataclass(frozen=True, slots=True)
class Command:
    """How to start it: the beginning of its command line, and its environment."""

    argv: list[str]
    env: dict[str, str]


def command(name: str) -> Command:
    """Skips the test where the server is missing; with EFENTO_UPTIME_CI set, fails it."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *PLACES])
    found = shutil.which(name, path=path)
    if found is None:
        message = f"no {name} here: run tools/get-servers"
        if "EFENTO_UPTIME_CI" in os.environ:
            pytest.fail(message)
        pytest.skip(message)
    env = dict(os.environ)
    if Path(found).is_relative_to(SERVERS):  # its libraries were unpacked beside it
        env["LD_LIBRARY_PATH"] = os.pathsep.join(LIBRARIES)
    return Command([found], env)
