"""Processes for whole-product tests, ended with the test or the session that asked for them."""

from collections.abc import Iterator

import pytest

from tests.e2e.daemons import Demo
from tests.e2e.listener import Listener, listening
from tests.e2e.processes import Keeper


@pytest.fixture
def keep() -> Iterator[Keeper]:
    """Ends processes with the test: `daemon = keep(DaemonProcess(config))`."""
    with Keeper() as keeper:
        yield keeper


@pytest.fixture(scope="module")
def keep_for_all() -> Iterator[Keeper]:
    """Ends processes with the module."""
    with Keeper() as keeper:
        yield keeper


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as server:
        yield server


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for all tests that leave it as they found it."""
    with Keeper() as keep:
        yield keep(Demo(tmp_path_factory.mktemp("demo") / "data")).ready()
