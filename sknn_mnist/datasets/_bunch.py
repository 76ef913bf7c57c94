"""What all loaders return, and the options they share."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from sklearn.utils import Bunch

from sknn_mnist._parameters import check_bool, check_one_of

__all__ = ["Loaded", "check_options", "pack"]

# A Bunch, or (X_train, X_test, y_train, y_test).
Loaded: TypeAlias = Any


def check_options(
    owner: str,
    layout: Any,
    return_X_y: Any,
    as_frame: Any,
    dtype: Any,
    download: Any = False,
) -> None:
    check_one_of("layout", layout, ("flat", "image"), owner)
    check_one_of("dtype", dtype, ("float32", "float64"), owner)
    check_bool("return_X_y", return_X_y, owner)
    check_bool("as_frame", as_frame, owner)
    check_bool("download", download, owner)
    if as_frame and layout != "flat":
        raise ValueError(
            f"The 'layout' parameter of {owner} must be 'flat' with as_frame=True. "
            f"Got {layout!r} instead."
        )


def pack(
    pixels: np.ndarray,
    target: np.ndarray,
    n_train: int,
    layout: str,
    return_X_y: bool,
    as_frame: bool,
    **about: Any,
) -> Loaded:
    """Return training and test sets, views of the pixels, in the layout asked for."""
    names = [f"pixel_{row}_{column}" for row in range(28) for column in range(28)]
    data: Any = pixels.reshape(len(pixels), -1) if layout == "flat" else pixels
    labels: Any = target
    frame = None
    if as_frame:
        import pandas as pd

        data = pd.DataFrame(data, columns=names)
        labels = pd.Series(target, name="target")
        frame = pd.concat([data, labels], axis=1)
    cut = data.iloc if as_frame else data
    cut_labels = labels.iloc if as_frame else labels
    parts = (cut[:n_train], cut[n_train:], cut_labels[:n_train], cut_labels[n_train:])
    if return_X_y:
        return parts
    X_train, X_test, y_train, y_test = parts
    return Bunch(
        X_train=X_train,
        X_test=X_test,
        y_train=y_train,
        y_test=y_test,
        data=data,
        target=labels,
        frame=frame,
        feature_names=names,
        target_names=np.arange(10),
        **about,
    )
