"""YAML 1.2 scalars, strictness, lines, and no way to hurt the reader."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.yaml_source import MAX_BYTES, MAX_DEPTH, Loc, parse, printed, read, resolve_scalar


def _value(text: str) -> object:
    document = parse(text, "file.yaml")
    assert document.problems == ()
    return document.value


def _messages(text: str) -> list[str]:
    return [str(problem) for problem in parse(text, "file.yaml").problems]


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("22:00", "22:00"),
        ("08:00", "08:00"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("2026-01-01", "2026-01-01"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("-0x1f", "-0x1f"),
        ("tRUE", "tRUE"),
        ("1.2.3", "1.2.3"),
        ("0755", 755),
        ("-12", -12),
        ("+12", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1e3", -1000.0),
        ("1E+2", 100.0),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("NULL", None),
    ],
)
def test_plain_scalars_follow_the_core_schema(plain: str, value: object) -> None:
    found = _value(f"key: {plain}")
    assert found == {"key": value}
    assert isinstance(found, dict) and type(found["key"]) is type(value)
    assert _value(f"key: '{plain}'") == {"key": plain}
    assert _value(f"key: !!str {plain}") == {"key": plain}


def test_not_a_number_is_a_float() -> None:
    assert math.isnan(float(str(resolve_scalar(".nan"))))


_CORE_SCHEMA = {  # the patterns of YAML 1.2.2, section 10.3.2
    type(None): r"null|Null|NULL|~|",
    bool: r"true|True|TRUE|false|False|FALSE",
    int: r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    float: r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN",
}


@given(st.text(max_size=12) | st.text("0123456789+-.eExobnaifNIFtrufls~_:", max_size=8))
def test_a_scalar_has_the_type_of_the_first_pattern_that_it_matches(text: str) -> None:
    kinds = [kind for kind, pattern in _CORE_SCHEMA.items() if re.fullmatch(pattern, text)]
    value = resolve_scalar(text)
    assert type(value) is (kinds[0] if kinds else str)
    assert not isinstance(value, str) or value == text


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans())
def test_numbers_and_truth_values_come_back(value: float) -> None:
    text = str(value).lower()
    found = resolve_scalar(text)
    assert found == value and type(found) is type(value)


def _escaped(text: str) -> str:
    return '"' + "".join(f"\\U{ord(character):08x}" for character in text) + '"'


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_every_text_comes_back_from_double_quotes(text: str) -> None:
    assert _value(f"key: {_escaped(text)}\n{_escaped('k' + text)}: 1") == {"key": text, "k" + text: 1}


@given(st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=40))
def test_every_printable_text_comes_back_from_single_quotes(text: str) -> None:
    quoted = text.replace("'", "''")
    assert _value(f"- '{quoted}'") == [text]


@given(st.text("ab1:-[]{}&*!|>'\"#%,? \t\n~<", max_size=60))
def test_no_text_upsets_the_reader(text: str) -> None:
    document = parse(text, "file.yaml")
    assert document.complete or document.problems
    assert all(str(problem).startswith("file.yaml:") for problem in document.problems)


def test_merge_keys_are_plain_keys() -> None:
    assert _value("a: &a {x: 1}\nb: {<<: *a}") == {"a": {"x": 1}, "b": {"<<": {"x": 1}}}


def test_a_repeated_key_is_refused_with_both_lines() -> None:
    assert _messages("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3") == [
        "file.yaml:5: b.c: repeated key; expected it once, and it stands on line 3"
    ]


def test_keys_must_be_text() -> None:
    messages = _messages("1: a\nfalse: b\n'2': c\n[x]: d\n? {y: z}\n: e")
    assert [message.partition(": ")[0] for message in messages] == [
        "file.yaml:1",
        "file.yaml:2",
        "file.yaml:4",
        "file.yaml:5",
    ]


def test_only_one_document() -> None:
    assert _value("---\na: 1\n...\n") == {"a": 1}
    assert _messages("a: 1\n---\nb: 2") == ["file.yaml:2: a second document begins; expected only one in a file"]


@pytest.mark.parametrize("text", ["&a [*a]", "a: &a {b: [1, *a]}"])
def test_a_value_cannot_contain_itself(text: str) -> None:
    [message] = _messages(text)
    assert "stands inside the value it repeats" in message


def test_an_alias_of_nothing_is_refused() -> None:
    [message] = _messages("a: *hunter2")
    assert "an alias (*) of nothing" in message and "hunter2" not in message


def test_aliases_repeat_values() -> None:
    assert _value("a: &x [1, 2]\nb: *x\nc: &x 3\nd: *x") == {"a": [1, 2], "b": [1, 2], "c": 3, "d": 3}


@pytest.mark.parametrize("tag", ["!secret hunter2", "!!python/object:os.system x", "!!int x", "!!seq x", "!<!x> y"])
def test_tags_that_are_unknown_or_do_not_fit_are_refused(tag: str) -> None:
    [message] = _messages(f"a: {tag}")
    assert message.startswith("file.yaml:1: a: a tag (!)") and "hunter2" not in message


def test_core_tags_are_taken_where_they_fit() -> None:
    assert _value("[!!int 1, !!float 2, !!bool true, !!null ~, !!str 3, ! 4, !!seq [], !!map {}]") == [
        1,
        2,
        True,
        None,
        "3",
        "4",
        [],
        {},
    ]


def test_a_bomb_of_aliases_is_refused_unexploded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    [message] = _messages("\n".join(lines))
    assert message.startswith("file.yaml:6: a5: too many values")


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 5_000, "\n".join(" " * n + "a:" for n in range(500))])
def test_deep_nesting_is_refused(text: str) -> None:
    [message] = _messages(text)
    assert f"nested too deeply; expected at most {MAX_DEPTH} levels" in message


def test_deep_nesting_by_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 2_000))]
    [message] = _messages("\n".join(lines))
    assert "nested too deeply by aliases" in message


def test_numbers_of_very_many_digits_are_refused() -> None:
    [message] = _messages(f"a:\n  b: {'9' * 5000}")
    assert message == "file.yaml:2: a.b: a number of 5000 digits; expected a shorter one"


@pytest.mark.parametrize(("character", "name"), [("\x00", "U+0000"), ("\x85", "U+0085"), ("\u2028", "U+2028")])
def test_characters_that_are_invisible_line_breaks_or_worse_are_refused(character: str, name: str) -> None:
    assert _messages(f"a: 1\nb: x{character}y") == [
        f"file.yaml:2: character {name} is not allowed; write it as an escape"
    ]


def test_what_the_parser_quotes_of_a_value_is_not_repeated() -> None:
    [message] = _messages("a: !hunter2!x y")
    assert message == "file.yaml:1: not valid YAML: found undefined tag handle …"


_PLACES = """\
# a comment
components:
  api:
    title: API
  empty: {}
