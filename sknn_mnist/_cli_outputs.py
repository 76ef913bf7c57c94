"""Files that the command line writes, each whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import platform
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sknn_mnist._whole_files import replacing

__all__ = [
    "check_writable",
    "predictions",
    "prepare_folder",
    "versions",
    "write_best",
    "write_tables",
    "write_text",
]

_PACKAGES = ("sknn_mnist", "sklearn", "keras", "tensorflow", "numpy", "pandas")


def prepare_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder unless it exists, and try whether files can be written there.

    Parameters
    ----------
    path : str or path-like
        The folder.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    OSError
        When it is no folder, or can't be made or written to.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Permissions, full disks and read-only mounts all show in the attempt.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as err:
        reason = "a file" if folder.is_file() else (err.strerror or str(err)).lower()
        raise OSError(f"can't write to the folder {folder}: {reason}") from err
    return folder


def check_writable(path: str | os.PathLike[str]) -> Path:
    """Try whether a file can be written, without touching one that is there.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    OSError
        When the path is a folder, or its folder can't be written to.
    """
    file = Path(path)
    if file.is_dir():
        raise OSError(f"can't write the file {file}: it is a folder")
    prepare_folder(file.parent)
    return file


def write_tables(folder: Path, results: Any, pivot: Any, markdown: str) -> None:
    """Write ``cv_results.csv``, ``pivot.csv`` and ``pivot.md``.

    Parameters
    ----------
    folder : Path
        Where to.
    results : pandas.DataFrame
        One row a candidate.
    pivot : pandas.DataFrame
        The pivot table.
    markdown : str
        The pivot table as it is printed.
    """
    write_text(folder / "cv_results.csv", results.to_csv(index=False))
    write_text(folder / "pivot.csv", pivot.to_csv())
    write_text(folder / "pivot.md", markdown.rstrip("\n") + "\n")


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
    text = json.dumps(record, indent=2, allow_nan=False)
    write_text(folder / "best_params.json", text + "\n")


def predictions(net: Any, X: Any, labels: Any = None) -> str:
    """Return what a classifier predicts, as CSV.

    Parameters
    ----------
    net : estimator
        A fitted classifier.
    X : array-like
        Its samples.
    labels : ndarray of shape (n_samples,), default=None
        The true labels, where they are known.

    Returns
    -------
    str
        The columns index, prediction, probability (of the prediction) and, with
        `labels`, label.
    """
    import numpy as np

    predicted, probabilities = net.predict(X), net.predict_proba(X)
    # That of what is predicted, not the largest: several may be equal.
    at = np.searchsorted(net.classes_, predicted)
    probability = np.take_along_axis(probabilities, at[:, None], axis=1)[:, 0]
    columns = {
        "index": range(len(predicted)),
        "prediction": predicted.tolist(),
        "probability": [f"{each:.6f}" for each in probability],
    }
    if labels is not None:
        columns["label"] = labels.tolist()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages in use.

    Returns
    -------
    dict of str to str
        By name of what is imported; packages that are not loaded are left out.
    """
    # Asked of the modules: distributions go by several names (tensorflow-cpu).
    loaded = {name: sys.modules[name] for name in _PACKAGES if name in sys.modules}
    return {
        "python": platform.python_version(),
        **{name: str(module.__version__) for name, module in loaded.items()},
    }


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    text : str
        What it shall hold.
    """
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")
