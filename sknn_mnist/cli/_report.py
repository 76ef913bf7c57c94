"""What a search found: said on standard output, written to its folder."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sknn_mnist.cli._data import Data
from sknn_mnist.cli._plan import Plan
from sknn_mnist.cli._reproduction import python_of_search
from sknn_mnist.cli._result_names import PIVOT_MARKDOWN, REPORT, RESULTS

__all__ = ["report_best", "report_table"]

# Rows that are printed: all of a table up to the most, else the best few.
MOST_ROWS = 100
BEST_ROWS = 10


def report_table(plan: Plan, search: Any) -> None:
    """Print the pivot table, and write the tables.

    Parameters
    ----------
    plan : Plan
        What was searched.
    search : fitted search
        What was found.
    """
    from sknn_mnist.cli._results import write_tables
    from sknn_mnist.reporting import cv_results_frame, pivot_cv_results

    index = plan.candidates.index
    pivot: Any = pivot_cv_results(search, index=index)
    markdown: Any = pivot_cv_results(search, index=index, format="markdown")
    if plan.folder:
        write_tables(plan.folder, cv_results_frame(search), pivot, markdown)
    print(_printed(plan, pivot["mean_test_score"], markdown), flush=True)


def report_best(plan: Plan, search: Any, best: Any) -> None:
    """Print which candidate is the best, and write ``best_params.json`` and report.

    Parameters
    ----------
    plan : Plan
        What was searched. The best is tested on the test rows of its data.
    search : fitted search
        What was found.
    best : estimator or None
        The best candidate, fitted on all training rows; None with --no-refit.
    """
    asked, candidates, data = plan.asked, plan.candidates, plan.data
    function = candidates.function
    record = {
        "search": candidates.by,
        "model": candidates.full_name,
        **({"function": str(function.place)} if function else {}),
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
    if plan.folder:
        _write_report(plan, plan.folder, search, best, record)


def _printed(plan: Plan, scores: Any, markdown: str) -> str:
    """Return a table, or of a long one the best rows, the best first."""
    lines = markdown.splitlines()
    head, rows = lines[: -len(scores)], lines[-len(scores) :]
    if len(rows) <= MOST_ROWS:
        return "\n".join(lines)
    ranked = scores.reset_index(drop=True).sort_values(ascending=False, kind="stable")
    best = [rows[place] for place in ranked.index[:BEST_ROWS]]
    left = len(rows) - len(best)
    where = f"are in {plan.folder / PIVOT_MARKDOWN}" if plan.folder else "are left out"
    return "\n".join(
        [*head, *best, "", f"the best of {len(rows):,} rows; {left:,} more {where}"]
    )


def _print_best(record: Mapping[str, Any], data: Data) -> None:
    chosen = ", ".join(f"{name}={value}" for name, value in record["params"].items())
    print(f"\nbest parameters: {chosen}")
    print(f"cross-validated {record['scoring']}: {record['cv_score']:.4f}")
    if record["test_accuracy"] is not None:
        print(f"test accuracy: {record['test_accuracy']:.4f} (on {data.test})")


def _write_report(
    plan: Plan, folder: Path, search: Any, best: Any, record: Mapping[str, Any]
) -> None:
    from sknn_mnist.cli._outputs import write_text
    from sknn_mnist.cli._results import write_best
    from sknn_mnist.cli._version import versions
    from sknn_mnist.reporting._html import Run, render_report

    asked, candidates, data = plan.asked, plan.candidates, plan.data
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
        search=search,
        index=candidates.index,
        best=best,
        record=record,
        data=data,
        code=python_of_search(plan),
        settings=settings,
    )
    report = folder / REPORT
    write_text(report, render_report(run))
    print(f"written to {folder}: {', '.join(RESULTS)}")
    print(f"open {report} to see it")
