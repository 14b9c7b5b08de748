"""How results are named inside and outside."""

import pytest

from monitor.store import import_id, text_id
from monitor.store.ids import own_id

BOOTS = {3: "0b9f4c5e-6f0e-4d5a-9a55-1c1f2d3e4f50"}
WRITERS = {boot_id: writer for writer, boot_id in BOOTS.items()}


def test_own_results_are_numbered_by_their_writer() -> None:
    assert own_id(3, 1) == 3 * 2**32 + 1
    assert text_id(own_id(3, 17), BOOTS) == f"{BOOTS[3]}:17"
    assert import_id(f"{BOOTS[3]}:17", WRITERS) == own_id(3, 17)


def test_a_text_becomes_the_first_63_bits_of_its_digest() -> None:
    # printf abc | sha256sum begins with ba7816bf8f01cfea
    assert import_id("abc", {}) == -(0xBA7816BF8F01CFEA >> 1)


@pytest.mark.parametrize("text", ["abc", "", "a:b:c", "żółw", "imported:xyz", "imported:123"])
def test_an_imported_result_keeps_its_name_through_an_export(text: str) -> None:
    imported = import_id(text, WRITERS)
    assert -(2**63) < imported < 0
    assert import_id(text_id(imported, BOOTS), WRITERS) == imported


@pytest.mark.parametrize("number", ["0", "017", "-1", "x", "", "4294967296", "¹"])
def test_what_no_daemon_would_write_is_only_a_text(number: str) -> None:
    assert import_id(f"{BOOTS[3]}:{number}", WRITERS) < 0


def test_another_stores_results_are_only_texts() -> None:
    assert import_id("someone-else:17", WRITERS) < 0
