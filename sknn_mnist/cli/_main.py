"""The command line ``sknn-mnist``: searches, fits and predictions from a shell.

Results go to standard output; what is going on goes to standard error. TensorFlow
and scikit-learn load inside the commands that need them, so that ``--help`` answers
at once.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sknn_mnist.cli._common import (
    CommandError,
    accuracy,
    data_of,
    expecting,
    make_estimator,
    sentence,
    tell,
)
from sknn_mnist.cli._inputs import load_images, load_net
from sknn_mnist.cli._memory import (
    amount,
    going_on,
    last_used,
    prepare_memory,
    states_in,
    tell_kept,
)
from sknn_mnist.cli._options import given_options
from sknn_mnist.cli._parser import parse
from sknn_mnist.cli._search import run_search
from sknn_mnist.cli._version import show_version

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
        reader of the output has gone.
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
        args = parse(argv)
        args.argv = list(sys.argv[1:] if argv is None else argv)
        if args.version:
            show_version(args.details)
        else:
            _COMMANDS[args.command](args)
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


@contextmanager
def _printing_all() -> Iterator[None]:
    """Let what an encoding can't hold be printed, as in paths, by its number."""
    streams: list[Any] = [sys.stdout, sys.stderr]
    before = [(each, each.errors) for each in streams if hasattr(each, "reconfigure")]
    for stream, _ in before:
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in before:
            # Where there is something left that can't be written, this would try to.
            with suppress(OSError, ValueError):
                stream.reconfigure(errors=errors)


def _leave_stdout() -> None:
    # The reader has gone (`| head`), or the disk is full. Python would complain once
    # more when it flushes at exit, unless there is somewhere to flush to.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# -- one net ----------------------------------------------------------------------


def _fit(args: argparse.Namespace) -> None:
    import pandas as pd

    from sknn_mnist.cli._outputs import check_writable

    with expecting(code=2):
        given = given_options(args)
    given.update(
        random_state=args.random_state,
        validation_split=args.validation_split,
        verbose=args.verbose,
    )
    save = check_writable(args.save) if args.save else None
    estimator = make_estimator(args.model, {**given, "memory": args.memory})
    prepare_memory(args.memory)
    data = data_of(args)
    with going_on(args.memory), expecting():
        estimator.fit(data.X_train, data.y_train)
    history = pd.DataFrame(estimator.history_)
    history.index = pd.RangeIndex(1, len(history) + 1, name="epoch")
    print(history.to_markdown(floatfmt=".4f"))
    print(f"\ntrain accuracy: {accuracy(estimator, data.X_train, data.y_train):.4f}")
    print(f"test accuracy: {accuracy(estimator, data.X_test, data.y_test):.4f}")
    if save:
        estimator.save(save)
        print(f"saved to {save}")
    if args.memory:
        tell_kept(args.memory)


def _evaluate(args: argparse.Namespace) -> None:
    import numpy as np
    from sklearn.metrics import classification_report

    from sknn_mnist.cli._labels import comparable

    with expecting():
        net = load_net(args.load)
    data = data_of(args)
    known = np.union1d(data.y_train, data.y_test)
    with expecting():
        predicted = net.predict(data.X_test)
        y, predicted = comparable(net, predicted, data.y_test, known, data.name)
    # Of several labels a row, all have to be right.
    right = (predicted == y).reshape(len(y), -1).all(axis=1)
    print(f"test accuracy: {right.mean():.4f} (on {data.test})\n")
    report = classification_report(y, predicted, digits=4, zero_division=0)
    print(report.rstrip())


def _predict(args: argparse.Namespace) -> None:
    from sknn_mnist.cli._labels import predictions
    from sknn_mnist.cli._outputs import check_writable, write_text

    if args.images and (args.data or args.download or args.dataset != "auto"):
        raise CommandError(
            "--images brings the data: not with --dataset, --data or --download", 2
        )
    out = check_writable(args.out) if args.out else None
    with expecting():
        net = load_net(args.load)
    if args.images:
        with expecting():
            X, labels = load_images(args.images, net), None
    else:
        data = data_of(args)
        X, labels = data.X_test, data.y_test
    with expecting():
        table = predictions(net, X, labels)
    if out is None:
        _check_printable(table)
        print(table, end="")
        return
    write_text(out, table)
    tell(f"written: {out}")


def _check_printable(table: str) -> None:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        table.encode(encoding)
    except UnicodeEncodeError as err:
        raise CommandError(
            f"standard output is {encoding}, which can't hold "
            f"{table[err.start : err.end]!r}: give --out FILE.csv, which is UTF-8"
        ) from err


# -- data -------------------------------------------------------------------------


def _datasets(args: argparse.Namespace) -> None:
    from sknn_mnist.datasets import load_mnist

    # In words, since loading them takes seconds of imports to say the same.
    print(
        "digits: at hand, scikit-learn's bundled digits in MNIST's shape, "
        "1,437 training rows, 360 test rows"
    )
    try:
        with expecting():
            mnist: Any = load_mnist(download=args.download)
    except FileNotFoundError as err:
        print(f"mnist: not at hand. {sentence(err)}")
        return
    print(
        f"mnist: at hand, {mnist.source}, {len(mnist.X_train):,} training rows, "
        f"{len(mnist.X_test):,} test rows"
    )


# -- kept states ------------------------------------------------------------------


def _cache(args: argparse.Namespace) -> None:
    from sknn_mnist.memory._stores import open_memory

    for folder in args.folders:
        if not os.path.isdir(os.path.expanduser(folder)):
            raise CommandError(f"no such folder: {folder}")
        if args.clear or args.shrink is not None:
            with expecting():
                states: Any = open_memory(folder, "cache")
            removed = states.shrink(args.shrink or 0)
            print(f"{folder}: removed {amount(removed)}")
        files = states_in(folder)
        print(f"{folder}: {amount(files)}{last_used(files)}")


_COMMANDS = {
    "search": run_search,
    "fit": _fit,
    "evaluate": _evaluate,
    "predict": _predict,
    "datasets": _datasets,
    "cache": _cache,
}
