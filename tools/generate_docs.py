"""Renews what is generated in `docs/`: `python tools/generate_docs.py`. `tests/test_docs.py` holds it current."""

from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def configuration_tables() -> str:
    import probes
    from monitor.config.schema import markdown

    return "\n" + markdown(probes.discover()) + "\n"


def fault_table() -> str:
    from standin.catalogue import markdown_table

    return markdown_table()


def example_probe() -> str:
    return f"```python\n{(ROOT / 'probes' / 'tcp.py').read_text(encoding='utf-8')}```\n"


# page → (name of the section's marks, what stands between them)
SECTIONS: dict[str, tuple[str, Callable[[], str]]] = {
    "configuration.md": ("tables", configuration_tables),
    "standin.md": ("faults", fault_table),
    "adding-a-probe.md": ("code", example_probe),
}


def renewed() -> Iterator[tuple[Path, str]]:
    """Every page with a generated section, and what it should hold. Raises `ValueError` for one without marks."""
    for name, (mark, content) in SECTIONS.items():
        page = DOCS / name
        begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->"
        before, found, rest = page.read_text(encoding="utf-8").partition(begin)
        _old, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"{page} has no section {mark}")
        yield page, before + begin + content() + end + after


if __name__ == "__main__":
    for page, text in renewed():
        page.write_text(text, encoding="utf-8")
