"""What a daemon imports when its first seal is due, while it probes: nothing that it would stand still for."""

import subprocess
import sys

import pytest

import monitor.seals

HEAVY = "numpy", "cryptography", "sqlalchemy"


def test_a_daemon_that_has_others_seal_imports_nothing_heavy() -> None:
    code = f"import sys, monitor.seals.process; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", monitor.seals.__all__)
def test_every_name_is_found_where_it_is(name: str) -> None:
    found = getattr(monitor.seals, name)
    assert found.__name__ == name
    assert found.__module__.startswith("monitor.seals.")


def test_another_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'unseal'"):
        _ = monitor.seals.unseal
