"""Training states by epoch: their stores, their files, their fingerprints.

Knows `networks` and the ground floor. What `memory=` of the estimators stands for.
"""

from sknn_mnist.memory._stores import clear_memory

__all__ = [
    "clear_memory",
]
