"""Whether this process was forked after TensorFlow had started.

TensorFlow computes in threads of its own, which a forked child lacks: it would wait
for them for ever.
"""

from __future__ import annotations

import os

from sknn_mnist.networks._keras_private import has_started

__all__ = ["check_not_forked"]

# Set in a child that was forked while TensorFlow had threads.
_forked_while_running = False


def check_not_forked() -> None:
    """Refuse to work where TensorFlow would wait for threads that are not there.

    Raises
    ------
    RuntimeError
        In a child that was forked after TensorFlow had started.
    """
    if _forked_while_running:
        raise RuntimeError(
            "This process was forked after TensorFlow had started, which can not go on "
            "in it. Use joblib's loky backend (the default) or the start method "
            "'spawn', or fork before the first fit."
        )


def _after_fork() -> None:
    global _forked_while_running
    _forked_while_running = _forked_while_running or has_started()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
