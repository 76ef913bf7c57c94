"""Fitted estimators in files that run no code when they are read.

A file is a safetensors one: arrays and nothing else, with JSON in its header for
parameters, labels, history and versions, and a digest of all of it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from safetensors.numpy import save as to_safetensors
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sknn_mnist._messages import one_line
from sknn_mnist._regular_files import open_regular
from sknn_mnist._version import __version__
from sknn_mnist._whole_files import is_open_file, replacing, write_all
from sknn_mnist.estimators._base import KerasEstimator
from sknn_mnist.estimators._functions import check_model
from sknn_mnist.files._descriptions import (
    CLASSES,
    FORMATS,
    description_of,
    estimator_of,
)
from sknn_mnist.files._safetensors import MOST_HEADER, json_of, read_safetensors
from sknn_mnist.files._values import UnsavableError

__all__ = ["load", "save_estimator"]

# A path, or a file open in binary mode.
Place = str | os.PathLike[str] | BinaryIO

# Characters of JSON, which the header holds as JSON once more.
MOST_TEXT = MOST_HEADER // 4

# Characters of what is said about a file: it may quote what is in it.
MOST_SAID = 500


def load(path: Place, *, model: Any = None) -> KerasEstimator:
    """Load an estimator that its `save` wrote.

    Nothing in the file is run: it holds arrays, numbers and text, and may name
    Keras's own layers, optimizers, losses, metrics and activations, no other code, and
    of these none that runs code or reads files. A file that is truncated, changed, or
    not what `save` writes is refused before a network is built, and none takes more
    memory than its size is worth.

    Parameters
    ----------
    path : str, path-like or binary file
        The file; or one that is open, which is read from where it stands to the end of
        the estimator.
    model : callable, keras.Model or None, default=None
        For `KerasClassifier` and `KerasRegressor`: the function that makes the network,
        which no file holds. A network with layers, a loss or metrics of your own needs
        it: it is called with the keywords and the seed of the fit, and what it makes
        gets the weights. Any other network is made without it, and None then leaves
        the parameter `model` a stand-in, by which the estimator predicts and trains on,
        and says what `fit` lacks.

    Returns
    -------
    estimator
        Fitted as it was saved: predicts the same, and `partial_fit` and
        ``warm_start=True`` go on to the bit with the same versions of Keras and
        TensorFlow. Its `memory` is None and its `callbacks_` are empty.

    Raises
    ------
    OSError
        When the file can't be read, or is a pipe or device.
    ValueError
        When it holds no estimator, a damaged one, or one of a later version; or one
        that needs a `model`, or takes none, or another.
    TypeError
        When `path` is neither a path nor a file open in binary mode.

    See Also
    --------
    DenseClassifier.save : Write the file.

    Examples
    --------
    >>> import sknn_mnist, tempfile
    >>> from pathlib import Path
    >>> X, _, y, _ = sknn_mnist.load_digits28(return_X_y=True)
    >>> clf = sknn_mnist.DenseClassifier(epochs=1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "net.safetensors")
    ...     clf.save(path)
    ...     again = sknn_mnist.load(path)
    >>> bool((again.predict(X) == clf.predict(X)).all())
    True
    """
    if model is not None:
        check_model(model, "load")
    if is_open_file(path, "load", "read"):
        with _naming(getattr(path, "name", type(path).__name__)):
            return _estimator_in(path, model)
    path = Path(cast(str, path))
    with open_regular(path) as file, _naming(path):
        loaded = _estimator_in(file, model)
        if file.read(1):
            raise ValueError("there is more in it")
        return loaded


def save_estimator(estimator: KerasEstimator, path: Place) -> None:
    """Write a fitted estimator for `load`; the method `save` is documented."""
    to_file = is_open_file(path, "save", "write")
    check_is_fitted(estimator, "history_")
    owner = type(estimator).__name__
    if CLASSES.get(owner) is not type(estimator):
        raise TypeError(
            f"save can't write a {owner}: `load` makes {', '.join(CLASSES)} alone, and "
            "no subclass of them. Use joblib.dump instead."
        )
    if estimator._network.state is None:
        raise NotFittedError(
            f"This {owner} was initialized, and never fitted: `save` writes the state "
            "of a training. Use joblib.dump instead."
        )
    about, arrays = description_of(estimator)
    text = json.dumps(about)
    try:
        json_of(text)
        if len(text) > MOST_TEXT:
            raise ValueError(f"more than {MOST_TEXT:,} characters of JSON")
    except ValueError as err:
        raise UnsavableError(
            f"save can't write this {owner}: `load` would refuse its parameters, "
            f"labels or feature names ({err}). Use joblib.dump instead."
        ) from err
    data = to_safetensors(
        arrays, metadata={"sknn_mnist": text, "sha256": _digest(text, arrays)}
    )
    if to_file:
        write_all(cast(BinaryIO, path), data)
        return
    with replacing(Path(cast(str, path))) as draft, draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _naming(name: Any) -> Iterator[None]:
    """Turn whatever a file's content can cause into one sentence that names it."""
    try:
        yield
    except OSError:  # of the file itself
        raise
    # Keras raises what it likes when it is given what it does not expect.
    except Exception as err:
        # Of a TypeError or KeyError the message alone says nothing.
        plain = isinstance(err, ValueError) and not isinstance(err, UnicodeError)
        reason = f"{err}" if plain else f"{type(err).__name__}: {err}"
        reason = one_line(reason, MOST_SAID)
        raise ValueError(
            f"{name} can't be loaded as an estimator that `save` wrote: {reason}"
        ) from err


def _estimator_in(file: Any, model: Any) -> KerasEstimator:
    metadata, arrays = read_safetensors(file)
    if "sknn_mnist" not in metadata:
        raise ValueError("it is a safetensors file of something else")
    text = metadata["sknn_mnist"]
    about = json_of(text)
    if not isinstance(about, dict):
        raise ValueError("its metadata is not a JSON object")
    known = sorted({*FORMATS.values()})
    if about.get("format") not in known:
        raise ValueError(
            f"it has the format {about.get('format')!r}, and sknn_mnist "
            f"{__version__} reads {' and '.join(map(str, known))}"
        )
    if metadata.get("sha256") != _digest(text, arrays):
        raise ValueError("its content is not what was written")
    return estimator_of(about, arrays, model)


def _digest(text: str, arrays: dict[str, np.ndarray]) -> str:
    found = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        value = arrays[name]
        found.update(repr((name, value.dtype.str, value.shape)).encode())
        found.update(np.ascontiguousarray(value).data)
    return found.hexdigest()
