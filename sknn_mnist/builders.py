"""The builders of networks, as `sknn_mnist.networks` has them."""

from sknn_mnist.networks import build_cnn, build_dense

__all__ = ["build_cnn", "build_dense"]
