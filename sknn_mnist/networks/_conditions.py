"""What a computation depends on besides its network: settings and versions.

Said once, here: the pool, the memory and the forward passes all ask. The processor and
the number of threads are not among them: they round sums differently, no more.
"""

from __future__ import annotations

import os
from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import tensorflow as tf

from sknn_mnist._version import __version__
from sknn_mnist.networks._keras_private import is_deterministic, uses_onednn

__all__ = ["FPMATH_VARIABLES", "ISA_VARIABLES", "conditions", "versions"]

# How oneDNN computes: with which instructions, in which precision; each under its name
# of today and its old one.
ISA_VARIABLES = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
FPMATH_VARIABLES = ("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE")

# Functions of `keras.config` that older versions may lack.
_KERAS_SETTINGS = (
    "epsilon",
    "floatx",
    "image_data_format",
    "is_flash_attention_enabled",
)


def conditions() -> tuple[Any, ...]:
    """Return the settings that Keras and TensorFlow compute by, as they are now.

    Returns
    -------
    tuple
        Hashable; what is computed under equal ones is equal.
    """
    return (
        *(getattr(keras.config, name, _nothing)() for name in _KERAS_SETTINGS),
        keras.config.dtype_policy().name,
        tf.config.experimental.tensor_float_32_execution_enabled(),
        is_deterministic(),
        tf.config.optimizer.get_jit(),
        tuple(sorted(tf.config.optimizer.get_experimental_options().items())),
        _ONEDNN,
    )


def versions() -> dict[str, str]:
    """Return the versions of what computes, by the names of the modules."""
    return {
        "sknn_mnist": __version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
    }


def _nothing() -> None:
    return None


# Fixed when TensorFlow starts.
_ONEDNN = (
    uses_onednn(),
    *(
        os.environ.get(name)
        for both in zip(ISA_VARIABLES, FPMATH_VARIABLES, strict=True)
        for name in both
    ),
)
