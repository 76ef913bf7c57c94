"""Image files: their pixels as arrays of one shape and of uint8.

Knows the ground floor alone.
"""

from sknn_mnist.images._reader import ImageReader

__all__ = ["ImageReader"]
