"""Folders of image files, with a folder a class."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from sknn_mnist._messages import and_more
from sknn_mnist.datasets._samples import Samples, bad

__all__ = ["class_folders", "is_left_behind", "things_in"]

MOST_NAMED = 20  # in one message

# What systems and programs leave behind in folders, beside hidden files.
LEFT_BEHIND = {
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "__macosx",
    "@eadir",
    "icon\r",
}


def is_left_behind(name: str) -> bool:
    """Tell whether a file or folder is none of the user's."""
    return name.startswith(".") or name.lower() in LEFT_BEHIND


def things_in(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return (folders, files) in a folder, by name, without what is left behind."""
    things = sorted(each for each in folder.iterdir() if not is_left_behind(each.name))
    folders = [each for each in things if each.is_dir()]
    return folders, [each for each in things if not each.is_dir()]


def class_folders(
    folder: Path, folders: list[Path], files: list[Path], on_error: str
) -> tuple[Samples, list[str]]:
    """Return the files in folders that are called as what they show.

    Parameters
    ----------
    folder : Path
        The folder that holds them.
    folders, files : list of Path
        What is in it.
    on_error : {"raise", "skip"}
        Whether files beside the folders are an error, or are left out.

    Returns
    -------
    tuple of (Samples, list of str)
        Files, in folders within these as well, in the order of their paths, with the
        folders' names as labels; the files that were left out.

    Raises
    ------
    DataFileError
        When there are no such folders, or one of them holds no file.
    """
    if not folders:
        raise bad(
            folder,
            "holds no data: there must be a folder for each class with its images, or "
            "'train' and 'test' with these, or IDX files, or a pair of .npy files"
            + _but(files),
        )
    if files and on_error == "raise":
        named = and_more([repr(each.name) for each in files], MOST_NAMED)
        raise bad(
            folder,
            f"holds files beside the folders of its classes: {named}; with "
            "on_error='skip' they are left out",
        )
    known = set(map(os.path.realpath, [folder, *folders]))
    X: list[str] = []
    labels: list[str] = []
    for each in folders:
        found = _files_below(each, known)
        if not found:
            raise bad(each, "holds no image, and so would be a class without any")
        X += found
        labels += [each.name] * len(found)
    samples = Samples(X, np.array(labels), str(folder))
    return samples, [str(each) for each in files]


def _files_below(folder: Path, known: set[str]) -> list[str]:
    """Return the files in a folder and in those within it, but for known ones."""
    found, seen = [], set(known)
    for place, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
        kept = []
        for name in sorted(folders):
            real = os.path.realpath(os.path.join(place, name))
            if not is_left_behind(name) and real not in seen:
                seen.add(real)  # links may lead back, or to another class
                kept.append(name)
        folders[:] = kept
        found += [
            os.path.join(place, name)
            for name in sorted(files)
            if not is_left_behind(name)
        ]
    return found


def _raise(err: OSError) -> None:
    raise err


def _but(files: list[Path]) -> str:
    if not files:
        return "; it is empty"
    return f". It holds {files[0].name!r}: if that is the data, give that file"
