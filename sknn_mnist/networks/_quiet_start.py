"""Starts TensorFlow without its start-up chatter; imported before Keras.

Which CPU features TensorFlow uses, that logging is not initialised yet and that no GPU
is there is no news to a user of estimators. TensorFlow writes most of it to the
process's standard error before any setting can stop it, so what it writes while it
loads is held back, and its warnings and errors are handed on. A level that the user has
set in TF_CPP_MIN_LOG_LEVEL holds from the first line on: at 0 nothing is held back, at
2 warnings are too, at 3 errors.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sknn_mnist.networks._backend import check_backend, check_backend_wanted

__all__ = ["without_chatter"]

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
SEVERITIES = b"IWEF"  # 0 to 3
SEVERITY = re.compile(
    rb"([IWEF])\d{4} \d\d:"  # in Abseil's format: I1123 or I0000
    rb"|\d{4}-\d\d-\d\d [\d:.]+: ([IWEF]) "  # and in TensorFlow's
)
NO_NEWS = re.compile(rb"WARNING: All log messages before absl::InitializeLog\(\)")
# CUDA's error where there is no NVIDIA driver to talk to.
NO_GPU = re.compile(rb"failed call to cuInit|Unable to register cu\w+ factory")
# And where there is one, but the user lets this process see no device.
HIDDEN_GPU = re.compile(rb"CUDA_ERROR_NO_DEVICE")


@contextmanager
def without_chatter(level: int = 1) -> Iterator[None]:
    """Hold back what is written to standard error, and hand on what matters.

    Of TensorFlow's lines those of the level and above; all lines of others.
    """
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
                if _matters(line, level, has_driver):
                    os.write(2, line)


def _matters(line: bytes, level: int, has_driver: bool) -> bool:
    if NO_NEWS.match(line) or HIDDEN_GPU.search(line):
        return False
    if NO_GPU.search(line) and not has_driver:
        return False
    found = SEVERITY.match(line)
    # A fatal one ends the process: it is said at any level, as TensorFlow says it.
    return found is None or (
        SEVERITIES.index(found[1] or found[2]) >= min(level, len(SEVERITIES) - 1)
    )


def _level() -> int:
    """Return the level that the user has set, 1 where none is."""
    try:
        return max(0, int(os.environ.get(LEVEL, "1")))
    except ValueError:
        return 0  # as TensorFlow reads it


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()


def _start() -> None:
    import tensorflow as tf

    # Looks for GPUs, and says so if it finds none; starts nothing.
    tf.config.list_physical_devices("GPU")


check_backend_wanted()

# TensorFlow switches oneDNN on by itself on the newest processors alone; on others a
# convolutional net would take twice the time. Workers inherit it.
if "tensorflow" not in sys.modules:
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

if "tensorflow" not in sys.modules and _level() > 0:
    _is_users = LEVEL in os.environ
    os.environ.setdefault(LEVEL, "1")
    try:
        with without_chatter(_level()):
            _start()
    finally:
        # Workers inherit the environment, and would take it for the user's wish.
        if not _is_users:
            del os.environ[LEVEL]

check_backend()
