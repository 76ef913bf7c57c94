"""What `_scikeras` expects of SciKeras; a failure here says that SciKeras moved."""

import inspect
import subprocess
import sys

import pytest
from scikeras.wrappers import BaseWrapper
from sklearn.base import BaseEstimator

from sknn_mnist.estimators._base import KerasEstimator
from sknn_mnist.estimators._scikeras import REPAIRED


@pytest.mark.parametrize("name", REPAIRED)
def test_what_is_repaired_is_still_there(name):
    assert name in vars(BaseWrapper)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("_initialize", ["self", "X", "y"]),
        ("_check_model_compatibility", ["self", "y"]),
        ("_validate_data", ["self", "X", "y", "reset", "y_numeric"]),
        ("_validate_sample_weight", ["X", "y", "sample_weight"]),
        ("_predict_raw", ["self", "X", "kwargs"]),
        ("_ensure_compiled_model", ["self"]),
        (
            "_fit_keras_model",
            [
                *["self", "X", "y", "sample_weight", "warm_start", "epochs"],
                *["initial_epoch", "kwargs"],
            ],
        ),
        (
            "_fit",
            [
                *["self", "X", "y", "sample_weight", "warm_start", "epochs"],
                *["initial_epoch", "kwargs"],
            ],
        ),
    ],
)
def test_hooks_are_as_they_were(name, parameters):
    hook = inspect.getattr_static(BaseWrapper, name)
    hook = hook.__func__ if isinstance(hook, staticmethod) else hook
    assert list(inspect.signature(hook).parameters) == parameters


def test_scikeras_frame_is_what_runs():
    frame = {"_fit", "current_epoch"}
    for name in frame:
        assert inspect.getattr_static(KerasEstimator, name) is vars(BaseWrapper)[name]


def test_scikeras_itself_is_left_as_it_was():
    code = """
import scikeras.wrappers as s
before = {n: dict(vars(c)) for n, c in vars(s).items() if isinstance(c, type)}
import sknn_mnist.estimators
for n, members in before.items():
    assert dict(vars(getattr(s, n))) == members, n
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "_more_tags" in vars(BaseWrapper)
    for ancestor in KerasEstimator.__mro__:  # old versions of scikit-learn have it
        if not ancestor.__module__.startswith("sklearn."):
            assert "_more_tags" not in vars(ancestor)
    assert issubclass(KerasEstimator, BaseEstimator)
