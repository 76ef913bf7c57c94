"""The command line ``sknn-mnist``: searches, fits and predictions from a shell.

Results go to standard output; what is going on goes to standard error. TensorFlow
and scikit-learn load inside the commands that need them, so that ``--help`` answers
at once.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sknn_mnist._cli_inputs import Data, load_data, load_images, load_net
from sknn_mnist._cli_options import MODELS, given_options, split_grid, take_epochs
from sknn_mnist._cli_parser import make_parser

__all__ = ["main"]


class CommandError(Exception):
    """What went wrong in one sentence, and the exit code that says so."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


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
        print(f"sknn-mnist: error: {_sentence(err)}", file=sys.stderr)
        return 1


def _leave_pipe() -> int:
    # The reader has gone (`| head`). Python would complain once more when it flushes
    # at exit, unless there is somewhere to flush to.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141  # 128 + SIGPIPE, what a shell sees of other programs


def _sentence(err: BaseException) -> str:
    """Return an error's message on one line."""
    if isinstance(err, OSError) and err.strerror and err.filename:
        return f"{err.filename}: {err.strerror.lower()}"
    return " ".join(str(err).split()) or type(err).__name__


@contextmanager
def _expecting(code: int = 1) -> Iterator[None]:
    """Turn what the user can have caused into one sentence.

    Used around the calls that judge the user's data and parameters, and nowhere
    else: a ValueError or TypeError from elsewhere is ours, and keeps its traceback.
    """
    try:
        yield
    except (ValueError, TypeError) as err:
        raise CommandError(_sentence(err), code) from err


