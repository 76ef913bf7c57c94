"""What a search found: said on standard output, written to its folder."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sknn_mnist.cli._arguments import Search
from sknn_mnist.cli._candidates import Candidates
from sknn_mnist.cli._inputs import Data
from sknn_mnist.cli._reproduction import python_of_search

__all__ = ["Found", "report_best", "report_table"]


class Found(NamedTuple):
    """A search that is through, and its best candidate."""

    search: Any
    best: Any  # fitted on all training rows; None with --no-refit


def report_table(search: Any, index: list[str], folder: Path | None) -> None:
    """Print the pivot table, and write the tables.

    Parameters
    ----------
    search : fitted search
        The search.
    index : list of str
        Parameters that make the rows of the table.
    folder : Path or None
        Where to write to, if anywhere.
    """
    from sknn_mnist.cli._results import write_tables
    from sknn_mnist.reporting import cv_results_frame, pivot_cv_results

    markdown: Any = pivot_cv_results(search, index=index, format="markdown")
    if folder:
        pivot = pivot_cv_results(search, index=index)
        write_tables(folder, cv_results_frame(search), pivot, markdown)
    print(markdown.rstrip("\n"), flush=True)


def report_best(
    asked: Search,
    candidates: Candidates,
    found: Found,
    data: Data,
    folder: Path | None,
) -> None:
    """Print which candidate is the best, and write ``best_params.json`` and report.

    Parameters
    ----------
    asked : Search
        The command.
    candidates : Candidates
        What was searched over.
    found : Found
        What was found.
    data : Data
        The data set, whose test rows the best is tested on.
    folder : Path or None
        Where to write to, if anywhere.
    """
    search, best = found
    record = {
        "search": "halving" if candidates.by_halving else "grid",
        "model": candidates.name,
        "params": search.best_params_,
        "fixed_params": candidates.fixed,
        "scoring": asked.scoring or "accuracy",
        "cv": asked.cv,
        "cv_score": float(search.best_score_),
        "test_accuracy": None
        if best is None
        else float(best.score(data.X_test, data.y_test)),
    }
    _print_best(record, data)
    if folder:
        _write_report(asked, candidates, found, data, folder, record)


def _print_best(record: Mapping[str, Any], data: Data) -> None:
    chosen = ", ".join(f"{name}={value}" for name, value in record["params"].items())
    print(f"\nbest parameters: {chosen}")
    print(f"cross-validated {record['scoring']}: {record['cv_score']:.4f}")
    if record["test_accuracy"] is not None:
        print(f"test accuracy: {record['test_accuracy']:.4f} (on {data.test})")


def _write_report(
    asked: Search,
    candidates: Candidates,
    found: Found,
    data: Data,
    folder: Path,
    record: Mapping[str, Any],
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
    settings = {
        "command": shlex.join(["sknn-mnist", *asked.typed]),
        **{f"{name} (fixed)": value for name, value in candidates.fixed.items()},
        "folds": asked.cv,
        "processes": asked.n_jobs or ("the cluster's" if asked.dask else 1),
        **{f"version of {name}": each for name, each in record["versions"].items()},
    }
    run = Run(
        search=found.search,
        index=candidates.index,
        best=found.best,
        record=record,
        data=data,
        code=python_of_search(asked, candidates, data),
        settings=settings,
    )
    write_text(folder / "report.html", render_report(run))
    print(f"written to {folder}: {', '.join(RESULTS)}")
    print(f"open {folder / 'report.html'} to see it")
