"""The command that searches a grid."""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sknn_mnist.cli._code import python_of_search
from sknn_mnist.cli._dask import on_dask, outlasting_losses
from sknn_mnist.cli._errors import CommandError, expecting, is_expected, sentence
from sknn_mnist.cli._estimator import accuracy, make_estimator
from sknn_mnist.cli._grids import split_grid, take_epochs
from sknn_mnist.cli._inputs import Data, data_of
from sknn_mnist.cli._memory import going_on, prepare_memory, tell_found, tell_kept
from sknn_mnist.cli._network_options import given_options

__all__ = ["run_search"]


def run_search(args: argparse.Namespace) -> None:
    from sknn_mnist.cli._results import Kind, prepare_results

    out = None
    if args.files:
        # Each kind of search has a folder of its own.
        name = f"{args.model}-halving" if args.halving else args.model
        out = args.out or str(Path("runs", name))
    elif args.out or args.overwrite:
        flag = "--out" if args.out else "--overwrite"
        raise CommandError(f"--no-files writes nothing: not with {flag}", 2)
    more: dict[str, Any] = {"memory": args.memory}
    with expecting(code=2):
        given = given_options(args)
        if args.halving:
            given, epochs = take_epochs(given, args.model)
            if epochs is not None:
                more["epochs"] = epochs
        fixed, grid = split_grid(given, args.model)
    fixed["random_state"] = args.random_state
    # All that can be refused is refused before the first of many fits.
    estimator = make_estimator(args.model, {**fixed, **more}, grid)
    scorer = _make_scorer(estimator, args.scoring)
    kind = Kind(type(estimator).__name__, halving=bool(args.halving))
    folder = prepare_results(out, kind, args.overwrite) if out else None
    prepare_memory(args.memory)
    estimator.set_params(memory=_memory(args, out))
    data = data_of(args, quiet=args.quiet)
    with going_on(estimator.memory):
        _search(args, estimator, fixed, grid, scorer, data, folder)
    if not args.quiet:
        tell_kept(estimator.memory)


def _search(
    args: argparse.Namespace,
    estimator: Any,
    fixed: Mapping[str, Any],
    grid: Mapping[str, Any],
    scorer: Any,
    data: Data,
    folder: Path | None,
) -> None:
    search, best = _find_best(args, estimator, grid, scorer, data, folder)
    record = {
        "search": "halving" if args.halving else "grid",
        "model": type(estimator).__name__,
        "params": search.best_params_,
        "fixed_params": fixed,
        "scoring": args.scoring or "accuracy",
        "cv": args.cv,
        "cv_score": float(search.best_score_),
        "test_accuracy": accuracy(best, data.X_test, data.y_test)
        if best is not None
        else None,
    }
    _print_best(record, data)
    if folder:
        _write_record(args, folder, record, data, estimator, grid, search, best)


def _memory(args: argparse.Namespace, out: str | None) -> str:
    from sknn_mnist.memory._stores import IN_PROCESS

    folder = args.memory or out
    if folder is None:
        return IN_PROCESS
    # Workers of a cluster have working folders of their own.
    return str(Path(folder).resolve()) if args.dask else folder


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


def _find_best(
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

    from sknn_mnist.reporting._progress import SearchProgress

    n_candidates = len(ParameterGrid(dict(grid)))
    # More workers than fits would be started all the same.
    n_jobs = args.n_jobs and min(args.n_jobs, n_candidates * args.cv)
    search = _make_search(args, estimator, grid, n_jobs)
    progress = SearchProgress(
        None if args.halving else n_candidates * args.cv,
        2,
        sys.stderr,
        args.quiet,
        names=[*(["epochs"] if args.halving else []), *grid],
        n_folds=args.cv,
    )
    if not args.quiet:
        tell_found(estimator.memory)

    def run() -> None:
        with _expecting_fits(), progress.search(scorer) as scoring:
            search.set_params(scoring=scoring).fit(data.X_train, data.y_train)

    with on_dask(args.dask, args.n_jobs, args.quiet):
        outlasting_losses(run)
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
    with expecting(), progress.refit(len(data.X_train)):
        best.fit(data.X_train, data.y_train)
    return search, best


def _make_search(
    args: argparse.Namespace,
    estimator: Any,
    grid: Mapping[str, Any],
    n_jobs: int | None,
) -> Any:
    # The best is refitted later and not by the search, so that the results of hours
    # are on disk before.
    options = {
        "cv": args.cv,
        "n_jobs": n_jobs,
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


@contextmanager
def _expecting_fits() -> Iterator[None]:
    try:
        yield
    except Exception as err:
        if not is_expected(err):
            raise
        # scikit-learn's message is a page with tracebacks; its last line says why.
        if "fits failed" in str(err):
            why = str(err).strip().splitlines()[-1]
            raise CommandError(f"every fit failed: {why}") from err
        raise CommandError(sentence(err)) from err


def _report(search: Any, index: list[str], folder: Path | None) -> None:
    """Print the pivot table, and write the tables."""
    from sknn_mnist.cli._results import write_tables
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


def _write_record(
    args: argparse.Namespace,
    folder: Path,
    record: Mapping[str, Any],
    data: Data,
    estimator: Any,
    grid: Mapping[str, Any],
    search: Any,
    best: Any,
) -> None:
    from sknn_mnist.cli._outputs import write_text
    from sknn_mnist.cli._results import RESULTS, write_best
    from sknn_mnist.cli._version import versions
    from sknn_mnist.reporting._html import Run, render_report

    dataset = {
        "name": data.name,
        "source": data.source,
        "train_rows": len(data.X_train),
        "test_rows": len(data.X_test),
    }
    record = {**record, "dataset": dataset, "versions": versions()}
    write_best(folder, record)
    index = [*(["epochs"] if args.halving else []), *grid]
    settings = {
        "command": shlex.join(["sknn-mnist", *(args.argv or [])]),
        **{f"{name} (fixed)": value for name, value in record["fixed_params"].items()},
        "folds": args.cv,
        "processes": args.n_jobs or ("the cluster's" if args.dask else 1),
        **{f"version of {name}": each for name, each in record["versions"].items()},
    }
    code = python_of_search(args, record["fixed_params"], grid, estimator, data)
    run = Run(search, index, best, record, data, code, settings)
    write_text(folder / "report.html", render_report(run))
    print(f"written to {folder}: {', '.join(RESULTS)}")
    print(f"open {folder / 'report.html'} to see it")
