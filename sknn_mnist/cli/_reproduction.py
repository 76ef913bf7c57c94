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
    _, searcher, options = searcher_of(plan.asked, candidates)
    function = candidates.function
    parameters = ", ".join(
        [
            *([function.name] if function else []),
            *_parameters(candidates),
            # Which Hyperband lends to nets that have none.
            *(['memory=":memory:"'] if candidates.by != "hyperband" else []),
        ]
    )
    lines = [
        *_imports(plan),
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


def _imports(plan: Plan) -> list[str]:
    candidates, data = plan.candidates, plan.data
    loader = "load_images" if data.is_own else "load_dataset"
    of_sklearn, of_this = _names_of_searching(plan)
    lines = [
        *of_sklearn,
        *([""] if of_sklearn else []),
        f"from sknn_mnist import {candidates.name}",
        f"from sknn_mnist.datasets import {loader}",
        *of_this,
        "from sknn_mnist.reporting import pivot_cv_results",
    ]
    if candidates.by == "halving":
        lines.insert(
            0, "from sklearn.experimental import enable_halving_search_cv  # noqa: F401"
        )
    if data.is_divided:
        lines[:0] = ["import numpy as np", *([] if of_sklearn else [""])]
    function = candidates.function
    if function:
        before = ["import sys", ""] if function.folder else []
        lines = [*before, *lines, *function.imports]
    return lines


def _names_of_searching(plan: Plan) -> tuple[list[str], list[str]]:
    """Return imports of the model selection of scikit-learn, and of this package."""
    from sknn_mnist.model_selection import Range

    asked, candidates = plan.asked, plan.candidates
    searcher = searcher_of(asked, candidates)
    names: dict[str, list[str]] = {
        "sklearn.model_selection": [],
        "sknn_mnist.model_selection": [],
    }
    of_sklearn, of_this = names.values()
    names[searcher.module].append(searcher.name)
    if asked.stopping.is_stratified:
        of_sklearn.append("StratifiedShuffleSplit")
    if any(isinstance(values, Range) for values in candidates.grid.values()):
        of_this.append("Range")
    if asked.stopping.early_stopping:
        of_this.append("best_epoch_scoring")
        of_this += ["refit_best"] if asked.refit_epochs else []
    lines = [
        [f"from {module} import {', '.join(each)}"] if each else []
        for module, each in names.items()
    ]
    return lines[0], lines[1]


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
    if candidates.by == "halving" and estimator.epochs != type(estimator)().epochs:
        wanted["epochs"] = estimator.epochs
    return [f"{name}={value!r}" for name, value in wanted.items()]
