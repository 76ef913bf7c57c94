"""What ``predict --images`` names: image files, or an array, as a net takes them."""

from __future__ import annotations

import errno
import glob
import os
from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import numpy as np

from sknn_mnist._regular_files import open_regular
from sknn_mnist.cli._arguments import Reading
from sknn_mnist.cli._broken_files import refused_files, tell_left_out
from sknn_mnist.cli._errors import tell
from sknn_mnist.cli._file_names import names_below
from sknn_mnist.cli._nets import as_fitted_on, image_shape_of
from sknn_mnist.cli._scales import divided, in_scale_of, takes_unit_range

__all__ = ["Images", "load_images"]

# Of image files that are read at a time.
BLOCK_BYTES = 256 * 2**20

# Names of arrays of images in an archive, the first that is there; of those of
# training and test rows the test rows.
ARRAY_NAMES = (
    *("x_test", "X_test", "test_images", "X", "x", "data", "images"),
    "arr_0",
)


class Images(NamedTuple):
    """Images for a net, block by block, and their names, where they have any.

    Names of image files are there when all blocks have been asked for.
    """

    blocks: Iterator[Any]
    names: list[str] | None


def load_images(path: str, net: Any, reading: Reading) -> Images:
    """Return images in the layout and on the scale that a net takes.

    Parameters
    ----------
    path : str
        An image file, a folder of them, a pattern of their names; or a ``.npy`` or
        ``.npz`` file of an array of shape (n, height, width), (n, height, width,
        channels) or (n, features).
    net : estimator
        The net to be fed.
    reading : Reading
        To which size image files are brought, where that is not the size of the net's
        own images; and whether those that can't be read are left out.

    Returns
    -------
    Images
        Image files are read while blocks are asked for, which raises a CommandError
        where some can't be.

    Raises
    ------
    OSError
        When there is nothing at the path.
    ValueError
        When there are no images.
    """
    from sknn_mnist.images._files import ENDINGS

    files = _files_at(path, ENDINGS)
    if files is not None:
        shape = _shape_of_files(files, net, reading)
        names: list[str] = []
        return Images(_blocks_of(files, shape, net, reading, path, names), names)
    if reading != Reading():
        raise ValueError(
            f"--image-size and --skip-broken are for image files, and {path} is none "
            f"of them ({', '.join(ENDINGS)})"
        )
    X = in_scale_of(net, _array_in(path))
    return Images(iter([as_fitted_on(net, X)]), None)


def _files_at(path: str, endings: tuple[str, ...]) -> list[str] | None:
    """Return the image files at a path, None where it is no place of such."""
    place = os.path.expanduser(path)
    if os.path.isdir(place):
        found = [
            os.path.join(folder, name)
            for folder, _, names in os.walk(place)
            for name in names
            if not name.startswith(".")
        ]
    elif os.path.lexists(place):
        return [place] if place.lower().endswith(endings) else None
    elif glob.has_magic(place):
        found = [
            each for each in glob.glob(place, recursive=True) if os.path.isfile(each)
        ]
        if not found:
            raise ValueError(f"no file has a name like {path}")
    else:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    files = sorted(each for each in found if each.lower().endswith(endings))
    if not files:
        raise ValueError(f"{path} holds no image files ({', '.join(endings)})")
    others = sorted(set(found) - set(files))
    tell_left_out(list(map(os.path.basename, others)), "they are called as no images")
    return files


def _names_of(files: list[str], path: str) -> list[str]:
    """Return names of files: below the folder, as the pattern found them, or alone."""
    place = os.path.expanduser(path)
    if os.path.isdir(place):
        return names_below(place, files)
    return [os.path.basename(each) for each in files] if files == [place] else files


