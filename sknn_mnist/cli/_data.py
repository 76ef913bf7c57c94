"""A data set that a command was given, and what to say of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Data"]


@dataclass(frozen=True, eq=False)
class Data:
    """A data set, with flat rows unless a network takes others; what to say of it."""

    X_train: Any
    X_test: Any
    y_train: Any
    y_test: Any
    name: str
    source: str
    row_shape: tuple[int, ...] | None = None  # None is flat
    image_shape: tuple[int, ...] | None = None  # of flat rows, if known
    is_own: bool = False  # images of the user's own
    is_divided: bool = False  # by 255, since they were read
    files: list[str] | None = None  # of the test rows

    @property
    def about(self) -> str:
        """Which data, and how much of it."""
        return (
            f"{self.name} ({self.source}), {len(self.X_train):,} training rows, "
            f"{len(self.X_test):,} test rows"
        )

    @property
    def test(self) -> str:
        """Which test rows."""
        return f"{len(self.X_test):,} rows of {self.name}"

    def first(self, n_rows: int) -> Data:
        """Return the same with so many training rows."""
        return replace(
            self, X_train=self.X_train[:n_rows], y_train=self.y_train[:n_rows]
        )

    def reshaped(self, row_shape: tuple[int, ...]) -> Data:
        """Return the same with rows of another shape."""
        return replace(
            self,
            X_train=self.X_train.reshape(-1, *row_shape),
            X_test=self.X_test.reshape(-1, *row_shape),
            row_shape=row_shape,
        )
