"""The files of a search's results, and a check of what they would replace."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

from sknn_mnist._messages import one_line
from sknn_mnist._regular_files import open_regular
from sknn_mnist._whole_files import about_path
from sknn_mnist.cli._arguments import By
from sknn_mnist.cli._csv import csv_of
from sknn_mnist.cli._errors import CommandError
from sknn_mnist.cli._outputs import prepare_folder, write_text
from sknn_mnist.cli._result_names import (
    BEST_PARAMS,
    CV_RESULTS,
    PIVOT,
    PIVOT_MARKDOWN,
    RESULTS,
)

__all__ = ["Kind", "prepare_results", "write_best", "write_tables"]

# Bytes that are read of a file to tell which search wrote it.
BEGINNING = 2**20


class Kind(NamedTuple):
    """The kind of a search. Results are replaced by those of the same kind only."""

    model: str | None
    by: By

    def __str__(self) -> str:
        search = f"a {self.by} search"
        if not self.model:
            return search
        # KerasClassifier(make_model) is no word that has a plural.
        return f"{search} over {self.model}{'' if self.model.endswith(')') else 's'}"

    def is_like(self, other: Kind) -> bool:
        """Tell whether the one may be a later run of the other."""
        models = {self.model, other.model} - {None}
        return self.by == other.by and len(models) < 2


def prepare_results(path: str, kind: Kind, overwrite: bool) -> Path:
    """Make the folder of a search's results, unless it holds those of another kind.

    Parameters
    ----------
    path : str
        The folder.
    kind : Kind
        The search to come.
    overwrite : bool
        Whether other results may be written over.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    OSError
        When the files can't be written.
    CommandError
        When it holds what the search must not write over.
    """
    folder = prepare_folder(path)
    there = []
    for name in RESULTS:
        if about_path(folder / name) is not None:
            # A folder of this name, or a pipe, would fail the search after all fits.
            open_regular(folder / name).close()
            there.append(name)
    if overwrite or not there:
        return folder
    found = _kind_in(folder)
    if found is None:
        held = f"{there[0]}, which no search has written"
    elif not found.is_like(kind):
        held = f"the results of {found}"
    else:
        return folder
    raise CommandError(
        f"{folder} holds {held}: give another --out, or --overwrite to write over it",
        code=2,
    )


def write_tables(folder: Path, results: Any, pivot: Any, markdown: str) -> None:
    """Write ``cv_results.csv``, ``pivot.csv`` and ``pivot.md``.

    Parameters
    ----------
    folder : Path
        Where to.
    results : pandas.DataFrame
        One row per candidate.
    pivot : pandas.DataFrame
        The pivot table.
    markdown : str
        The pivot table as it is printed.
    """
    for name, table in (
        (CV_RESULTS, results.to_csv(index=False)),
        (PIVOT, pivot.to_csv()),
    ):
        write_text(folder / name, csv_of(csv.reader(io.StringIO(table, newline=""))))
    write_text(folder / PIVOT_MARKDOWN, markdown.rstrip("\n") + "\n")


def write_best(folder: Path, record: Mapping[str, Any]) -> None:
    """Write ``best_params.json``; scores that are not finite become null.

    Parameters
    ----------
    folder : Path
        Where to.
    record : mapping
        What to write.
    """
    record = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in record.items()
    }
    # What is no JSON, as a splitter that holds out rows, is told by the Python of it.
    text = json.dumps(record, indent=2, allow_nan=False, default=_python_of)
    write_text(folder / BEST_PARAMS, text + "\n")


def _python_of(value: Any) -> str:
    return one_line(repr(value))


def _kind_in(folder: Path) -> Kind | None:
    """Return which search left its results; None if that is not known."""
    columns = next(csv.reader([_beginning(folder / CV_RESULTS)]), [])
    try:
        best: Any = json.loads(_beginning(folder / BEST_PARAMS, whole=True))
        model = str(best["model"])
    except (ValueError, TypeError, KeyError, RecursionError):
        best, model = {}, None
    # The tables come first, and a search may have been stopped in between.
    if not {"params", "mean_fit_time"} <= {*columns} and model is None:
        return None
    by = best.get("search")
    if by not in get_args(By):
        dealt = "hyperband" if "bracket" in columns else "halving"
        by = dealt if "n_resources" in columns else "grid"
    return Kind(model, by)


def _beginning(path: Path, whole: bool = False) -> str:
    """Return a file's first line, or all of it unless it is large; "" without one."""
    try:
        with open_regular(path) as file:
            data = file.read(BEGINNING) if whole else file.readline(BEGINNING)
    except FileNotFoundError:
        return ""
    return data.decode(errors="replace").replace("\0", "").rstrip("\r\n")
