"""Training and test samples: as folders are called, or by a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sknn_mnist._parameters import refused
from sknn_mnist.datasets._samples import Samples, bad

__all__ = ["check_test_size", "divided", "part_folders", "split_rows"]

PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
VALIDATION = {"val", "valid", "validation", "dev"}

NO_TEST = 0
DEFAULT_TEST_SIZE = 0.2


def part_folders(folder: Path, folders: list[Path]) -> dict[str, Path]:
    """Return {"train": ..., "test": ...} of the folders in a folder; {} of classes.

    Parameters
    ----------
    folder : Path
        For messages.
    folders : list of Path
        The folders in it.

    Returns
    -------
    dict
        With "train" at least; empty where folders are called otherwise.

    Raises
    ------
    DataFileError
        When there are validation images, or folders beside these, or two of a name.
    """
    known: dict[str, Path] = {}
    others, validation = [], []
    for each in folders:
        part = PARTS.get(each.name.lower())
        if part in known:
            raise bad(folder, f"holds {known[part].name!r} and {each.name!r} at once")
        if part is not None:
            known[part] = each
        elif each.name.lower() in VALIDATION:
            validation.append(each.name)
        else:
            others.append(each.name)
    if "train" not in known:
        if "test" in known and len(folders) == 1:
            raise bad(folder, f"holds {known['test'].name!r} and no 'train'")
        return {}
    if validation:
        raise bad(
            folder,
            f"holds {validation[0]!r} beside {known['train'].name!r}, and load_images "
            "knows training and test images alone: give the folder of those to train "
            "with as path, that of those to test with as test_data",
        )
    if others and "test" not in known:
        return {}  # things of that name may be what the images show
    if others:
        raise bad(
            folder,
            f"holds {others[0]!r} beside {known['train'].name!r} and "
            f"{known['test'].name!r}, which is a class of neither",
        )
    return known


def check_test_size(value: Any, owner: str) -> None:
    """Refuse what is no share and no number of samples; None is left to the default."""
    if value is None:
        return
    is_number = isinstance(value, int | float | np.integer | np.floating)
    if isinstance(value, bool) or not is_number or not _is_size(value):
        raise _refused(repr(value), owner)


def split_rows(
    y: np.ndarray,
    names: np.ndarray | None,
    test_size: Any,
    random_state: Any,
    owner: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of training and of test samples, by a seed.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Codes of classes, or numbers.
    names : ndarray or None
        Names of the classes; None where y is numbers, which are not stratified by.
    test_size : int, float or None
        As `load_images` has it, and checked.
    random_state : RandomState
        The seed.
    owner : str
        Whose parameters they are, for messages.

    Returns
    -------
    tuple of two ndarrays of int
        In an order drawn by the seed; as they are where there are no test samples.

    Raises
    ------
    ValueError
        When some class would have no sample in one of the two.
    """
    from sklearn.model_selection import train_test_split

    size = DEFAULT_TEST_SIZE if test_size is None else test_size
    rows = np.arange(len(y))
    if size == NO_TEST:
        return rows, rows[:0]
    if names is not None:
        counts = np.bincount(y, minlength=len(names))
        if counts.min() < 2:
            raise ValueError(
                f"The class {str(names[counts.argmin()])!r} has 1 image, and needs one "
                f"to train with and one to test with: give {owner} more of them, or "
                "test_size=0 for no test images."
            )
    try:
        train, test = train_test_split(
            rows,
            test_size=size,
            random_state=random_state,
            stratify=None if names is None else y,
        )
    except ValueError as err:
        groups = "" if names is None else f" in {len(names)} classes"
        raise _refused(f"{size!r} of {len(y)} images{groups}", owner) from err
    return train, test


def divided(
    samples: Samples, rows: np.ndarray, test_rows: np.ndarray
) -> tuple[Samples, Samples]:
    """Return training and test samples, of the rows that `split_rows` returned.

    An array in memory is given up: it is sorted in place, so that there is never a
    second one. One that is mapped into memory is read, unless it stays whole.
    """
    if not len(test_rows):
        return samples, samples.take(slice(0))
    X = samples.X
    if samples.are_files or isinstance(X, np.memmap) or not X.flags.writeable:
        train, test = samples.take(rows), samples.take(test_rows)
        if not samples.are_files:
            train.X, test.X = np.asarray(train.X), np.asarray(test.X)
        return train, test
    order = np.concatenate([rows, test_rows])
    _sort_rows(X, order)
    whole = Samples(X, samples.labels[order], samples.place)
    return whole.take(slice(len(rows))), whole.take(slice(len(rows), None))


def _sort_rows(X: np.ndarray, order: np.ndarray) -> None:
    """Let row i of X be what was row order[i], with one row of memory beside X."""
    sources = order.tolist()
    for start in range(len(sources)):
        if sources[start] == start:
            continue
        first, row = X[start].copy(), start
        while sources[row] != start:
            X[row] = X[sources[row]]
            sources[row], row = row, sources[row]
        X[row] = first
        sources[row] = row


def _is_size(value: Any) -> bool:
    return bool(0 <= value < (np.inf if isinstance(value, int | np.integer) else 1))


def _refused(got: str, owner: str) -> ValueError:
    return refused(
        "test_size",
        owner,
        "be 0, a fraction in the range (0.0, 1.0) or a number of samples that leaves "
        "some of each class to both sets",
        got,
    )
