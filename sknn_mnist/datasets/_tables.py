"""Tables with a row an image: a column of labels, and a column for each pixel."""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from collections.abc import Iterator
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sknn_mnist._messages import and_more
from sknn_mnist._parameters import invalid, near_names
from sknn_mnist.datasets._samples import DataFileError, Samples, bad, what_it_says

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CSV_ENDINGS", "PARQUET_ENDINGS", "read_csv", "read_parquet"]

CSV_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
PARQUET_ENDINGS = (".parquet", ".pq")

LABEL_NAMES = ("label", "target", "class", "y")
CELLS_AT_ONCE = 1 << 22  # as they are read: 32 MB of int64
MOST_NAMED = 10

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_WHOLE = re.compile(r"[+-]?\d+")


def read_csv(path: Path, target: Any, owner: str) -> Samples:
    """Read a CSV file, gzipped or not, with commas, semicolons or tabs.

    Parameters
    ----------
    path : Path
        The file. Its first row is names, unless all its cells are numbers.
    target : str, int or None
        The column of the labels: its name, its place, or None to look for it.
    owner : str
        Whose parameter `target` is, for messages.

    Returns
    -------
    Samples
        Rows of numbers: uint8 where all are integers from 0 to 255.

    Raises
    ------
    ValueError
        When the labels are not found, a cell is missing or no number, or the file is
        damaged.
    """
    import pandas as pd

    with what_it_says(path, "a CSV file"):
        compression = _compression_of(path)
        first, separator = _first_row(path, compression)
        has_names = not all(map(_NUMBER.fullmatch, first)) or _counts_up(first)
        names = first if has_names else [str(place) for place in range(len(first))]
        label = _label_column(names, target, has_names, path, owner)
        pieces = pd.read_csv(
            path,
            sep=separator,
            header=None,
            names=range(len(names)),
            skiprows=int(has_names),
            dtype={label: str},
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8-sig",
            compression=compression,
            chunksize=max(1, CELLS_AT_ONCE // len(names)),
            low_memory=False,
            **_exact_floats(pd.__version__),
        )
        with pieces:
            samples = _gathered(iter(pieces), names, label, path)
    return Samples(samples.X, _as_numbers(samples.labels), samples.place)


def read_parquet(path: Path, target: Any, owner: str) -> Samples:
    """Read a parquet file.

    Parameters
    ----------
    path, target, owner
        As for `read_csv`.

    Returns
    -------
    Samples
        As from `read_csv`.

    Raises
    ------
    ValueError
        As from `read_csv`.
    ImportError
        When pyarrow, which reads them, is not installed.
    """
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as err:
        raise ImportError(
            f"{str(path)!r} is a parquet file, which pyarrow reads: install it by "
            '`pip install "sknn-mnist[parquet]"`.'
        ) from err
    with what_it_says(path, "a parquet file"), ParquetFile(path) as file:
        names = list(map(str, file.schema_arrow.names))
        label = _label_column(names, target, True, path, owner)
        rows = max(1, CELLS_AT_ONCE // len(names))
        frames = (
            each.replace_schema_metadata(None).to_pandas()  # an index is a column
            for each in file.iter_batches(batch_size=rows)
        )
        return _gathered(frames, names, label, path)


def _compression_of(path: Path) -> Any:
    with path.open("rb") as file:
        return "gzip" if file.read(2) == b"\x1f\x8b" else None


def _first_row(path: Path, compression: Any) -> tuple[list[str], str]:
    """Return the cells of the first row, and what stands between them."""
    opener: Any = gzip.open if compression else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        line = file.readline()
        separator = max(",;\t", key=line.count)
        file.seek(0)
        row = next(csv.reader(file, delimiter=separator), [])
    if len(row) < 2:
        raise bad(path, "must have a column of labels, and one for each pixel")
    return row, separator


def _exact_floats(version: str) -> dict[str, Any]:
    """Return how pandas is told to read 0.1 as Python does, which 3.1 always does."""
    release = tuple(map(int, version.split(".")[:2]))
    return {"float_precision": "round_trip"} if release < (3, 1) else {}


def _counts_up(cells: list[str]) -> bool:
    """Tell names that are the places of columns from a first row of numbers."""
    return cells in (
        [str(place) for place in range(len(cells))],
        [str(place + 1) for place in range(len(cells))],
    )


def _label_column(
    names: list[str], target: Any, has_names: bool, path: Path, owner: str
) -> int:
    """Return the place of the column of labels."""
    if target is not None:
        return _named_column(names, target, path, owner)
    if not has_names:
        return 0
    for known in LABEL_NAMES:
        found = [place for place, name in enumerate(names) if name.lower() == known]
        if len(found) > 1:
            told = " and ".join(repr(names[place]) for place in found)
            raise bad(path, f"has columns {told}: say by `target` which is the label")
        if found:
            return found[0]
    if (
        len(names) > 2
        and not _odd_ones(names[1:])
        and _odd_ones([*names[1:], names[0]])
    ):
        return 0  # as Kaggle has it, whatever it is called
    raise bad(
        path,
        "has no column that is called label, target, class or y: say by `target` which "
        f"is the label, of {_listed(names)}",
    )


def _named_column(names: list[str], target: Any, path: Path, owner: str) -> int:
    if isinstance(target, Integral):
        if -len(names) <= int(target) < len(names):
            return int(target) % len(names)
    elif isinstance(target, str):
        if names.count(target) == 1:
            return names.index(target)
        if names.count(target) > 1:
            raise bad(path, f"has {names.count(target)} columns called {target!r}")
    raise invalid(
        "target",
        owner,
        f"a column of {str(path)!r}, which has {_listed(names)}"
        f"{near_names(target, names)}",
        target,
    )


def _odd_ones(names: list[str]) -> list[str]:
    """Return the columns that are not called as most are: pixel0, pixel1..."""
    forms = [re.sub(r"\d+", "#", name) for name in names]
    form, count = Counter(forms).most_common(1)[0]
    if "#" not in form or 2 * count <= len(names):
        return []
    return [name for name, own in zip(names, forms, strict=True) if own != form]


def _gathered(
    frames: Iterator[pd.DataFrame], names: list[str], label: int, path: Path
) -> Samples:
    """Return rows and labels of frames, which come one after the other."""
    import pandas as pd

    pixels = [place for place in range(len(names)) if place != label]
    pieces: list[np.ndarray] = []
    labels: list[pd.Series] = []
    n_rows = 0
    for frame in frames:
        if not isinstance(frame.index, pd.RangeIndex) or frame.shape[1] != len(names):
            raise bad(path, "has rows with more cells than its first")
        if frame.empty:
            continue
        if not n_rows:
            pixels = [
                place
                for place in pixels
                if not _is_row_number(names[place], frame.iloc[:, place])
            ]
        odd = _odd_ones([names[place] for place in pixels])
        if odd:
            raise bad(
                path,
                f"has columns {_listed(odd)} beside the label and the pixels, and must "
                "have those alone",
            )
        labels.append(_checked_labels(frame.iloc[:, label], names[label], n_rows, path))
        cells = frame.iloc[:, pixels]
        cells.columns = [names[place] for place in pixels]
        pieces.append(_numbers(cells, n_rows, path))
        n_rows += len(frame)
    if not n_rows:
        raise bad(path, "has no rows")
    return Samples(
        _joined(pieces, n_rows),
        pd.concat(labels, ignore_index=True).to_numpy(),
        str(path),
    )


def _is_row_number(name: str, column: pd.Series) -> bool:
    """Tell the nameless index that pandas writes."""
    return name in ("", "__index_level_0__") and list(column) == list(
        range(len(column))
    )


def _checked_labels(column: pd.Series, name: str, start: int, path: Path) -> pd.Series:
    missing = column.isna().to_numpy()
    if missing.any():
        row = start + int(missing.argmax()) + 1
        raise bad(path, f"has no label in column {name!r}, row {row}")
    return column.astype(object) if str(column.dtype) == "category" else column


def _numbers(cells: pd.DataFrame, start: int, path: Path) -> np.ndarray:
    """Return cells as numbers, in the least memory that they take."""
    for place, dtype in enumerate(cells.dtypes):
        if getattr(dtype, "kind", "O") not in "iufb":
            raise _no_number(cells.iloc[:, place], start, path)
    values = cells.to_numpy()
    if values.dtype.kind == "O":  # of numbers and bools, or of numbers that may lack
        values = cells.astype(float).to_numpy()
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        what = values[row, column]
        raise bad(
            path,
            f"{'lacks a number' if np.isnan(what) else f'has {what}'} in column "
            f"{cells.columns[column]!r}, row {start + row + 1}",
        )
    if values.dtype.kind in "iu" and values.min() >= 0 and values.max() <= 255:
        return values.astype(np.uint8)
    return np.ascontiguousarray(values)


def _no_number(column: pd.Series, start: int, path: Path) -> DataFileError:
    import pandas as pd

    cells = list(column)
    row = next((row for row, cell in enumerate(cells) if _is_odd(cell, pd.NA)), 0)
    shown = f"{cells[row]!r:.60}"
    return bad(
        path,
        f"has {shown} in column {str(column.name)!r}, row {start + row + 1}; all but "
        "the label must be numbers",
    )


def _is_odd(cell: Any, missing: Any) -> bool:
    """Tell what makes a column text: not what is missing, nor numbers beside it."""
    if isinstance(cell, str):
        return not _NUMBER.fullmatch(cell)
    return cell is not missing and not isinstance(cell, int | float | np.number)


def _joined(pieces: list[np.ndarray], n_rows: int) -> np.ndarray:
    """Return pieces as one array; each is given up once it is copied."""
    joined = np.empty(
        (n_rows, pieces[0].shape[1]), np.result_type(*{each.dtype for each in pieces})
    )
    start = 0
    pieces.reverse()
    while pieces:
        piece = pieces.pop()
        joined[start : start + len(piece)] = piece
        start += len(piece)
    return joined


def _as_numbers(labels: np.ndarray) -> np.ndarray:
    """Return labels, which were read as text, as numbers where all of them are."""
    texts = [str(each).strip() for each in labels]
    if all(map(_WHOLE.fullmatch, texts)):
        return np.array(
            texts
        )  # sorted by their numbers, and called as they are written
    if all(map(_NUMBER.fullmatch, texts)):
        return np.array(texts, dtype=np.float64)
    return np.array(texts)


def _listed(names: list[str]) -> str:
    return and_more([repr(name) for name in names], MOST_NAMED)
