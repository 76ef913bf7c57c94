"""Starts TensorFlow without its start-up chatter; imported before Keras.

Which CPU features TensorFlow uses, that logging is not initialised yet and that no GPU
is there is no news to a user of estimators. TensorFlow writes most of it to the
process's standard error before any setting can stop it, so what it writes while it
loads is held back, and its warnings and errors are handed on.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sknn_mnist._backend import check_backend, check_backend_wanted

__all__ = ["without_chatter"]

CHATTER = re.compile(
    rb"I\d{4} "  # information, in Abseil's format: I1123 or I0000
    rb"|\d{4}-\d\d-\d\d [\d:.]+: I "  # and in TensorFlow's
    rb"|WARNING: All log messages before absl::InitializeLog\(\)"
)
# CUDA's error where there is no NVIDIA driver to talk to.
NO_GPU = re.compile(rb"failed call to cuInit|Unable to register cu\w+ factory")


@contextmanager
def without_chatter() -> Iterator[None]:
    """Hold back what is written to standard error, and hand on what matters."""
    try:
        terminal = os.dup(2)
    except OSError:  # a daemon without standard error
        yield
        return
    _flush()
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            held.seek(0)
            has_driver = Path("/proc/driver/nvidia").exists()
            for line in held:
                if not CHATTER.match(line) and (has_driver or not NO_GPU.search(line)):
                    os.write(2, line)


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()


check_backend_wanted()

# TensorFlow switches oneDNN on by itself on the newest processors alone; on others a
# convolutional net would take twice the time. Workers inherit it.
if "tensorflow" not in sys.modules:
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# A level that the user has set holds, and then nothing is held back.
if "tensorflow" not in sys.modules and "TF_CPP_MIN_LOG_LEVEL" not in os.environ:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "1"
    try:
        with without_chatter():
            import tensorflow as tf

            # Looks for GPUs, and says so if it finds none; starts nothing.
            tf.config.list_physical_devices("GPU")
    finally:
        # Workers inherit the environment, and would take it for the user's wish.
        del os.environ["TF_CPP_MIN_LOG_LEVEL"]

check_backend()
