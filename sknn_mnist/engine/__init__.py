"""The engine: training loop, pool of networks, cached tensors, forward passes, workers.

Knows `memory`, `networks` and the ground floor. Arrays and recipes in, arrays out:
nothing here knows scikit-learn.
"""

from sknn_mnist.engine._pool import clear_network_pool

__all__ = [
    "clear_network_pool",
]
