"""The Python that does what a command did."""

from __future__ import annotations

from sknn_mnist.cli._arguments import Search
from sknn_mnist.cli._candidates import Candidates
from sknn_mnist.cli._data import Data
from sknn_mnist.cli._own_data import loading_options
from sknn_mnist.cli._plan import Plan
from sknn_mnist.cli._searcher import searcher_of

__all__ = ["python_of_search"]

_X = ("X_train", "X_test")


def python_of_search(plan: Plan) -> str:
    """Return a script that repeats a search.

    Parameters
    ----------
    plan : Plan
        The search.

    Returns
    -------
    str
        Python that gives the same scores on the same machine.
    """
    candidates = plan.candidates
    searcher, options = searcher_of(plan.asked, candidates)
    function = candidates.function
    parameters = ", ".join(
        [
            *([function.name] if function else []),
            *_parameters(candidates),
            'memory=":memory:"',
        ]
    )
    lines = [
        *_imports(plan, searcher),
        "",
        *_loading(plan.asked, plan.data),
        f"search = {searcher}(",
        f"    {candidates.name}({parameters}),",
        "    {",
        *(f"        {key!r}: {values!r}," for key, values in candidates.grid.items()),
        "    },",
        *(f"    {name}={value!r}," for name, value in options.items()),
        ")",
        "search.fit(X_train, y_train)",
        "print(pivot_cv_results(search))",
    ]
    if plan.asked.refit_epochs:
        rule = plan.asked.refit_epochs
        lines += [
            f"best = refit_best(search, X_train, y_train, refit_epochs={rule!r})",
            "print(best.score(X_test, y_test))",
        ]
    elif plan.asked.refit:
        lines.append("print(search.score(X_test, y_test))")
    return "\n".join(lines) + "\n"


def _imports(plan: Plan, searcher: str) -> list[str]:
    candidates, data = plan.candidates, plan.data
    loader = "load_images" if data.is_own else "load_dataset"
    stopping = plan.asked.stopping
    splitter = ", StratifiedShuffleSplit" if stopping.is_stratified else ""
    lines = [
        f"from sklearn.model_selection import {searcher}{splitter}",
        "",
        f"from sknn_mnist import {candidates.name}",
        f"from sknn_mnist.datasets import {loader}",
        *_imports_of_scores(plan.asked),
        "from sknn_mnist.reporting import pivot_cv_results",
    ]
    if candidates.by_halving:
        lines.insert(
            0, "from sklearn.experimental import enable_halving_search_cv  # noqa: F401"
        )
    if data.is_divided:
        lines.insert(0, "import numpy as np")
    function = candidates.function
    if function:
        before = ["import sys", ""] if function.folder else []
        lines = [*before, *lines, *function.imports]
    return lines


def _imports_of_scores(asked: Search) -> list[str]:
    if not asked.stopping.early_stopping:
        return []
    refit = ", refit_best" if asked.refit_epochs else ""
    return [f"from sknn_mnist.model_selection import best_epoch_scoring{refit}"]


def _loading(asked: Search, data: Data) -> list[str]:
    lines = _loading_own(asked, data) if data.is_own else _loading_by_name(asked, data)
    if n := asked.data.train_size:
        lines.append(f"X_train, y_train = X_train[:{n}], y_train[:{n}]")
    if data.is_divided:
        lines += [f'{X} = np.divide({X}, 255, dtype="float32")' for X in _X]
    if data.row_shape:
        shape = ", ".join(map(str, data.row_shape))
        lines += [f"{X} = {X}.reshape(-1, {shape})" for X in _X]
    elif data.is_own:
        lines += [f"{X} = {X}.reshape(len({X}), -1)" for X in _X]
    return lines


def _loading_by_name(asked: Search, data: Data) -> list[str]:
    path = f"path={asked.data.path!r}, " if asked.data.path else ""
    return [
        "X_train, X_test, y_train, y_test = load_dataset(",
        f"    {data.name!r}, {path}return_X_y=True",
        ")",
    ]


def _loading_own(asked: Search, data: Data) -> list[str]:
    path, options = loading_options(asked.data)
    numbers = '.astype("int64")' if data.y_train.dtype.kind == "i" else ""
    return [
        "data = load_images(",
        f"    {path!r},",
        *(f"    {name}={value!r}," for name, value in options.items()),
        ")",
        f"names = data.target_names{numbers}",
        "X_train, y_train = data.X_train, names[data.y_train]",
        "X_test, y_test = data.X_test, names[data.y_test]",
    ]


def _parameters(candidates: Candidates) -> list[str]:
    estimator = candidates.estimator
    wanted = dict(candidates.fixed)
    if candidates.by_halving and estimator.epochs != type(estimator)().epochs:
        wanted["epochs"] = estimator.epochs
    return [f"{name}={value!r}" for name, value in wanted.items()]
