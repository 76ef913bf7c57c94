"""The Python that does what a command did."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

__all__ = ["python_of_search"]


def python_of_search(
    args: argparse.Namespace,
    fixed: Mapping[str, Any],
    grid: Mapping[str, Any],
    estimator: Any,
    data: Any,
) -> str:
    """Return a script that repeats a search.

    Parameters
    ----------
    args : argparse.Namespace
        Arguments of the command.
    fixed : Mapping
        Parameters of the estimator that all candidates share.
    grid : Mapping
        What was searched over.
    estimator : estimator
        What was searched with.
    data : object
        With the ``name`` of the data set and its ``X_train``.

    Returns
    -------
    str
        Python that gives the same scores on the same machine.
    """
    name = type(estimator).__name__
    wanted = dict(fixed)
    if args.halving and estimator.epochs != type(estimator)().epochs:
        wanted["epochs"] = estimator.epochs
    searcher = "HalvingGridSearchCV" if args.halving else "GridSearchCV"
    given = ", ".join(f"{key}={value!r}" for key, value in wanted.items())
    lines = [
        *(
            ["from sklearn.experimental import enable_halving_search_cv  # noqa: F401"]
            if args.halving
            else []
        ),
        f"from sklearn.model_selection import {searcher}",
        "",
        f"from sknn_mnist import {name}",
        "from sknn_mnist.datasets import load_dataset",
        "from sknn_mnist.reporting import pivot_cv_results",
        "",
        "X_train, X_test, y_train, y_test = load_dataset(",
        f"    {data.name!r}, {_path(args)}return_X_y=True",
        ")",
        *(
            [f"X_train, y_train = X_train[:{n}], y_train[:{n}]"]
            if (n := args.train_size)
            else []
        ),
        f"search = {searcher}(",
        f'    {name}({given}, memory=":memory:"),',
        "    {",
        *(f"        {key!r}: {values!r}," for key, values in grid.items()),
        "    },",
        f"    cv={args.cv},",
        *([f"    scoring={args.scoring!r},"] if args.scoring else []),
        *([f"    n_jobs={args.n_jobs},"] if args.n_jobs else []),
        *(
            [
                '    resource="epochs",',
                f"    max_resources={estimator.epochs},",
                '    min_resources="exhaust",',
                f"    factor={args.halving},",
            ]
            if args.halving
            else []
        ),
        "    return_train_score=True,",
        *([] if args.refit else ["    refit=False,"]),
        ")",
        "search.fit(X_train, y_train)",
        "print(pivot_cv_results(search))",
        *(["print(search.score(X_test, y_test))"] if args.refit else []),
    ]
    return "\n".join(lines) + "\n"


def _path(args: argparse.Namespace) -> str:
    return f"path={args.data!r}, " if args.data else ""
