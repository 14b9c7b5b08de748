"""Collects the problems of a configuration and puts pydantic's errors into words.

Prints neither secrets nor what a reference stands for.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from monitor.config.fields import Sensitive
from monitor.config.references import Resolved
from monitor.yaml_source import Document, Loc, Problem, printed

MASK = "********"

_PASSWORD_IN_URL = re.compile(r"(://[^:/@\s]*:)\S*(?=@)|((?:password|token|key|secret)=)[^&\s]+", re.IGNORECASE)

_LONGEST_SHOWN = 60
_EXPECTED = re.compile(r"(Input|String|Value|List|Tuple|Dictionary|URL) should (be|have|match|not|contain) ")
_NOUN = re.compile(r"(an?|one|text|either) ")  # a validator that says only what is expected
_SHOULD = {"be": "", "have": "it with ", "match": "text that matches ", "not": "it not ", "contain": "it with "}
_COLLECTIONS = {
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "mapping_type"), "a mapping"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "a list"),
}
_WORDS = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    **_COLLECTIONS,
    "none_required": "nothing",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
    "string_pattern_mismatch": "text that matches {pattern}",
    "too_short": "at least {min_length} in it",
    "too_long": "at most {max_length} in it",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "expected": "{expected}",
}

ModelT = TypeVar("ModelT", bound=BaseModel)


class Report:
    """The problems found so far in one file, each once, and none about a value that is missing for a known reason."""

    def __init__(self, document: Document, resolved: Resolved) -> None:
        self.document = document
        self._resolved = resolved
        self._given = [*document.problems, *resolved.problems]
        self._found = {problem.path: problem for problem in self._given if problem.path}

    def problems(self) -> list[Problem]:
        every = {*self._given, *self._found.values()}
        return sorted(every, key=lambda problem: (problem.line, problem.path, problem.text))

    def add(self, loc: Loc, text: str) -> None:
        """Only the first problem of a place counts: a later one follows from it, or is a union's other branch."""
        if not any(loc[: len(failed)] == failed for failed in self._resolved.failed):
            path = printed(loc)
            self._found.setdefault(path, Problem(self.document.file, self.document.line(loc), path, text))

    def found(self, loc: Loc, value: object, wanted: str, *, secret: bool = False) -> None:
        """The value at `loc` is not what is wanted."""
        self.add(loc, f"{self.what(loc, value, secret=secret)}; expected {wanted}")

    def no_such(self, loc: Loc, value: str, noun: str, choices: list[str]) -> None:
        """The value at `loc` is none of the choices."""
        hint = nearest(value, choices) if loc not in self._resolved.references else ""
        self.add(loc, f"{self.what(loc, value)}; {hint}expected {noun}: {one_of(choices)}")

    def open(self, text: str) -> str:
        """The text, if nothing in it came from a reference, perhaps in other letters."""
        folded = text.casefold()
        return "a value" if any(private.casefold() in folded for private in self._resolved.texts) else text

    def what(self, loc: Loc, value: object, *, secret: bool = False) -> str:
        """A value as a message may show it: by its kind alone where its content is nobody's business."""
        if reference := self._resolved.references.get(loc):
            return f"the value of {reference} does not fit"
        return f"found {_kind(value) if secret else shown(value)}"

    def validated(self, model: type[ModelT], value: Any, prefix: Loc) -> ModelT | None:
        """The model made of `value`, or None and problems."""
        try:
            return model.model_validate(value)
        except ValidationError as exc:
            private = [*self._resolved.texts, *_secret_texts(model, value)]
            for error in filter(_is_real, exc.errors(include_url=False)):
                self._explain(model, error, prefix, private)
        return None

    def _is_incomplete(self, loc: Loc) -> bool:
        """Whether a reference inside the value failed, so that it cannot be judged as a whole."""
        return any(failed[: len(loc)] == loc for failed in self._resolved.failed)

    def _known(self, prefix: Loc, loc: Loc) -> Loc:
        known = self.document.known((*prefix, *loc))
        return known if known[: len(prefix)] == prefix else (*prefix, *loc)

    def _explain(self, model: type[BaseModel], error: Mapping[str, Any], prefix: Loc, private: list[str]) -> None:
        known = self._known(prefix, error["loc"])
        if error["type"] in ("missing", "extra_forbidden"):
            fields = _fields_at(model, error["loc"][:-1])
            # Not known[-1]: a missing key is not in the file, and its name must be in the message.
            at = (*self._known(prefix, error["loc"][:-1]), str(error["loc"][-1]))
            self.add(at, _missing(fields, at[-1]) if error["type"] == "missing" else _unknown(fields, at[-1]))
        elif error["type"] in _WORDS:
            # Text in the place of a mapping may be the mapping itself with the space after `token:` forgotten.
            secret = error["type"] in _COLLECTIONS or _is_secret(model, error["loc"])
            self.found(known, error["input"], _wanted(error), secret=secret)
        elif not self._is_incomplete(known):
            text = _scrubbed(_free_text(error["msg"]), private)
            secret = isinstance(error["input"], Mapping) or _is_secret(model, error["loc"])
            is_sentence = not _NOUN.match(text)
            self.add(
                known, text if is_sentence else f"{self.what(known, error['input'], secret=secret)}; expected {text}"
            )