def _shape_of_files(
    files: list[str], net: Any, reading: Reading
) -> tuple[int, int, int]:
    """Return the shape in which files are read, and say which it is."""
    from sknn_mnist.images._reading import ImageFileError, common_shape

    wanted, given = image_shape_of(net), reading.image_size
    if given is not None and len(given) == 2 and wanted is not None:
        given = (*given, wanted[2])
    on_error = "skip" if reading.skip_broken else "raise"
    try:
        shape = wanted
        if shape is None or given is not None:
            shape = common_shape(files, given, on_error=on_error)
    except ImageFileError as err:
        raise refused_files(err.files) from err
    n_features = getattr(net, "n_features_in_", None)
    if wanted is None and prod(shape) != n_features:
        raise ValueError(
            f"the net takes {n_features} features, which are no square image, and "
            f"the files are read as {_said(shape)}: say by --image-size HEIGHTxWIDTH, "
            "or HEIGHTxWIDTHxCHANNELS, which shape its images had"
        )
    if shape[2] not in (1, 3, 4):
        raise ValueError(
            f"the net takes images of {shape[2]} channels, and image files have 1, 3 "
            "or 4: give an array in a .npy file"
        )
    tell(f"images: {len(files):,}, read as {_said(shape)}")
    return shape


def _said(shape: tuple[int, int, int]) -> str:
    kind = {1: "grey", 3: "colour", 4: "colour and transparency"}[shape[2]]
    return f"{shape[0]}×{shape[1]} pixels, {kind}"


def _blocks_of(
    files: list[str],
    shape: tuple[int, int, int],
    net: Any,
    reading: Reading,
    path: str,
    names: list[str],
) -> Iterator[Any]:
    """Yield images of files, and note the names of those that could be read."""
    from sknn_mnist.images._reading import ImageFileError, read_images

    is_unit = takes_unit_range(net)
    if is_unit:
        tell("scale: pixels of 0 to 255 are divided by 255, for a net of 0 to 1")
    broken: list[tuple[str, str]] = []
    at_once = max(1, BLOCK_BYTES // prod(shape))
    for start in range(0, len(files), at_once):
        block = files[start : start + at_once]
        try:
            X = read_images(block, shape)
        except ImageFileError as err:
            broken += err.files
            bad = {name for name, _ in err.files}
            block = [each for each in block if each not in bad]
            if not (reading.skip_broken and block):
                continue
            X = read_images(block, shape)
        if broken and not reading.skip_broken:
            continue  # to name the others that can't be read
        names += _names_of(block, path)
        yield as_fitted_on(net, divided(X) if is_unit else X)
    if broken and not (reading.skip_broken and names):
        raise refused_files(broken)
    tell_left_out([name for name, _ in broken], "they can't be read")


def _array_in(path: str) -> Any:
    """Return the array of images in a ``.npy`` or ``.npz`` file."""
    with open_regular(path) as file:
        try:
            images = np.load(file, allow_pickle=False)
            if not isinstance(images, np.ndarray):
                with images:
                    images = _array_of(images, path)
        except _NoImagesError as err:
            raise ValueError(str(err)) from err
        # NumPy parses the header as Python, and lets through what that raises.
        except Exception as err:
            raise ValueError(
                f"{path} is neither an image file, nor a .npy or .npz file of numbers"
            ) from err
    if images.dtype.kind not in "biuf" or images.ndim not in (2, 3, 4):
        raise ValueError(
            f"{path} must hold numbers of shape (n, height, width), (n, height, width, "
            f"channels) or (n, features), but holds {images.dtype} of shape "
            f"{images.shape}"
        )
    return images


class _NoImagesError(Exception):
    """An archive in which no array is known as images."""


def _array_of(archive: Any, path: str) -> np.ndarray:
    names = archive.files
    known = [name for name in ARRAY_NAMES if name in names]
    if not known and len(names) == 1:
        known = names
    if not known:
        raise _NoImagesError(
            f"{path} must hold one array, or images by one of the names "
            f"{', '.join(ARRAY_NAMES)}, but holds {', '.join(names) or 'nothing'}"
        )
    found = archive[known[0]]
    if not isinstance(found, np.ndarray):  # NumPy returns other members as bytes
        raise _NoImagesError(f"{path} holds a {known[0]} that is no array")
    return found
