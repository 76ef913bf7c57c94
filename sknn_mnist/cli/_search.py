"""The command that searches a grid."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sknn_mnist.cli._arguments import Search
from sknn_mnist.cli._candidates import Candidates, candidates_of
from sknn_mnist.cli._dask import on_dask, rerunning_after_losses
from sknn_mnist.cli._errors import CommandError, expecting, is_expected, sentence
from sknn_mnist.cli._inputs import Data, load_data
from sknn_mnist.cli._memory import going_on, prepare_memory, tell_found, tell_kept
from sknn_mnist.cli._report import Found, report_best, report_table
from sknn_mnist.cli._searcher import make_search

__all__ = ["run_search"]


def run_search(asked: Search) -> None:
    """Cross-validate a grid of nets, and test the best."""
    from sknn_mnist.cli._results import Kind, prepare_results

    # All that can be refused is refused before the first of many fits.
    out = _out(asked)
    candidates = candidates_of(asked)
    scorer = _make_scorer(candidates.estimator, asked.scoring)
    kind = Kind(candidates.name, candidates.by_halving)
    folder = prepare_results(out, kind, asked.overwrite) if out else None
    prepare_memory(asked.memory)
    memory = _memory(asked, out)
    candidates.estimator.set_params(memory=memory)
    data = load_data(asked.data, quiet=asked.quiet)
    with going_on(memory):
        found = _find_best(asked, candidates, scorer, data, folder)
        report_best(asked, candidates, found, data, folder)
    if not asked.quiet:
        tell_kept(memory)


def _out(asked: Search) -> str | None:
    """Return the folder for the results, None with --no-files."""
    if asked.files:
        # Each kind of search has a folder of its own.
        model = asked.network.model
        name = f"{model}-halving" if asked.halving else model
        return asked.out or str(Path("runs", name))
    if asked.out or asked.overwrite:
        flag = "--out" if asked.out else "--overwrite"
        raise CommandError(f"--no-files writes nothing: not with {flag}", 2)
    return None


def _memory(asked: Search, out: str | None) -> str:
    from sknn_mnist.memory._stores import IN_PROCESS

    folder = asked.memory or out
    if folder is None:
        return IN_PROCESS
    # Workers of a cluster have working folders of their own.
    return str(Path(folder).resolve()) if asked.dask else folder


def _make_scorer(estimator: Any, name: str | None) -> Callable[..., Any]:
    from sklearn.metrics import check_scoring, get_scorer_names

    from sknn_mnist._parameters import near_names

    # scikit-learn's own refusal lists all of the names.
    if name is not None and name not in get_scorer_names():
        raise CommandError(
            f"--scoring must be scikit-learn's name of a score"
            f"{near_names(name, get_scorer_names())}. Got {name!r} instead.",
            code=2,
        )
    scorer: Callable[..., Any] = check_scoring(estimator, name)
    return scorer


def _find_best(
    asked: Search,
    candidates: Candidates,
    scorer: Callable[..., Any],
    data: Data,
    folder: Path | None,
) -> Found:
    """Search, show the table, refit the best."""
    from sklearn.base import clone

    from sknn_mnist.reporting._progress import SearchProgress

    estimator = candidates.estimator
    search = make_search(asked, candidates)
    progress = SearchProgress(
        None if candidates.by_halving else len(candidates) * asked.cv,
        2 if search.return_train_score else 1,
        sys.stderr,
        asked.quiet,
        names=candidates.index,
        n_folds=asked.cv,
    )
    if not asked.quiet:
        tell_found(estimator.memory)

    def run() -> None:
        with _expecting_fits(), progress.search(scorer) as scoring:
            search.set_params(scoring=scoring).fit(data.X_train, data.y_train)

    with on_dask(asked.dask, asked.n_jobs, asked.quiet):
        rerunning_after_losses(run)
    report_table(search, candidates.index, folder)
    if candidates.by_halving:
        everything = len(candidates) * estimator.epochs * asked.cv
        print(
            f"\nepochs: {progress.trained_epochs:,} trained, "
            f"{progress.epochs - progress.trained_epochs:,} found in the memory; all "
            f"candidates to {estimator.epochs} from scratch: {everything:,}"
        )
    if math.isnan(search.best_score_):
        raise CommandError(f"no candidate could be scored by --scoring {asked.scoring}")
    if not asked.refit:
        return Found(search, None)
    best = clone(estimator).set_params(**search.best_params_)
    with expecting(), progress.refit(len(data.X_train)):
        best.fit(data.X_train, data.y_train)
    return Found(search, best)


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
