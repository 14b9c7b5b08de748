"""Looks whether what is on record is what was sealed. Needs the store and no key; changes nothing."""

from collections.abc import Callable, Mapping, Sequence

from monitor.seals.canonical import Ids
from monitor.seals.chain import check_chain
from monitor.seals.findings import Finding, Verified
from monitor.seals.frozen_runs import check_frozen
from monitor.seals.results_check import Pruned, ResultsCheck
from monitor.seals.run_check import RunCheck
from monitor.seals.sealing import words_of
from monitor.seals.tables_check import TablesCheck
from monitor.store import Store
from monitor.store.sealing import Rows

__all__ = ["Finding", "Verified", "verify"]


async def verify(
    store: Store,
    *,
    expected: Mapping[int, Sequence[str]] | None = None,
    trusted: str | None = None,
    on_rows: Callable[[int], None] = lambda _count: None,
) -> Verified:
    """Holds all rows of one moment against all seals, and the runs against the results.

    `expected` are digests of seals that were told elsewhere, by number; `trusted` is the fingerprint of a key that is
    known to be the installation's. Without either, a chain that was made anew from the first seal on looks like any.
    `on_rows` is told how many results were looked at since it was told last.
    """
    return await store.read_rows(lambda rows: _verify(rows, expected or {}, trusted, on_rows))


def _verify(
    rows: Rows, expected: Mapping[int, Sequence[str]], trusted: str | None, on_rows: Callable[[int], None]
) -> Verified:
    verification = Verified()
    try:
        _look_at_all(rows, expected, trusted, on_rows, verification)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # Databases take a text in a column of numbers; this program never writes one.
        text = f"what stands in the database is none of this program's, and the rest was not looked at: {error!r}"
        verification.findings.append(Finding("changed", text))
    return verification


def _look_at_all(
    rows: Rows,
    expected: Mapping[int, Sequence[str]],
    trusted: str | None,
    on_rows: Callable[[int], None],
    verification: Verified,
) -> None:
    seals = check_chain(rows, expected, trusted, verification)
    run_check = RunCheck.of(rows)
    pruned = Pruned.of(rows)

    def take(matrix: Ids) -> None:
        run_check.add(matrix)
        on_rows(len(matrix))

    results = ResultsCheck(rows, words_of(rows), verification, take, rows.boot_ids(), pruned)
    tables = TablesCheck(rows, verification)
    for seal in seals:
        tables.check_sealed(seal)
        results.check_sealed(seal)
    results.check_imported(seals)
    tables.check_unsealed()
    results.check_unsealed()
    run_check.finish(pruned.before_ms, verification)
    check_frozen(rows, [seal.header for seal in seals], verification)
    _note(verification, pruned, expected, trusted)


def _note(verification: Verified, pruned: Pruned, expected: Mapping[int, Sequence[str]], trusted: str | None) -> None:
    if verification.seals == 0:
        verification.findings.append(Finding("seal", "there is no seal yet"))
    if verification.pruned > pruned.rows:
        text = f"{verification.pruned} results are gone, but only {pruned.rows} were pruned"
        verification.findings.append(Finding("removed", text, table="results"))
    elif verification.pruned:
        verification.notes.append(
            f"{verification.pruned} results were pruned for their age: their seals' digests and signatures hold, the "
            "results themselves cannot be looked at any more; what is left of a seal in part is held against four "
            "bytes of each row's digest"
        )
    if not expected and trusted is None and verification.seals:
        verification.notes.append(
            "compare the newest digest with one that was told elsewhere (--digest), or name the key (--key): without, "
            "a chain that was made anew as a whole cannot be told from the first one"
        )
