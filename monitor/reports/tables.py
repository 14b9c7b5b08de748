"""What a report's words are made of, whoever lays them out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what it is."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """`empty` is said instead where there are no rows."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str = "None."
