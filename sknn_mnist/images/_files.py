"""One image file: what its header says, and its pixels as uint8.

Files are read by Pillow, and by its readers of the formats below alone: others run
programs, or read what no folder of images holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from sknn_mnist._messages import one_line
from sknn_mnist._regular_files import open_regular

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "ENDINGS",
    "FORMATS",
    "BrokenImageError",
    "header_shape",
    "read_image",
    "resized",
]

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
ENDINGS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif"),
    *(".tif", ".tiff", ".webp", ".pbm", ".pgm", ".ppm", ".pnm"),
)

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_GREY = frozenset({"1", "L", "LA", "La", "F"})  # and all of ints of 16 or 32 bits
_ORIENTATION, _WIDTH, _HEIGHT = 274, 256, 257  # tags of TIFF, and so of EXIF


class BrokenImageError(ValueError):
    """Why one file is no image that can be read; its name is the caller's to tell."""


def header_shape(path: str | PathLike[str]) -> tuple[int, int, int]:
    """Return (height, width, channels) of an image file, from its header alone.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    tuple of three ints
        As the image is seen: turned as its EXIF orientation says. One channel for
        grey images, three for all others.

    Raises
    ------
    BrokenImageError
        When it is no file, or no image.
    """
    with _opened(path) as image:
        width, height = _seen_size(image)
        return height, width, 1 if _is_grey(image) else 3


def read_image(
    path: str | PathLike[str], shape: tuple[int, int, int], resize: bool = True
) -> np.ndarray:
    """Return the pixels of an image file in one shape.

    Its EXIF orientation is applied. Colours become grey as ITU-R 601-2 weighs them,
    grey becomes three equal colours, palettes become the colours that they stand for;
    transparency is dropped, unless four channels are asked for. Grey of 16 bits is
    divided by 257 and rounded, so that white stays white; of colours of 16 bits the
    upper 8 are taken; grey floats are taken as from 0 to 1. Of several frames or pages
    the first is read.

    Parameters
    ----------
    path : str or path-like
        The file.
    shape : tuple of three ints
        (height, width, channels), channels 1, 3 or 4.
    resize : bool, default=True
        Whether an image of another size is resized, bilinearly over all pixels that
        fall into one (a JPEG of several times the size is read at a fraction of it,
        which is faster); else it is an error.

    Returns
    -------
    ndarray of uint8
        Of that shape. The same whatever else is read.

    Raises
    ------
    BrokenImageError
        When it is no file or no image, is damaged, or of another size.
    """
    height, width, channels = shape
    with _opened(path) as image:
        size = _seen_size(image)
        if size != (width, height) and not resize:
            raise BrokenImageError(f"{size[1]}×{size[0]} pixels, not {height}×{width}")
        turn = _turn_of(image)
        if size != (width, height):
            twice = (2 * width, 2 * height)
            # Half the work of a photograph or less: JPEGs are made of small ones.
            image.draft(None, twice[::-1] if _swaps_sides(image) else twice)
        image.load()
        seen: Any = image if turn is None else image.transpose(turn)
        seen = _in_mode(seen, _MODES[channels], image.format or "")
        return _array(_of_size(seen, width, height), shape)


