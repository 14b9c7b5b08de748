"""For all tests: code of ours that blocks the event loop fails the test that runs it; the terminal changes nothing."""

import signal
from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx

# What is read from the disk once, before anything is served or watched: file of our code → its functions.
AT_START = {
    "monitor/store/store.py": {"open", "_look_at"},
    "monitor/store/worker.py": {"close"},  # its threads are idle by then
    "monitor/web/pages.py": {"__init__"},
    "probes/option_types.py": {"_zone"},
}

# A shell lets what it runs in the background ignore Ctrl-C, and so would every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _any_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(autouse=True)
def _nothing_of_ours_blocks_the_loop() -> Iterator[None]:
    with blockbuster_ctx(scanned_modules=["monitor", "probes", "standin"]) as watch:
        for function in watch.functions.values():
            for file, functions in AT_START.items():
                function.can_block_in(file, functions)
        yield
