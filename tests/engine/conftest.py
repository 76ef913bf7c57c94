"""What tests of the engine share."""

import pytest

import sknn_mnist
from sknn_mnist.engine import _loop


@pytest.fixture
def empty_pool():
    """Start without compiled networks, and leave none."""
    sknn_mnist.clear_network_pool()
    yield
    sknn_mnist.clear_network_pool()


@pytest.fixture
def loops_noted(monkeypatch):
    """Return what starts a list of something of each loop compiled from now on."""

    def noted(of):
        seen, original = [], _loop.compiled_loop
        monkeypatch.setattr(
            _loop,
            "compiled_loop",
            lambda *given: seen.append(of(*given)) or original(*given),
        )
        return seen

    return noted
