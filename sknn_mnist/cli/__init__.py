"""The command line ``sknn-mnist``: searches, fits and predictions from a shell.

Knows every wing; no wing knows it.
"""

from sknn_mnist.cli._main import main

__all__ = [
    "main",
]
