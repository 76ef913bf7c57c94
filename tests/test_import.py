"""Importing costs nothing that is not used, and every public name is there."""

import subprocess
import sys

import pytest

import sknn_mnist


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize(
    "module", ["sknn_mnist", "sknn_mnist.datasets", "sknn_mnist.reporting"]
)
def test_import_does_not_start_tensorflow(module):
    heavy = ["tensorflow", "keras", "scikeras", "matplotlib"]
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    assert run(code) == "[]"


@pytest.mark.parametrize("name", sorted(set(sknn_mnist.__all__) - {"__version__"}))
def test_public_names_load_and_are_documented(name):
    assert getattr(sknn_mnist, name).__doc__
    assert name in dir(sknn_mnist)


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="has no attribute 'DenseClasifier'"):
        sknn_mnist.DenseClasifier  # noqa: B018


def test_a_log_level_of_the_users_own_holds():
    code = "import os, sknn_mnist; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    assert run(code) == "1"
    assert run(f"import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '0'; {code}") == "0"


def test_version_is_the_projects():
    from importlib.metadata import version

    assert version("sknn-mnist") == sknn_mnist.__version__
