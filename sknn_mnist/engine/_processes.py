"""TensorFlow in worker processes: its share of cores and GPUs.

joblib and Dask tell each worker how many threads it may use by ``OMP_NUM_THREADS``,
which TensorFlow does not read: two workers on two cores would run four threads.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import warnings

import tensorflow as tf

__all__ = [
    "n_gpus",
    "n_threads",
    "take_share_of_cores",
    "take_share_of_gpus",
]


def take_share_of_cores() -> None:
    """Run TensorFlow on as many threads as this worker process is given.

    In a process that is no worker, and where ``TF_NUM_INTRAOP_THREADS`` is set,
    TensorFlow keeps its own number. Where it runs already, a warning says so.
    """
    # Not `parent_process()`, which is None while a spawned process imports what its
    # parent's main module imports.
    if multiprocessing.current_process().name == "MainProcess":
        return
    given = os.environ.get("OMP_NUM_THREADS", "")
    if "TF_NUM_INTRAOP_THREADS" in os.environ or not given.isdigit() or given == "0":
        return
    n_threads = int(given)
    if tf.config.threading.get_intra_op_parallelism_threads() == n_threads:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(n_threads)
        tf.config.threading.set_inter_op_parallelism_threads(n_threads)
    except RuntimeError:
        warnings.warn(
            f"This worker process may use {n_threads} thread(s) (OMP_NUM_THREADS), but "
            "TensorFlow runs on more already, since something used it before "
            "sknn_mnist was imported. Import sknn_mnist first, or set "
            "TF_NUM_INTRAOP_THREADS.",
            stacklevel=2,
        )


def take_share_of_gpus() -> None:
    """Take one GPU in a worker process, all in others, and memory as it is needed.

    By default TensorFlow takes all memory of all GPUs at once, and the second worker
    finds none. Where TensorFlow runs already, or the user has set the GPUs up, they
    stay as they are.
    """
    gpus = tf.config.list_physical_devices("GPU")
    name = multiprocessing.current_process().name
    try:
        if len(gpus) > 1 and name != "MainProcess":
            gpus = [gpus[_number_of(name) % len(gpus)]]
            tf.config.set_visible_devices(gpus, "GPU")
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    except (RuntimeError, ValueError):
        return


def n_threads() -> int:
    """Return how many threads TensorFlow computes on; 0 for as many as processors."""
    return int(tf.config.threading.get_intra_op_parallelism_threads())


def n_gpus() -> int:
    """Return how many GPUs TensorFlow finds."""
    return len(tf.config.list_physical_devices("GPU"))


def _number_of(process: str) -> int:
    """Return a worker's number: joblib counts its own, others have the system's."""
    number = re.search(r"\d+$", process)
    return int(number[0]) if number else os.getpid()