probes:
  - id: one
    options:

      host: x
  - {id: two,
     options: {}}
"""


@pytest.mark.parametrize(
    ("loc", "line"),
    [
        ((), 2),
        (("components",), 2),
        (("components", "api", "title"), 4),
        (("components", "api", "floor"), 4),  # missing: the mapping's first line
        (("components", "empty", "title"), 5),  # missing in a mapping without lines of its own
        (("probes", 0), 7),
        (("probes", 0, "options"), 8),
        (("probes", 0, "options", "port"), 10),
        (("probes", 0, "options", "SomeUnionBranch", "host"), 10),
        (("probes", 1, "options"), 12),
        (("probes", 7), 6),
        (("location",), 2),
    ],
)
def test_every_place_has_its_line(loc: Loc, line: int) -> None:
    assert parse(_PLACES, "file.yaml").line(loc) == line


def test_places_are_printed_as_they_would_be_said() -> None:
    assert printed(("probes", 1, "options", "a key", "b")) == 'probes[1].options["a key"].b'
    assert printed(()) == ""


def test_files_that_cannot_be_read_are_problems(tmp_path: Path) -> None:
    missing, folder, large, latin = (tmp_path / name for name in ("missing", "folder", "large", "latin"))
    folder.mkdir()
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    latin.write_bytes("a: 1\nb: Łódź".encode("iso-8859-2"))
    assert [str(read(path).problems[0]) for path in (missing, folder, large, latin)] == [
        f"{missing}: cannot be read: No such file or directory",
        f"{folder}: cannot be read: Is a directory",
        f"{large}: is too large; expected at most 1048576 bytes",
        f"{latin}:2: byte 0xa3 is not UTF-8; expected UTF-8 text",
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(b"\xef\xbb\xbfzone: Europe/Warsaw\r\nlocation: a\r\n")
    assert read(path).value == {"zone": "Europe/Warsaw", "location": "a"}
