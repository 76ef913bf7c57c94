"""Keras must compute by TensorFlow: the engine compiles its loops there."""

from __future__ import annotations

import os

__all__ = ["check_backend", "check_backend_wanted"]


def check_backend_wanted() -> None:
    """Refuse what ``KERAS_BACKEND`` asks for, before TensorFlow meets the other one.

    Raises
    ------
    ImportError
        When it names another backend.
    """
    wanted = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if wanted != "tensorflow":
        raise _refused(wanted, "the environment variable KERAS_BACKEND")


def check_backend() -> None:
    """Refuse the backend that Keras has, which a file may have set.

    Raises
    ------
    ImportError
        When it is another one.
    """
    try:
        import keras

        found = keras.backend.backend()
    except ModuleNotFoundError as err:
        found = f"another one, which needs {err.name}"
    if found != "tensorflow":
        raise _refused(found, "keras.json, or an import of Keras before,")


def _refused(found: str, place: str) -> ImportError:
    return ImportError(
        f"sknn_mnist needs Keras's backend 'tensorflow', and {place} says {found!r}. "
        "Set KERAS_BACKEND=tensorflow before Keras is imported."
    )