def _tell(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


# -- search -----------------------------------------------------------------------


def _search(args: argparse.Namespace) -> None:
    from sknn_mnist._checkpoints import IN_PROCESS
    from sknn_mnist._cli_outputs import prepare_folder

    more: dict[str, Any] = {"memory": args.memory or args.out or IN_PROCESS}
    with _expecting(code=2):
        given = given_options(args)
        if args.halving:
            given, epochs = take_epochs(given, args.model)
            if epochs is not None:
                more["epochs"] = epochs
        fixed, grid = split_grid(given, args.model)
    fixed["random_state"] = args.random_state
    # All that can be refused is refused before the first of many fits.
    folder = prepare_folder(args.out) if args.out else None
    estimator = _make_estimator(args.model, {**fixed, **more}, grid)
    scorer = _make_scorer(estimator, args.scoring)
    data = _load_data(args, quiet=args.quiet)
    search, best = _run_search(args, estimator, grid, scorer, data, folder)
    record = {
        "model": type(estimator).__name__,
        "params": search.best_params_,
        "fixed_params": fixed,
        "scoring": args.scoring or "accuracy",
        "cv": args.cv,
        "cv_score": float(search.best_score_),
        "test_accuracy": _accuracy(best, data.X_test, data.y_test)
        if best is not None
        else None,
    }
    _print_best(record, data)
    if folder:
        _write_record(folder, record, data)


def _make_estimator(
    model: str, fixed: Mapping[str, Any], grid: Mapping[str, Any] | None = None
) -> Any:
    """Return the estimator, once it and every candidate of the grid are found good."""
    from sklearn.base import clone
    from sklearn.model_selection import ParameterGrid

    from sknn_mnist import estimators

    estimator = getattr(estimators, MODELS[model])(**fixed)
    with _expecting(code=2):
        for parameters in ParameterGrid(dict(grid or {})):
            clone(estimator).set_params(**parameters)._check_parameters()
    return estimator


def _make_scorer(estimator: Any, name: str | None) -> Any:
    from sklearn.metrics import check_scoring, get_scorer_names

    from sknn_mnist._parameters import near_names

    # scikit-learn's own refusal lists all of the names.
    if name is not None and name not in get_scorer_names():
        raise CommandError(
            f"--scoring must be scikit-learn's name of a score"
            f"{near_names(name, get_scorer_names())}. Got {name!r} instead.",
            code=2,
        )
    return check_scoring(estimator, name)


def _run_search(
    args: argparse.Namespace,
    estimator: Any,
    grid: Mapping[str, Any],
    scorer: Any,
    data: Data,
    folder: Path | None,
) -> tuple[Any, Any]:
    """Search, show the table, refit; the best is None with --no-refit."""
    from sklearn.base import clone
    from sklearn.model_selection import ParameterGrid

    from sknn_mnist._search_progress import SearchProgress

    search = _make_search(args, estimator, grid)
    n_candidates = len(ParameterGrid(dict(grid)))
    progress = SearchProgress(
        None if args.halving else n_candidates * args.cv, 2, sys.stderr, args.quiet
    )
    if not args.quiet:
        _tell_found(estimator.memory)
    with _expecting_fits(), progress.search(scorer) as scoring:
        search.set_params(scoring=scoring).fit(data.X_train, data.y_train)
    _report(search, [*(["epochs"] if args.halving else []), *grid], folder)
    if args.halving:
        everything = n_candidates * estimator.epochs * args.cv
        print(
            f"\nepochs: {progress.trained_epochs:,} trained, "
            f"{progress.epochs - progress.trained_epochs:,} found in the memory; all "
            f"candidates to {estimator.epochs} from scratch: {everything:,}"
        )
    if math.isnan(search.best_score_):
        raise CommandError(f"no candidate could be scored by --scoring {args.scoring}")
    if not args.refit:
        return search, None
    best = clone(estimator).set_params(**search.best_params_)
    with _expecting(), progress.refit(len(data.X_train)):
        best.fit(data.X_train, data.y_train)
    return search, best


def _make_search(
    args: argparse.Namespace, estimator: Any, grid: Mapping[str, Any]
) -> Any:
    # The best is refitted later and not by the search, so that the results of hours
    # are on disk before.
    options = {
        "cv": args.cv,
        "n_jobs": args.n_jobs,
        "refit": False,
        "return_train_score": True,
    }
    if args.halving:
        from sklearn.experimental import enable_halving_search_cv  # noqa: F401
        from sklearn.model_selection import HalvingGridSearchCV

        return HalvingGridSearchCV(
            estimator,
            dict(grid),
            resource="epochs",
            max_resources=estimator.epochs,
            min_resources="exhaust",
            factor=args.halving,
            **options,
        )
    from sklearn.model_selection import GridSearchCV

    return GridSearchCV(estimator, dict(grid), **options)


def _tell_found(memory: str) -> None:
    """Tell what earlier runs have left, if anything."""
    from sknn_mnist._checkpoints import open_memory
    from sknn_mnist._state_files import FolderStates

    states = open_memory(memory, "search")
    found = states.files() if isinstance(states, FolderStates) else []
    if found:
        trainings = len({each.key for each in found})
        _tell(
            f"memory: {memory} holds {len(found):,} epochs of {trainings:,} trainings; "
            "fits go on from those that are theirs"
        )


@contextmanager
def _expecting_fits() -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError) as err:
        # scikit-learn's message is a page with tracebacks; its last line says why.
        if "fits failed" in str(err):
            why = str(err).strip().splitlines()[-1]
            raise CommandError(f"every fit failed: {why}") from err
        raise CommandError(_sentence(err)) from err


def _report(search: Any, index: list[str], folder: Path | None) -> None:
    """Print the pivot table, and write the tables."""
    from sknn_mnist._cli_outputs import write_tables
    from sknn_mnist.reporting import cv_results_frame, pivot_cv_results

    markdown: Any = pivot_cv_results(search, index=index, format="markdown")
    if folder:
        pivot = pivot_cv_results(search, index=index)
        write_tables(folder, cv_results_frame(search), pivot, markdown)
    print(markdown.rstrip("\n"), flush=True)


def _print_best(record: Mapping[str, Any], data: Data) -> None:
    chosen = ", ".join(f"{name}={value}" for name, value in record["params"].items())
    print(f"\nbest parameters: {chosen}")
    print(f"cross-validated {record['scoring']}: {record['cv_score']:.4f}")
    if record["test_accuracy"] is not None:
        print(f"test accuracy: {record['test_accuracy']:.4f} (on {data.test})")