def resized(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize one image of an array, as files are resized.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, channels)
        Of any dtype; bools are taken as 0 and 1.
    shape : tuple of two ints
        (height, width) to be.

    Returns
    -------
    ndarray
        Of the same dtype and channels.
    """
    from PIL import Image

    if pixels.shape[:2] == shape:
        return pixels
    height, width = shape
    if pixels.dtype == np.uint8 and pixels.shape[2] in _MODES:
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        return _array(_of_size(image, width, height), (*shape, pixels.shape[2]))
    bands = [
        np.asarray(_of_size(Image.fromarray(band), width, height))
        for band in np.moveaxis(pixels, 2, 0).astype(np.float32)
    ]
    resized = np.stack(bands, axis=2)
    if not np.issubdtype(pixels.dtype, np.floating):
        resized = np.rint(resized)
    return resized.astype(pixels.dtype)


@contextmanager
def _opened(path: str | PathLike[str]) -> Iterator[Image.Image]:
    """Open an image whose header was read; whatever fails in the block is its fault."""
    from PIL import Image, UnidentifiedImageError

    try:
        with (
            open_regular(path) as file,
            Image.open(file, formats=FORMATS) as image,
        ):
            yield image
    except (BrokenImageError, MemoryError):
        raise
    except FileNotFoundError as err:
        raise BrokenImageError("was not found") from err
    except UnidentifiedImageError as err:
        raise BrokenImageError(f"is no image of {', '.join(FORMATS)}") from err
    # Readers of damaged files raise what they meet: of struct, of zlib, SyntaxError...
    except Exception as err:
        said = getattr(err, "strerror", None) or one_line(err, 200)
        raise BrokenImageError(said or type(err).__name__) from err


def _seen_size(image: Image.Image) -> tuple[int, int]:
    """Return (width, height) when it is turned as it should be."""
    width, height = image.size
    if image.format == "TIFF":  # Pillow tells them turned or not, by its version
        tags = image.tag_v2  # type: ignore[attr-defined]
        width, height = tags[_WIDTH], tags[_HEIGHT]
    return (height, width) if _swaps_sides(image) else (width, height)


def _swaps_sides(image: Image.Image) -> bool:
    return _orientation(image) in (5, 6, 7, 8)


def _orientation(image: Image.Image) -> int:
    """Return the orientation, 1 to 8, that stands before the pixels."""
    from PIL import Image as pillow  # noqa: N813  the module, as its class is named

    if image.format == "TIFF":
        return image.tag_v2.get(_ORIENTATION, 1)  # type: ignore[attr-defined]
    # That of PNGs reads all pixels first, in search of one that stands after them.
    return pillow.Image.getexif(image).get(_ORIENTATION, 1)


def _turn_of(image: Image.Image) -> Any:
    """Return how an image must be turned once it is loaded; None for not at all."""
    from PIL import Image as pillow  # noqa: N813

    if image.format == "TIFF":  # which Pillow turns itself
        return None
    return {
        2: pillow.Transpose.FLIP_LEFT_RIGHT,
        3: pillow.Transpose.ROTATE_180,
        4: pillow.Transpose.FLIP_TOP_BOTTOM,
        5: pillow.Transpose.TRANSPOSE,
        6: pillow.Transpose.ROTATE_270,
        7: pillow.Transpose.TRANSVERSE,
        8: pillow.Transpose.ROTATE_90,
    }.get(_orientation(image))


def _is_grey(image: Image.Image) -> bool:
    return image.mode in _GREY or image.mode.startswith("I")


def _in_mode(image: Any, mode: str, file_format: str) -> Any:
    if image.mode == "F" or image.mode.startswith("I"):
        image = _of_eight_bits(image)
    if mode != "RGBA":
        # Of one transparent colour, or a palette's, Pillow would warn.
        image.info.pop("transparency", None)
    return image if image.mode == mode else image.convert(mode)


def _of_eight_bits(image: Any) -> Any:
    from PIL import Image

    pixels = np.asarray(image)
    least, most = pixels.min(), pixels.max()
    if image.mode == "F":
        if not (least >= 0 and most <= 1):
            raise BrokenImageError(
                f"has pixels from {least:g} to {most:g}; floats must be from 0 to 1"
            )
        return Image.fromarray(np.rint(pixels * 255).astype(np.uint8))
    if least < 0 or most > 65535:
        raise BrokenImageError(
            f"has pixels from {least} to {most}; ints must be of 8 or 16 bits"
        )
    return Image.fromarray(((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8))


def _of_size(image: Any, width: int, height: int) -> Any:
    from PIL import Image

    if image.size == (width, height):
        return image
    return image.resize((width, height), Image.Resampling.BILINEAR)


def _array(image: Any, shape: tuple[int, int, int]) -> np.ndarray:
    return np.asarray(image).reshape(shape)