def shown(value: object) -> str:
    """What a value is; never the contents of a list or mapping."""
    if isinstance(value, str):
        text = without_passwords(value)
        return f"the text {repr(text) if len(text) <= _LONGEST_SHOWN else repr(text[:_LONGEST_SHOWN]) + '…'}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() < 64):
        return f"the number {value}"
    return _kind(value)


def _is_real(error: Mapping[str, Any]) -> bool:
    """Pydantic calls a list too short also because it has left out the items that have errors of their own."""
    return error["type"] != "too_short" or bool(len(error["input"]) < error["ctx"]["min_length"])


def without_passwords(text: str) -> str:
    """The text with those passwords masked that a URL in it carries."""
    return _PASSWORD_IN_URL.sub(lambda match: f"{match[1] or match[2]}{MASK}", text)


def one_of(words: Iterable[str]) -> str:
    listed = list(words)
    return f"one of {', '.join(listed)}" if len(listed) > 1 else (listed or ["no key at all"])[0]


def nearest(word: str, words: Sequence[str]) -> str:
    """`did you mean …? `, where one of `words` is near enough."""
    close = difflib.get_close_matches(word, words, n=1)
    return f"did you mean {close[0]}? " if close else ""


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (int, float)):
        return "a truth value" if isinstance(value, bool) else "a number"
    return "a mapping" if isinstance(value, Mapping) else "a list"


def _wanted(error: Mapping[str, Any]) -> str:
    text = _WORDS[error["type"]].format(**error.get("ctx", {}))
    return "text, in quotes" if error["type"] == "string_type" and isinstance(error["input"], (int, float)) else text


def _free_text(message: str) -> str:
    """Of an error of a kind that has no wording of ours, or of a validator of a probe's options."""
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return _EXPECTED.sub(lambda match: f"expected {_SHOULD[match[2]]}", message, count=1)


def _scrubbed(text: str, private: list[str]) -> str:
    for value in sorted(filter(None, private), key=len, reverse=True):
        text = re.sub(re.escape(value), MASK, text, flags=re.IGNORECASE)
    return " ".join(text.split())


def _missing(fields: Mapping[str, FieldInfo], key: str | int) -> str:
    field = fields.get(str(key))
    meaning = field.description.rstrip(".") if field and field.description else ""
    return "missing key; expected it here" + (f" ({meaning})" if meaning else "")


def _unknown(fields: Mapping[str, FieldInfo], key: str | int) -> str:
    keys = list(fields)
    return f"unknown key; {nearest(str(key), keys)}expected {one_of(keys)}"


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _fields_at(model: type[BaseModel], loc: Loc) -> dict[str, FieldInfo]:
    """The fields of all models that the value at `loc` may be."""
    models = [member for member in _members(_follow([model], loc)) if _is_model(member)]
    return {name: field for member in models for name, field in _fields(member).items()}


def _is_secret(model: type[BaseModel], loc: Loc) -> bool:
    return any(
        member in (SecretStr, SecretBytes) or isinstance(member, Sensitive)
        for member in _members(_follow([model], loc))
    )


def _secret_texts(model: type[BaseModel], value: Any, loc: Loc = ()) -> list[str]:
    """All texts and numbers in `value` that stand where the model wants a secret."""
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in _secret_texts(model, item, (*loc, str(key)))]
    if isinstance(value, list):
        return [text for index, item in enumerate(value) for text in _secret_texts(model, item, (*loc, index))]
    return [str(value)] if value is not None and _is_secret(model, loc) else []


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _members(kinds: list[Any]) -> list[Any]:
    """All that the annotations consist of, metadata included, without looking into models."""
    members: list[Any] = []
    for kind in kinds:
        members += [kind, *_members(list(get_args(kind)))]
    return members


def _follow(kinds: list[Any], loc: Loc) -> list[Any]:
    """The annotations that the value at `loc` may have; a part that names a union's branch leads nowhere else."""
    for part in loc:
        fields = [_fields(member)[part] for member in _members(kinds) if _is_model(member) and part in _fields(member)]
        if fields:
            kinds = [kind for field in fields for kind in (field.annotation, *field.metadata)]
    return kinds
