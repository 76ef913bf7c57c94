"""IDX, the format of MNIST's files and of those of the sets that took its place."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sknn_mnist.datasets._samples import Parts, Samples, bad

__all__ = ["BadIdxError", "is_idx_name", "read_idx", "read_idx_set"]

UNSIGNED_BYTES = {8: "u1"}
ALL_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}

# "emnist-letters-train-images-idx3-ubyte.gz": what comes before is the set's name.
_NAME = re.compile(
    r"(?P<set>.*?)-?(?P<part>train|t10k|test)-(?P<what>images|labels)"
    r"[-.]idx(?P<ndim>\d)-(?P<type>\w+?)(?P<gz>\.gz)?",
    re.IGNORECASE,
)


class BadIdxError(ValueError):
    """An IDX file that is not what it should be."""


def is_idx_name(name: str) -> bool:
    """Tell whether a file is called as one of a set in MNIST's form."""
    return _NAME.fullmatch(name) is not None


def read_idx(
    path: Path, types: dict[int, str] = UNSIGNED_BYTES, whose: str = "MNIST"
) -> np.ndarray:
    """Read one IDX file, gzipped or not.

    The format is that of [1]_: two zero bytes, a byte for the type (8: unsigned
    bytes), a byte for the number of dimensions, the dimensions as big-endian 32-bit
    integers, the data.

    Parameters
    ----------
    path : Path
        The file; what it is called does not matter.
    types : dict, default=UNSIGNED_BYTES
        The dtypes that are taken, by the byte for the type.
    whose : str, default="MNIST"
        What errors call the file.

    Returns
    -------
    ndarray
        Of the shape that the file states, in the machine's byte order.

    Raises
    ------
    BadIdxError
        When the file is not IDX, or shorter or longer than it states.

    References
    ----------
    .. [1] Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten
       digits", 1998.
    """

    def wrong(what: str) -> BadIdxError:
        return BadIdxError(f"{whose} file {str(path)!r} {what}.")

    with path.open("rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if gzipped else path.open("rb") as stream:
            head = stream.read(4)
            if (
                len(head) < 4
                or head[:2] != b"\0\0"
                or head[2] not in types
                or not head[3]
            ):
                known = " of unsigned bytes" if types is UNSIGNED_BYTES else ""
                raise wrong(f"is not an IDX file{known}")
            sizes = stream.read(4 * head[3])
            if len(sizes) < 4 * head[3]:
                raise wrong("ends within its header")
            shape = tuple(int(size) for size in np.frombuffer(sizes, dtype=">u4"))
            dtype = np.dtype(types[head[2]])
            expected = int(np.prod(shape, dtype=object)) * dtype.itemsize
            # Reading one byte more than stated shows whether the file is too long. It
            # is read in pieces, so a false size in the header allocates no memory.
            data = bytearray()
            for piece in _pieces(stream, expected + 1):
                data += piece
    except (EOFError, OSError, zlib.error) as err:
        raise wrong(f"is truncated or corrupt ({err})") from err
    if len(data) != expected:
        there = "more" if len(data) > expected else str(len(data))
        raise wrong(f"states {expected} bytes of data and holds {there}")
    try:
        array = np.frombuffer(data, dtype=dtype).reshape(shape)
    except ValueError as err:  # NumPy has a limit of dimensions
        raise wrong(f"has a shape that no array can have ({err})") from err
    return array.astype(dtype.newbyteorder("="), copy=False)


def read_idx_set(path: Path) -> Parts:
    """Read images and labels of a set in MNIST's form: Fashion-MNIST, EMNIST...

    Parameters
    ----------
    path : Path
        A folder with the files of one set, or one of its files.

    Returns
    -------
    tuple of two Samples
        Training and test samples; None for the latter where there are no such files.

    Raises
    ------
    ValueError
        When files are missing, of several sets, damaged, or don't fit each other.
    """
    folder = path if path.is_dir() else path.parent
    sets: dict[str, dict[tuple[str, str], Path]] = {}
    for each in sorted(folder.iterdir()):
        match = _NAME.fullmatch(each.name)
        if match and each.is_file():
            part = "train" if match["part"].lower() == "train" else "test"
            key = (part, match["what"].lower())
            sets.setdefault(match["set"], {}).setdefault(key, each)
    match = _NAME.fullmatch(path.name)
    if match and path.is_file():
        name = match["set"]
    elif len(sets) == 1:
        (name,) = sets
    else:
        names = ", ".join(repr(each or "(no name)") for each in sorted(sets))
        raise bad(path, f"holds IDX files of several sets, {names}; give a file of one")
    files = sets[name]
    train = _pair(files, "train", folder)
    if train is None:
        raise bad(folder, f"lacks {name}-train-images-idx3-ubyte".replace(" -", " "))
    return train, _pair(files, "test", folder)


def _pair(files: dict[Any, Path], part: str, folder: Path) -> Samples | None:
    images, labels = files.get((part, "images")), files.get((part, "labels"))
    if images is None and labels is None:
        return None
    if images is None or labels is None:
        there, lacks = (labels, "images") if images is None else (images, "labels")
        assert there is not None
        raise bad(folder, f"holds {there.name!r} and lacks the {lacks} to it")
    return Samples(
        read_idx(images, ALL_TYPES, "IDX"),
        read_idx(labels, ALL_TYPES, "IDX"),
        str(images),
    )


def _pieces(stream: Any, n_bytes: int) -> Iterator[bytes]:
    while n_bytes > 0:
        piece = stream.read(min(n_bytes, 1 << 20))
        if not piece:
            return
        n_bytes -= len(piece)
        yield piece
