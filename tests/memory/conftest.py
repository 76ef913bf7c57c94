"""What tests of the memory share."""

import pytest

import sknn_mnist
from sknn_mnist.memory import _stores


@pytest.fixture
def nothing_kept():
    """Start without states, and with nothing said."""
    sknn_mnist.clear_memory(":memory:")
    _stores._said.clear()


@pytest.fixture(params=["folder", "process"])
def memory(request, tmp_path):
    return str(tmp_path / "states") if request.param == "folder" else ":memory:"
