"""The command that searches: a grid, by halving, or by Hyperband."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sknn_mnist.cli._arguments import Place, Search
from sknn_mnist.cli._candidates import candidates_of
from sknn_mnist.cli._dask import on_dask, rerunning_after_losses
from sknn_mnist.cli._errors import (
    CommandError,
    expecting,
    is_expected,
    sentence,
    tell,
)
from sknn_mnist.cli._layouts import as_network_takes
from sknn_mnist.cli._loading import load_data
from sknn_mnist.cli._memory import going_on, prepare_memory, tell_found, tell_kept
from sknn_mnist.cli._own_networks import calling
from sknn_mnist.cli._plan import Plan
from sknn_mnist.cli._report import report_best, report_table
from sknn_mnist.cli._rungs import (
    about_course,
    ended_by,
    epochs_told,
    most_epochs,
    telling_rungs,
    within_minutes,
)
from sknn_mnist.cli._searcher import make_search
from sknn_mnist.cli._stopping import (
    Forgiving,
    about_stopping,
    choose_best,
    course_of,
    folds_told,
)

# A time of no length, in seconds, which is none for a search.
TINY = 1e-3

# An error's class, before what it says.
_ERROR = re.compile(r"^[\w.]+(Error|Exception): ")

if TYPE_CHECKING:
    from sknn_mnist.reporting._progress import SearchProgress

__all__ = ["run_search"]


def run_search(asked: Search) -> None:
    """Cross-validate many nets, and test the best."""
    plan = _plan(asked)
    candidates, memory = plan.candidates, plan.candidates.estimator.memory
    search = make_search(asked, candidates)
    progress = _progress_of(plan, search)
    stops = asked.stopping.early_stopping
    with going_on(memory):
        if not asked.quiet:
            _tell_plan(plan)
        _fit_candidates(plan, search, progress)
        if stops:
            choose_best(search)
        report_table(plan, search)
        if candidates.epochs is not None:
            print(f"\n{epochs_told(plan, search, progress)}")
        if ended := ended_by(plan, search):
            print(ended)
        if math.isnan(search.best_score_):
            why = f"no candidate could be scored by --scoring {asked.scoring}"
            raise CommandError(why)
        if stops:
            print(f"\n{folds_told(asked, search)}")
        best = _refit_best(plan, search, progress) if asked.refit else None
        if stops and best is not None:
            print(_refit_told(plan, best))
        report_best(plan, search, best)
    if not asked.quiet:
        tell_kept(memory)


def _tell_plan(plan: Plan) -> None:
    tell_found(plan.candidates.estimator.memory)
    if about := about_stopping(plan.asked.stopping):
        tell(about)


def _plan(asked: Search) -> Plan:
    """Return the search; all that can be refused is refused before its many fits."""
    from sklearn.base import clone

    from sknn_mnist.cli._results import Kind, prepare_results

    out = _out(asked)
    candidates = candidates_of(asked)
    _check_scoring(asked.scoring)
    kind = Kind(candidates.full_name, candidates.by)
    folder = prepare_results(out, kind, asked.overwrite) if out else None
    prepare_memory(asked.memory)
    candidates.estimator.set_params(memory=_memory(asked, out))
    data = load_data(asked.data, quiet=asked.quiet)
    net = clone(candidates.estimator).set_params(**candidates.first)
    data = as_network_takes(data, net, candidates.function, asked.quiet)
    return Plan(asked, candidates, data, folder)


def _out(asked: Search) -> str | None:
    """Return the folder for the results, None with --no-files."""
    if asked.files:
        # Each kind of search has a folder of its own.
        model = asked.network.model
        model = model.name if isinstance(model, Place) else model
        name = model if asked.by == "grid" else f"{model}-{asked.by}"
        return asked.out or str(Path("runs", name))
    if asked.out or asked.overwrite:
        flag = "--out" if asked.out else "--overwrite"
        raise CommandError(f"--no-files can't be combined with {flag}", 2)
    return None


def _memory(asked: Search, out: str | None) -> str | None:
    from sknn_mnist.memory._stores import IN_PROCESS

    folder = asked.memory or out
    if folder is None:
        # Hyperband lends a folder of its own, which all processes have.
        return None if asked.hyperband else IN_PROCESS
    # Workers of a cluster have working folders of their own.
    return str(Path(folder).resolve()) if asked.dask else folder


def _check_scoring(name: str | None) -> None:
    from sklearn.metrics import get_scorer_names

    from sknn_mnist._parameters import near_names

    # scikit-learn's own refusal lists all of the names.
    if name is not None and name not in get_scorer_names():
        raise CommandError(
            f"--scoring must be the name of a scikit-learn scorer"
            f"{near_names(name, get_scorer_names())}. Got {name!r} instead.",
            code=2,
        )


def _progress_of(plan: Plan, search: Any) -> SearchProgress:
    from sknn_mnist.reporting._progress import SearchProgress

    asked, candidates = plan.asked, plan.candidates
    progress = SearchProgress(
        len(candidates) * asked.cv if candidates.by == "grid" else None,
        2 if search.return_train_score else 1,
        sys.stderr,
        asked.quiet,
        names=candidates.index,
        n_folds=asked.cv,
        epochs=most_epochs(plan),
        course=about_course(plan),
    )
    if asked.hyperband:
        telling_rungs(search, progress.tell_stage)
    return progress


def _fit_candidates(plan: Plan, search: Any, progress: SearchProgress) -> None:
    """Fit the search, on a cluster where one was asked for."""
    from sklearn.metrics import check_scoring

    from sknn_mnist.model_selection import best_epoch_scoring

    asked, data = plan.asked, plan.data
    scorer: Any = check_scoring(plan.candidates.estimator, asked.scoring)
    if asked.stopping.early_stopping:
        scorer = best_epoch_scoring(Forgiving(scorer))

    started = perf_counter()

    def run() -> None:
        function = plan.candidates.function
        if asked.hyperband and asked.hyperband.minutes:
            # Of a run that lost a worker, this is what is left.
            left = asked.hyperband.minutes * 60 - (perf_counter() - started)
            search.set_params(max_time=max(left, TINY))
        with (
            calling(function),
            _expecting_fits(),
            within_minutes(plan),
            progress.search(scorer) as scoring,
        ):
            search.set_params(scoring=scoring).fit(data.X_train, data.y_train)

    with on_dask(asked.dask, asked.n_jobs, asked.quiet):
        rerunning_after_losses(run)


def _refit_best(plan: Plan, search: Any, progress: SearchProgress) -> Any:
    """Return the best candidate, fitted on all training rows."""
    from sklearn.base import clone

    from sknn_mnist.model_selection import refit_best

    data, rule = plan.data, plan.asked.refit_epochs
    function = plan.candidates.function
    with calling(function), expecting(), progress.refit(len(data.X_train)):
        if rule:
            return refit_best(search, data.X_train, data.y_train, refit_epochs=rule)
        best = clone(plan.candidates.estimator).set_params(**search.best_params_)
        return best.fit(data.X_train, data.y_train)


def _refit_told(plan: Plan, best: Any) -> str:
    if best.early_stopping:
        return f"refit of the best: {course_of(best)}"
    return (
        f"refit of the best: {best.n_iter_:,} epochs on all "
        f"{len(plan.data.X_train):,} rows"
    )


@contextmanager
def _expecting_fits() -> Iterator[None]:
    try:
        yield
    except Exception as err:
        if not is_expected(err):
            raise
        # scikit-learn's message is a page with tracebacks; its last line says why.
        if "fits failed" in str(err):
            why = _ERROR.sub("", str(err).strip().splitlines()[-1])
            raise CommandError(f"every fit failed: {why}") from err
        raise CommandError(sentence(err)) from err
