"""scikit-learn's bundled digits, in MNIST's shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknn_mnist._parameters import as_random_state, invalid
from sknn_mnist.datasets._bunch import Loaded, check_options, pack

__all__ = ["load_digits28"]

DIGITS28_DESCR = """scikit-learn's handwritten digits, in MNIST's shape.

1,797 images of 8×8 pixels, enlarged to 20×20 and framed to 28×28, 10 classes.
E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
Learning Repository, 1998.
"""


def load_digits28(
    *,
    layout: str = "flat",
    test_size: float = 0.2,
    random_state: Any = 0,
    return_X_y: bool = False,
    as_frame: bool = False,
    dtype: str = "float32",
) -> Loaded:
    """Load scikit-learn's bundled digits at 28×28 pixels.

    Every network of the lesson runs on them without a download. The images of
    8×8 pixels are enlarged to 20×20 by linear interpolation and framed by 4 empty
    pixels, as MNIST frames its digits.

    Parameters
    ----------
    layout : {"flat", "image"}, default="flat"
        Whether each sample of X is a row of 784 features or an image of 28×28.
    test_size : float, default=0.2
        Fraction of the samples that make the test set, in (0, 1), or their number, as
        `sklearn.model_selection.train_test_split` takes it.
    random_state : int, RandomState instance or None, default=0
        Seeds the split, which is stratified.
    return_X_y : bool, default=False
        Whether to return ``(X_train, X_test, y_train, y_test)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether X are DataFrames and y are Series. Only with the flat layout.
    dtype : {"float32", "float64"}, default="float32"
        Dtype of X.

    Returns
    -------
    Bunch or tuple
        As from :func:`load_mnist`; by default 1,437 training and 360 test samples.

    Raises
    ------
    ValueError or TypeError
        When a parameter is out of its range.

    Examples
    --------
    >>> from sknn_mnist.datasets import load_digits28
    >>> X_train, X_test, y_train, y_test = load_digits28(return_X_y=True)
    >>> X_train.shape, X_test.shape
    ((1437, 784), (360, 784))
    """
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    owner = "load_digits28"
    check_options(owner, layout, return_X_y, as_frame, dtype)
    generator = as_random_state("random_state", random_state, owner)
    bundled = load_digits()
    try:
        train, test = train_test_split(
            np.arange(len(bundled.target)),
            test_size=test_size,
            random_state=generator,
            stratify=bundled.target,
        )
    except (ValueError, TypeError) as err:
        raise invalid(
            "test_size",
            owner,
            "a fraction in the range (0.0, 1.0) or a number of samples that leaves "
            "some of each class to both sets",
            test_size,
        ) from err
    # grid_mode takes pixels as areas, so that the picture does not shift.
    enlarged = zoom(
        bundled.images / 16, (1, 2.5, 2.5), order=1, mode="nearest", grid_mode=True
    )
    images = np.pad(np.clip(enlarged, 0, 1), ((0, 0), (4, 4), (4, 4)))
    order = np.concatenate([train, test])
    return pack(
        images[order].astype(dtype),
        bundled.target[order].astype(np.int64),
        len(train),
        layout,
        return_X_y,
        as_frame,
        DESCR=DIGITS28_DESCR,
        name="digits",
        source="sklearn.datasets.load_digits",
    )
