"""Which reader reads a place of own images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sknn_mnist._parameters import invalid
from sknn_mnist.datasets._array_files import is_npy_pair, read_npy_pair, read_npz
from sknn_mnist.datasets._idx_files import is_idx_name, read_idx_set
from sknn_mnist.datasets._image_folders import class_folders, things_in
from sknn_mnist.datasets._samples import Parts, Samples, bad
from sknn_mnist.datasets._splits import part_folders
from sknn_mnist.datasets._tables import (
    CSV_ENDINGS,
    PARQUET_ENDINGS,
    read_csv,
    read_parquet,
)

__all__ = ["Sources"]

KNOWN = (
    "a folder of images, .csv, .csv.gz, .tsv, .parquet, .npz, .npy with its labels "
    "beside it, or IDX"
)


class Sources:
    """Reads what images and labels there are in a place.

    Parameters
    ----------
    target : str, int or None
        Of tables: the column of the labels.
    on_error : {"raise", "skip"}
        Whether files beside folders of classes are an error, or are left out.
    owner : str
        Whose parameters they are, for messages.

    Attributes
    ----------
    left_out : list of str
        Files that were.
    """

    def __init__(self, target: Any, on_error: str, owner: str) -> None:
        self.target = target
        self.on_error = on_error
        self.owner = owner
        self.left_out: list[str] = []

    def parts_of(self, path: Path) -> Parts:
        """Return training and test samples; None for the latter where there are none.

        Raises
        ------
        FileNotFoundError
            When nothing is there.
        ValueError
            When it is nothing that can be read.
        """
        if path.is_dir():
            return self._parts_of_folder(path)
        if not path.exists():
            raise FileNotFoundError(f"{self.owner} found nothing at {str(path)!r}.")
        if not path.is_file():
            raise bad(path, f"is neither a file nor a folder. It takes {KNOWN}")
        name = path.name.lower()
        if name.endswith(CSV_ENDINGS):
            return read_csv(path, self.target, self.owner), None
        if name.endswith(PARQUET_ENDINGS):
            return read_parquet(path, self.target, self.owner), None
        self._refuse_target()
        if name.endswith(".npz"):
            return read_npz(path)
        if name.endswith(".npy"):
            return read_npy_pair(path)
        if is_idx_name(path.name):
            return read_idx_set(path)
        raise bad(path, f"is of no kind that {self.owner} takes: {KNOWN}")

    def whole_of(self, path: Path) -> Samples:
        """Return the samples of a place that is one part of the data itself."""
        samples, test = self.parts_of(path)
        if test is not None:
            raise bad(path, "holds training and test images where one of both is meant")
        return samples

    def _parts_of_folder(self, path: Path) -> Parts:
        folders, files = things_in(path)
        parts = part_folders(path, folders)
        if parts:
            train = self.whole_of(parts["train"])
            test = self.whole_of(parts["test"]) if "test" in parts else None
            return train, test
        names = [each.name for each in files]
        if any(map(is_idx_name, names)):
            self._refuse_target()
            return read_idx_set(path)
        if is_npy_pair(names):
            self._refuse_target()
            return read_npy_pair(path)
        samples, left_out = class_folders(path, folders, files, self.on_error)
        self._refuse_target()
        self.left_out += left_out
        return samples, None

    def _refuse_target(self) -> None:
        if self.target is not None:
            raise invalid(
                "target", self.owner, "None with data that is no table", self.target
            )
