"""The command line ``sknn-mnist``: searches, fits and predictions from a shell.

Results go to standard output; what is going on goes to standard error. TensorFlow
and scikit-learn load inside the commands that need them, so that ``--help`` answers
at once.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sknn_mnist.cli._arguments import (
    Cache,
    Command,
    Datasets,
    Evaluate,
    Examples,
    Fit,
    Predict,
    Search,
    Version,
)
from sknn_mnist.cli._errors import CommandError, sentence
from sknn_mnist.cli._parser import parse

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments; those of the process if None.

    Returns
    -------
    int
        Exit code: 0 done, 1 the run failed, 2 wrong usage, 130 interrupted, 141 the
        output pipe was closed.
    """
    try:
        with _printing_all():
            code = _run(argv)
            if sys.stdout is not None:  # as it is where the shell has closed it
                sys.stdout.flush()  # here, where a closed pipe is expected
        return code
    except BrokenPipeError:
        _leave_stdout()
        return 141  # 128 + SIGPIPE, what a shell sees of other programs
    except (OSError, MemoryError) as err:
        print(f"sknn-mnist: error: {sentence(err)}", file=sys.stderr)
        if getattr(err, "errno", None) == errno.ENOSPC and sys.stdout is not None:
            _leave_stdout()
        return 1


def _run(argv: Sequence[str] | None) -> int:
    try:
        _run_command(parse(argv))
        return 0
    except SystemExit as stop:  # argparse, after --help or an error
        return stop.code if isinstance(stop.code, int) else 0
    except KeyboardInterrupt as stop:
        hint = f"; {stop}" if str(stop) else ""
        print(f"sknn-mnist: interrupted{hint}", file=sys.stderr)
        return 130
    except CommandError as err:
        print(f"sknn-mnist: error: {err}", file=sys.stderr)
        return err.code


def _run_command(asked: Command) -> None:
    # No command waits for what another one imports, and --help for none of it.
    match asked:
        case Search():
            from sknn_mnist.cli._search import run_search

            run_search(asked)
        case Fit():
            from sknn_mnist.cli._fit import run_fit

            run_fit(asked)
        case Evaluate():
            from sknn_mnist.cli._evaluate import run_evaluate

            run_evaluate(asked)
        case Predict():
            from sknn_mnist.cli._predict import run_predict

            run_predict(asked)
        case Datasets():
            from sknn_mnist.cli._datasets import run_datasets

            run_datasets(asked)
        case Cache():
            from sknn_mnist.cli._cache import run_cache

            run_cache(asked)
        case Examples():
            from sknn_mnist.cli._examples import run_examples

            run_examples(asked)
        case Version():
            from sknn_mnist.cli._version import show_version

            show_version(asked.details)


@contextmanager
def _printing_all() -> Iterator[None]:
    """Print characters that the encoding can't hold, as in paths, as escapes."""
    streams: list[Any] = [sys.stdout, sys.stderr]
    before = [(each, each.errors) for each in streams if hasattr(each, "reconfigure")]
    for stream, _ in before:
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in before:
            # This flushes, and fails where what is left can't be written.
            with suppress(OSError, ValueError):
                stream.reconfigure(errors=errors)


def _leave_stdout() -> None:
    # The reader has gone (`| head`), or the disk is full. Python would complain once
    # more when it flushes at exit, unless there is somewhere to flush to.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
