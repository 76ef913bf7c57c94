"""Importing costs nothing that is not used, and every public name is there."""

import os
import subprocess
import sys

import pytest

import sknn_mnist


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize(
    "module",
    [
        "sknn_mnist",
        "sknn_mnist.datasets",
        "sknn_mnist.model_selection",
        "sknn_mnist.reporting",
    ],
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


FIT = (
    "import numpy as np; from sknn_mnist import DenseClassifier; "
    "DenseClassifier(epochs=1).fit(np.eye(4), [0, 1, 0, 1]).predict(np.eye(4))"
)


def stderr_of(code, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TF_CPP")}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=kept | environment,
    ).stderr


def test_a_fit_starts_tensorflow_without_chatter():
    assert stderr_of(FIT) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        *(f"sknn_mnist.{name}" for name in sorted(sknn_mnist.__all__)),
        *("import sknn_mnist.display", "import sknn_mnist.inspection"),
    ],
)
def test_no_way_in_starts_it_with_chatter(code):
    assert stderr_of(f"import sknn_mnist; {code}") == ""


LINES = """\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1.2 3 port.cc:153] oneDNN is on.
2026-01-01 10:00:00.1: I tensorflow/core: hello
W0000 00:00:1.2 3 low memory
2026-01-01 10:00:00.1: E tensorflow/core: trouble
E0000 00:00:1.2 3 real trouble
I think, therefore: Python's own
"""


@pytest.mark.slow
@pytest.mark.parametrize(("level", "handed_on"), [(1, 4), (2, 3), (3, 1), (9, 1)])
def test_what_is_of_the_level_is_handed_on(level, handed_on):
    code = f"""
import os
from sknn_mnist.networks._quiet_start import without_chatter
with without_chatter({level}):
    os.write(2, {LINES.encode()!r})
"""
    assert stderr_of(code) == "".join(LINES.splitlines(keepends=True)[-handed_on:])


@pytest.mark.slow
def test_no_level_makes_the_start_louder():
    # What TensorFlow says depends on the processor; that we add nothing does not.
    def lines(code, level):
        return len(stderr_of(code, TF_CPP_MIN_LOG_LEVEL=level).splitlines())

    tensorflow = "import tensorflow as tf; tf.config.list_physical_devices('GPU')"
    assert [lines(FIT, level) for level in "123"] == [0, 0, 0]
    assert lines(FIT, "0") >= lines(tensorflow, "0")  # nothing is held back


@pytest.mark.slow
def test_the_users_level_stays_his():
    code = (
        "import os, sknn_mnist.builders; print(os.environ.get('TF_CPP_MIN_LOG_LEVEL'))"
    )
    for given, kept in [({}, "None"), ({"TF_CPP_MIN_LOG_LEVEL": "2"}, "2")]:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={k: v for k, v in os.environ.items() if k[:6] != "TF_CPP"} | given,
        )
        assert done.stdout.strip() == kept


def test_version_is_the_projects():
    from importlib.metadata import version

    assert version("sknn-mnist") == sknn_mnist.__version__
