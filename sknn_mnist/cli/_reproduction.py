"""The Python that does what a command did."""

from __future__ import annotations

from sknn_mnist.cli._arguments import Search
from sknn_mnist.cli._candidates import Candidates
from sknn_mnist.cli._inputs import Data
from sknn_mnist.cli._plan import Plan
from sknn_mnist.cli._searcher import searcher_of

__all__ = ["python_of_search"]


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
        *_imports(candidates, searcher),
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
    if plan.asked.refit:
        lines.append("print(search.score(X_test, y_test))")
    return "\n".join(lines) + "\n"


def _imports(candidates: Candidates, searcher: str) -> list[str]:
    lines = [
        f"from sklearn.model_selection import {searcher}",
        "",
        f"from sknn_mnist import {candidates.name}",
        "from sknn_mnist.datasets import load_dataset",
        "from sknn_mnist.reporting import pivot_cv_results",
    ]
    if candidates.by_halving:
        lines.insert(
            0, "from sklearn.experimental import enable_halving_search_cv  # noqa: F401"
        )
    function = candidates.function
    if function:
        before = ["import sys", ""] if function.folder else []
        lines = [*before, *lines, *function.imports]
    return lines


def _loading(asked: Search, data: Data) -> list[str]:
    path = f"path={asked.data.path!r}, " if asked.data.path else ""
    lines = [
        "X_train, X_test, y_train, y_test = load_dataset(",
        f"    {data.name!r}, {path}return_X_y=True",
        ")",
    ]
    if n := asked.data.train_size:
        lines.append(f"X_train, y_train = X_train[:{n}], y_train[:{n}]")
    if data.row_shape:
        shape = ", ".join(map(str, data.row_shape))
        lines += [f"{X} = {X}.reshape(-1, {shape})" for X in ("X_train", "X_test")]
    return lines


def _parameters(candidates: Candidates) -> list[str]:
    estimator = candidates.estimator
    wanted = dict(candidates.fixed)
    if candidates.by_halving and estimator.epochs != type(estimator)().epochs:
        wanted["epochs"] = estimator.epochs
    return [f"{name}={value!r}" for name, value in wanted.items()]
