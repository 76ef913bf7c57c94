"""Versions, and what the arithmetic of this machine depends on."""

from __future__ import annotations

import os
import platform
import sys

from sknn_mnist._version import __version__

__all__ = ["show_version", "versions"]

_PACKAGES = ("sklearn", "keras", "tensorflow", "numpy", "pandas", "PIL")

# Variables that results depend on, in the last digits.
_VARIABLES = (
    *("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "ONEDNN_DEFAULT_FPMATH_MODE"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"),
)


def show_version(details: bool) -> None:
    """Print the version; with `details`, what it computes with.

    Parameters
    ----------
    details : bool
        Whether to start TensorFlow, and tell how it computes.
    """
    print(f"sknn-mnist {__version__}")
    if not details:
        return
    given = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    import pandas  # noqa: F401  so that its version is told
    import sklearn  # noqa: F401

    from sknn_mnist.engine._processes import n_gpus, n_threads
    from sknn_mnist.networks._keras_private import uses_onednn

    by_user = "by TF_ENABLE_ONEDNN_OPTS" if "TF_ENABLE_ONEDNN_OPTS" in given else ""
    onednn = {True: "on", False: "off", None: "unknown"}[uses_onednn()]
    facts = {
        **versions(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "TensorFlow's threads": n_threads() or "as many as processors",
        "oneDNN": f"{onednn}, {by_user or 'by sknn_mnist'}",
        "GPUs": n_gpus(),
        **given,
    }
    for name, value in facts.items():
        print(f"{name}: {value}")


def versions() -> dict[str, str]:
    """Return the versions of Python, of this package and of those in use.

    Returns
    -------
    dict of str to str
        By name of what is imported; packages that are not loaded are left out.
    """
    # Asked of the modules: distributions go by several names (tensorflow-cpu).
    loaded = {name: sys.modules[name] for name in _PACKAGES if name in sys.modules}
    return {
        "python": platform.python_version(),
        "sknn_mnist": __version__,
        **{name: str(module.__version__) for name, module in loaded.items()},
    }
