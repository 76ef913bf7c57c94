"""Errors in one sentence, and messages on what is going on: both to standard error."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sknn_mnist._messages import one_line

__all__ = ["CommandError", "expecting", "is_expected", "sentence", "tell"]

# Characters of an error's message: TensorFlow's go on for pages.
MOST_SAID = 600

# TensorFlow's name of an operation, and Keras's bold print.
_INNER = re.compile(r"\{\{.*?\}\}|\x1b\[[0-9;]*m")

_WITHOUT_WORDS: dict[type, str] = {MemoryError: "there is not enough memory for it"}


class CommandError(Exception):
    """What went wrong in one sentence, and the exit code that says so."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


def sentence(err: BaseException) -> str:
    """Return an error's message on one line."""
    if isinstance(err, OSError) and err.strerror and err.filename:
        return f"{err.filename}: {err.strerror.lower()}"
    said = one_line(_INNER.sub("", str(err)), MOST_SAID)
    return said or _WITHOUT_WORDS.get(type(err)) or type(err).__name__


@contextmanager
def expecting(code: int = 1) -> Iterator[None]:
    """Turn what the user can have caused into one sentence.

    Used around the calls that judge the user's data and parameters, and nowhere
    else: a ValueError or TypeError from elsewhere is a bug, and keeps its traceback.
    """
    try:
        yield
    except Exception as err:
        if not is_expected(err):
            raise
        raise CommandError(sentence(err), code) from err


def is_expected(err: Exception) -> bool:
    """Tell whether an error may be of the user's data or parameters."""
    return isinstance(err, ValueError | TypeError | OverflowError | MemoryError) or (
        # TensorFlow's of layers too large, told without importing it.
        type(err).__module__.partition(".")[0] == "tensorflow"
    )


def tell(message: str) -> None:
    """Print a message on standard error, at once."""
    print(message, file=sys.stderr, flush=True)
