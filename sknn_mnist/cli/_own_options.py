"""How networks of the user's own, and parameters of theirs, are read."""

from __future__ import annotations

import argparse
import ast
import json
from collections.abc import Collection, Iterator
from typing import Any

from sknn_mnist._parameters import near_names
from sknn_mnist.cli._arguments import Place, Span
from sknn_mnist.cli._option_ranges import looks_like_range, read_range

__all__ = ["read_model", "read_place", "read_setting", "read_settings"]

# What closes what, in a value of Python's.
_BRACKETS = {"(": ")", "[": "]", "{": "}"}

# What other options of the command line, and other languages, have for Python's.
_NOT_PYTHON = {"true": "True", "false": "False", "none": "None", "null": "None"}


def read_model(text: str, known: Collection[str]) -> str | Place:
    """Read the name of a model, or where a function is that makes networks."""
    if text in known:
        return text
    if ":" not in text and not text.endswith(".py"):
        raise argparse.ArgumentTypeError(
            f"expected {', '.join(known)}, FILE.py:FUNCTION or "
            f"package.module:FUNCTION{near_names(text, list(known))}, got {text!r}"
        )
    return read_place(text)


def read_place(text: str) -> Place:
    """Read where a function is: FILE.py:FUNCTION or package.module:FUNCTION."""
    source, _, name = text.rpartition(":")  # a path may have a colon of its own
    if (
        not (source.endswith(".py") or _is_dotted(source))
        or "\0" in source
        or not _is_dotted(name)
    ):
        raise argparse.ArgumentTypeError(
            "expected FILE.py:FUNCTION or package.module:FUNCTION, such as "
            f"nets.py:make_model, got {text!r}"
        )
    return Place(source, name)


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def read_setting(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE; the value is Python's, or else text."""
    name, values = read_settings(text)
    if len(values) > 1:
        raise argparse.ArgumentTypeError(
            f"expected a single value, such as {name}={values[0]!r} or, for a tuple, "
            f"{name}={tuple(values)!r}, got {text!r}"
        )
    return name, values[0]


def read_settings(text: str) -> tuple[str, list[Any]]:
    """Read NAME=VALUE[,VALUE...], or NAME=LOW:HIGH; values are Python's, or text."""
    name, equals, values = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(
            "expected NAME=VALUE or NAME=VALUE,VALUE,... such as "
            f"hidden_size=32,64, got {text!r}"
        )
    read = [_value(part.strip(), text) for part in _parts(values)]
    if len(read) > 1 and any(isinstance(value, Span) for value in read):
        raise argparse.ArgumentTypeError(
            f"expected a range or values, not both, got {text!r}"
        )
    return name, read


def _parts(text: str) -> Iterator[str]:
    """Yield what commas separate, except those within brackets and quotes."""
    start, quote, closing = 0, "", list[str]()
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif closing and character == closing[-1]:
            closing.pop()
        elif character in _BRACKETS:
            closing.append(_BRACKETS[character])
        elif character in "'\"":
            quote = character
        elif character == "," and not closing:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def _value(part: str, text: str) -> Any:
    """Return one value of a setting; `text` is all of it, for errors."""
    if not part:
        raise argparse.ArgumentTypeError(
            f"a value is missing in {text!r}; the empty text is \"''\""
        )
    if part.lower() in _NOT_PYTHON and part not in _NOT_PYTHON.values():
        raise argparse.ArgumentTypeError(
            f"{part!r} in {text!r} may be {_NOT_PYTHON[part.lower()]} or a text: "
            f'write {_NOT_PYTHON[part.lower()]}, or "{part!r}" for the text'
        )
    if looks_like_range(part):
        try:
            return read_range(part)
        except argparse.ArgumentTypeError as err:
            said = f'{err}; as a text it is "{part!r}"'
            raise argparse.ArgumentTypeError(said) from None
    try:
        value = ast.literal_eval(part)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        if part[0] in "([{'\"":
            raise argparse.ArgumentTypeError(
                f"{part!r} in {text!r} is no value of Python's"
            ) from None
        return part
    try:
        json.dumps(value, allow_nan=False)  # as best_params.json will hold it
    except (ValueError, TypeError):
        raise argparse.ArgumentTypeError(
            "expected numbers, texts, True, False, None, or tuples, lists and dicts of "
            f"them, got {part!r}"
        ) from None
    return value
