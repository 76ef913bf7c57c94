"""What is read from a place of own images, and the error that names the place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from sknn_mnist._messages import one_line
from sknn_mnist._parameters import InvalidParameterError

__all__ = ["DataFileError", "Parts", "Samples", "bad", "what_it_says"]


@dataclass
class Samples:
    """Images with their labels, from one place.

    Attributes
    ----------
    X : ndarray, or list of str
        Images or rows; or the image files that hold them, unread.
    labels : ndarray
        One each, as they are in the place, of whatever dtype and shape.
    place : str
        File or folder, for messages.
    """

    X: Any
    labels: np.ndarray
    place: str

    @property
    def are_files(self) -> bool:
        return isinstance(self.X, list)

    def take(self, rows: Any) -> Samples:
        """Return some of them: rows as ints, or a slice."""
        if self.are_files and not isinstance(rows, slice):
            X: Any = [self.X[row] for row in rows]
        else:
            X = self.X[rows]
        return Samples(X, self.labels[rows], self.place)


# Training and test samples; None where the place knows no test samples.
Parts = tuple[Samples, Samples | None]


class DataFileError(ValueError):
    """A file or folder of data that is not what it should be."""


def bad(place: str | PathLike[str], what: str) -> DataFileError:
    """Return the error; the caller raises it."""
    return DataFileError(f"{str(place)!r} {what}.")


@contextmanager
def what_it_says(place: str | PathLike[str], what: str) -> Iterator[None]:
    """Let readers of others, which raise whatever they meet, raise one error."""
    try:
        yield
    except (DataFileError, InvalidParameterError):
        raise
    except Exception as err:
        reason = one_line(err, 200) or type(err).__name__
        raise bad(place, f"can't be read as {what} ({reason})") from err