def _write_record(folder: Path, record: Mapping[str, Any], data: Data) -> None:
    from sknn_mnist._cli_outputs import versions, write_best

    dataset = {
        "name": data.name,
        "source": data.source,
        "train_rows": len(data.X_train),
        "test_rows": len(data.X_test),
    }
    write_best(folder, {**record, "dataset": dataset, "versions": versions()})
    names = "cv_results.csv, pivot.csv, pivot.md, best_params.json"
    print(f"written to {folder}: {names}")


# -- one net ----------------------------------------------------------------------


def _fit(args: argparse.Namespace) -> None:
    import joblib
    import pandas as pd

    from sknn_mnist._cli_outputs import check_writable
    from sknn_mnist._whole_files import replacing

    with _expecting(code=2):
        given = given_options(args)
    given.update(
        random_state=args.random_state,
        validation_split=args.validation_split,
        verbose=args.verbose,
    )
    save = check_writable(args.save) if args.save else None
    estimator = _make_estimator(args.model, {**given, "memory": args.memory})
    data = _load_data(args)
    with _expecting():
        estimator.fit(data.X_train, data.y_train)
    history = pd.DataFrame(estimator.history_)
    history.index = pd.RangeIndex(1, len(history) + 1, name="epoch")
    print(history.to_markdown(floatfmt=".4f"))
    print(f"\ntrain accuracy: {_accuracy(estimator, data.X_train, data.y_train):.4f}")
    print(f"test accuracy: {_accuracy(estimator, data.X_test, data.y_test):.4f}")
    if save:
        with replacing(save) as draft:
            joblib.dump(estimator, draft)
        print(f"saved to {save}")


def _evaluate(args: argparse.Namespace) -> None:
    from sklearn.metrics import classification_report

    with _expecting():
        net = load_net(args.load)
    data = _load_data(args)
    with _expecting():
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
    with _expecting():
        net = load_net(args.load)
    if args.images:
        with _expecting():
            X, labels = load_images(args.images, net), None
    else:
        data = _load_data(args)
        X, labels = data.X_test, data.y_test
    with _expecting():
        table = predictions(net, X, labels)
    if out is None:
        print(table, end="")
        return
    write_text(out, table)
    _tell(f"written: {out}")


# -- data -------------------------------------------------------------------------


def _load_data(args: argparse.Namespace, quiet: bool = False) -> Data:
    """Load the data that was asked for, and say which it is."""
    if args.data and args.dataset == "digits":
        raise CommandError("--data tells where MNIST is: not with --dataset digits", 2)
    wanted = getattr(args, "train_size", None)
    with _expecting():
        data = load_data(args.dataset, args.data, args.download, wanted)
    if wanted is not None and wanted > len(data.X_train):
        raise CommandError(
            f"--train-size {wanted} is more than the {len(data.X_train)} training rows "
            f"of {data.name}",
            code=2,
        )
    if not quiet:
        _tell(f"data: {data.about}")
    return data


def _datasets(args: argparse.Namespace) -> None:
    from sknn_mnist.datasets import load_mnist

    # In words, since loading them takes seconds of imports to say the same.
    print(
        "digits: at hand, scikit-learn's bundled digits in MNIST's shape, "
        "1,437 training rows, 360 test rows"
    )
    try:
        with _expecting():
            mnist: Any = load_mnist(download=args.download)
    except FileNotFoundError as err:
        print(f"mnist: not at hand. {_sentence(err)}")
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


def _accuracy(net: Any, X: Any, y: Any) -> float:
    return float(net.score(X, y))


_COMMANDS = {
    "search": _search,
    "fit": _fit,
    "evaluate": _evaluate,
    "predict": _predict,
    "datasets": _datasets,
    "cache": _cache,
}


if __name__ == "__main__":
    sys.exit(main())
