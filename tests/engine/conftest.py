"""What tests of the engine share."""

import pytest

import sknn_mnist


@pytest.fixture
def empty_pool():
    """Start without compiled networks, and leave none."""
    sknn_mnist.clear_network_pool()
    yield
    sknn_mnist.clear_network_pool()
