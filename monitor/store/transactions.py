"""A transaction from its beginning to its end, in one go, for the thread that writes."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from threading import Event
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from monitor.store import connect
from monitor.store.records import StoreError

T = TypeVar("T")
_ASKED_EACH = 1_000  # to ask for each of millions would take as long as to take it in


def transact(engine: Engine, work: Callable[[Connection], T], forget: Callable[[], None], unwanted: Event) -> T:
    """Carries the work out; waits for other processes' as long as it takes, or until it is unwanted.

    Where nothing was stored, `forget` is called: what the work learnt is not so.
    """
    try:
        while True:
            with connect.explained("cannot write"):
                if (outcome := _attempt(engine, work, unwanted)) is not None:
                    return outcome[0]
    except BaseException:
        forget()
        raise


def while_wanted(given: Iterable[T], unwanted: Event) -> Iterator[T]:
    """Ends a long piece of work in its middle once it is unwanted."""
    remaining = iter(given)
    while portion := list(islice(remaining, _ASKED_EACH)):
        _check_wanted(unwanted)
        yield from portion


def _attempt(engine: Engine, work: Callable[[Connection], T], unwanted: Event) -> tuple[T] | None:
    """The work's outcome; None where another process was writing all the time, so that it did not even begin."""
    begun = False
    try:
        with engine.begin() as connection:
            _check_wanted(unwanted)
            begun = True
            outcome = work(connection)
            _check_wanted(unwanted)
            return (outcome,)
    except SQLAlchemyError as error:
        if begun or not connect.is_busy(error):
            raise
        _check_wanted(unwanted)
        return None


def _check_wanted(unwanted: Event) -> None:
    if unwanted.is_set():
        raise StoreError("nobody waits for it any more")
