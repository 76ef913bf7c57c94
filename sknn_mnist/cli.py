"""The command line ``sknn-mnist``: searches, fits and predictions from a shell.

Results go to standard output; what is going on goes to standard error. TensorFlow
and scikit-learn load inside the commands that need them, so that ``--help`` answers
at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sknn_mnist._cli_common import (
    CommandError,
    accuracy,
    data_of,
    expecting,
    make_estimator,
    sentence,
    tell,
)
from sknn_mnist._cli_inputs import load_images, load_net
from sknn_mnist._cli_options import given_options
from sknn_mnist._cli_parser import make_parser
from sknn_mnist._cli_search import run_search

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
        Exit code: 0 done, 1 the run failed, 2 wrong usage, 130 interrupted.
    """
    try:
        args = make_parser().parse_args(argv)
        args.argv = list(sys.argv[1:] if argv is None else argv)
        _COMMANDS[args.command](args)
        sys.stdout.flush()  # here, where a closed pipe is expected
        return 0
    except SystemExit as stop:  # argparse, after --help or an error
        return stop.code if isinstance(stop.code, int) else 0
    except KeyboardInterrupt:
        print("sknn-mnist: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return _leave_pipe()
    except CommandError as err:
        print(f"sknn-mnist: error: {err}", file=sys.stderr)
        return err.code
    except OSError as err:
        print(f"sknn-mnist: error: {sentence(err)}", file=sys.stderr)
        return 1


def _leave_pipe() -> int:
    # The reader has gone (`| head`). Python would complain once more when it flushes
    # at exit, unless there is somewhere to flush to.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141  # 128 + SIGPIPE, what a shell sees of other programs


# -- one net ----------------------------------------------------------------------


def _fit(args: argparse.Namespace) -> None:
    import pandas as pd

    from sknn_mnist._cli_outputs import check_writable

    with expecting(code=2):
        given = given_options(args)
    given.update(
        random_state=args.random_state,
        validation_split=args.validation_split,
        verbose=args.verbose,
    )
    save = check_writable(args.save) if args.save else None
    estimator = make_estimator(args.model, {**given, "memory": args.memory})
    data = data_of(args)
    with expecting():
        estimator.fit(data.X_train, data.y_train)
    history = pd.DataFrame(estimator.history_)
    history.index = pd.RangeIndex(1, len(history) + 1, name="epoch")
    print(history.to_markdown(floatfmt=".4f"))
    print(f"\ntrain accuracy: {accuracy(estimator, data.X_train, data.y_train):.4f}")
    print(f"test accuracy: {accuracy(estimator, data.X_test, data.y_test):.4f}")
    if save:
        estimator.save(save)
        print(f"saved to {save}")


def _evaluate(args: argparse.Namespace) -> None:
    from sklearn.metrics import classification_report

    with expecting():
        net = load_net(args.load)
    data = data_of(args)
    with expecting():
        predicted = net.predict(data.X_test)
    accuracy = (predicted == data.y_test).mean()
    print(f"test accuracy: {accuracy:.4f} (on {data.test})\n")
    report = classification_report(data.y_test, predicted, digits=4, zero_division=0)
    print(report.rstrip())


def _predict(args: argparse.Namespace) -> None:
    from sknn_mnist._cli_outputs import check_writable, predictions, write_text

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
        print(table, end="")
        return
    write_text(out, table)
    tell(f"written: {out}")


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
    from datetime import datetime

    from sknn_mnist._checkpoints import open_memory

    for folder in args.folders:
        if not Path(folder).is_dir():
            raise CommandError(f"no such folder: {folder}")
        states: Any = open_memory(folder, "cache")
        if args.clear or args.shrink is not None:
            removed = states.shrink(args.shrink or 0)
            print(f"{folder}: removed {_amount(removed)}")
        files = states.files()
        used = (
            f", last used {datetime.fromtimestamp(files[-1].used):%Y-%m-%d %H:%M}"
            if files
            else ""
        )
        print(f"{folder}: {_amount(files)}{used}")


def _amount(files: Sequence[Any]) -> str:
    trainings = len({each.key for each in files})
    size = sum(each.n_bytes for each in files) / 1e6
    return f"{len(files):,} epochs of {trainings:,} trainings, {size:,.1f} MB"


_COMMANDS = {
    "search": run_search,
    "fit": _fit,
    "evaluate": _evaluate,
    "predict": _predict,
    "datasets": _datasets,
    "cache": _cache,
}


if __name__ == "__main__":
    sys.exit(main())
