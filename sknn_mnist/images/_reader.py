"""From paths to images, as a step of a pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sknn_mnist._parameters import check_one_of, invalid
from sknn_mnist.images._reading import (
    Skipped,
    check_file_shape,
    common_shape,
    is_path_array,
    read_images,
)

__all__ = ["ImageReader"]


class ImageReader(TransformerMixin, BaseEstimator):
    """Reads image files: paths in, images out.

    PNG, JPEG, BMP, GIF, TIFF, WebP and PPM files, by Pillow. Their EXIF orientation is
    applied. Grey stays grey where all files are; else all become RGB: palettes and
    CMYK as the colours that they stand for, transparency is dropped. Grey of 16 bits
    is divided by 257. Of several frames or pages the first is read.

    Parameters
    ----------
    image_shape : {"auto"}, tuple or None, default=None
        (height, width) that images are resized to, bilinearly over all pixels that
        fall into one, or (height, width, channels) with 1, 3 or 4 channels (grey,
        RGB, RGBA). None or "auto" for that of the files seen in fit, which must all
        have one size, as those read later must.
    on_error : {"raise", "skip"}, default="raise"
        What to do with files that can't be read: an error that names all of them; or
        leave them out, so that there are fewer images than paths, and note them in
        `skipped_`. In a pipeline with y leave it at "raise".

    Attributes
    ----------
    image_shape_ : tuple of three ints
        (height, width, channels) of all images that `transform` returns.
    skipped_ : list of (int, str, str)
        With ``on_error="skip"``: place among the paths, file and what is wrong, of
        those left out by the last `fit` or `transform`.

    See Also
    --------
    sknn_mnist.datasets.load_images : Images and labels, from a folder or a file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sknn_mnist import ImageReader
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name, colour in {"red.png": (255, 0, 0), "blue.png": (0, 0, 255)}.items():
    ...     Image.new("RGB", (32, 20), colour).save(folder / name)
    >>> paths = [folder / "red.png", folder / "blue.png"]
    >>> ImageReader().fit_transform(paths).shape
    (2, 20, 32, 3)
    >>> ImageReader(image_shape=(8, 8)).fit_transform(paths)[0, 0, 0].tolist()
    [255, 0, 0]
    """

    def __init__(self, image_shape: Any = None, on_error: str = "raise") -> None:
        self.image_shape = image_shape
        self.on_error = on_error

    def fit(self, X: Any, y: Any = None) -> ImageReader:
        """Learn the images' shape from the headers of files.

        Parameters
        ----------
        X : array-like of str or path-like of shape (n,) or (n, 1)
            The files.
        y : object, default=None
            Not used.

        Returns
        -------
        ImageReader
            This one.

        Raises
        ------
        ValueError or TypeError
            When a parameter is out of its range, X holds no paths, files can't be
            read, or have several sizes and `image_shape` says none.
        """
        owner = type(self).__name__
        if not self._keeps_size():
            try:
                check_file_shape(self.image_shape, owner)
            except ValueError:
                raise invalid(
                    "image_shape",
                    owner,
                    "None, 'auto', (height, width) or (height, width, channels) of "
                    "positive ints, with 1, 3 or 4 channels",
                    self.image_shape,
                ) from None
        check_one_of("on_error", self.on_error, ("raise", "skip"), owner)
        _check_paths(X, owner)
        skipped: Skipped = []
        self.image_shape_ = common_shape(
            X, self.image_shape, on_error=self.on_error, skipped=skipped
        )
        self.skipped_ = skipped
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Read files.

        Parameters
        ----------
        X : array-like of str or path-like of shape (n,) or (n, 1)
            The files.

        Returns
        -------
        ndarray of uint8 of shape (n, height, width, channels)
            Their images, in `image_shape_`.

        Raises
        ------
        ValueError or TypeError
            When X holds no paths, or files can't be read, or are of another size than
            those seen in fit and `image_shape` says none.
        """
        check_is_fitted(self)
        _check_paths(X, type(self).__name__)
        skipped: Skipped = []
        images = read_images(
            X,
            self.image_shape_,
            resize=not self._keeps_size(),
            on_error=self.on_error,
            skipped=skipped,
        )
        self.skipped_ = skipped
        return images

    def set_output(self, *, transform: str | None = None) -> ImageReader:
        """Leave the output as it is: images have no columns to be a frame of.

        Parameters
        ----------
        transform : str or None, default=None
            Not used.

        Returns
        -------
        ImageReader
            This one.
        """
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        return tags

    def _keeps_size(self) -> bool:
        return self.image_shape is None or (
            isinstance(self.image_shape, str) and self.image_shape == "auto"
        )


def _check_paths(X: Any, owner: str) -> None:
    if not is_path_array(X):
        what = f"an array of {X.dtype}" if hasattr(X, "dtype") else repr(X)
        raise TypeError(
            f"X of {owner} must be paths of image files, an array-like of str or "
            f"path-like of shape (n,) or (n, 1). Got {what:.200} instead."
        )
