"""Docstrings agree with signatures, with each other, and their examples run."""

import doctest
import importlib
import inspect
import re

import pytest

from sknn_mnist import (
    CNNClassifier,
    CNNRegressor,
    DenseClassifier,
    DenseRegressor,
    build_cnn,
    build_dense,
)

ESTIMATORS = [DenseClassifier, DenseRegressor, CNNClassifier, CNNRegressor]


def documented_parameters(documented):
    """Return {name: (type line, text)} of a numpydoc Parameters section."""
    text = inspect.getdoc(documented)
    section = re.search(r"Parameters\n-+\n(.*?)\n\n[A-Z]\w+( \w+)?\n-+", text, re.S)
    entries = re.split(r"\n(?=\w+ : )", section[1])
    found = {}
    for entry in entries:
        head, _, body = entry.partition("\n")
        name, _, kind = head.partition(" : ")
        found[name] = (kind, " ".join(body.split()))
    return found


@pytest.mark.parametrize("documented", [*ESTIMATORS, build_dense, build_cnn])
def test_every_parameter_is_documented_with_its_default(documented):
    signature = inspect.signature(documented).parameters
    told = documented_parameters(documented)
    assert list(told) == list(signature)
    for name, parameter in signature.items():
        default = re.search(r"default=(.*)$", told[name][0])[1]
        assert default.replace('"', "'") == repr(parameter.default), name


@pytest.mark.parametrize(
    "name",
    [
        *["optimizer", "learning_rate", "batch_size", "epochs", "validation_split"],
        *["shuffle", "callbacks", "warm_start", "random_state", "verbose"],
        *["dropout", "activation"],
    ],
)
def test_estimators_describe_shared_parameters_alike(name):
    assert len({documented_parameters(each)[name] for each in ESTIMATORS}) == 1


@pytest.mark.parametrize("one", [(0, 2), (1, 3)])
@pytest.mark.parametrize("name", ["loss", "metrics", "dtype"])
def test_classifiers_and_regressors_each_describe_theirs_alike(one, name):
    told = {documented_parameters(ESTIMATORS[position])[name] for position in one}
    assert len(told) == 1


@pytest.mark.parametrize(
    "room",
    [
        *["networks._builders", "datasets._loaders", "estimators._estimators"],
        "reporting._pivot",
    ],
)
def test_examples_run(room):
    module = importlib.import_module(f"sknn_mnist.{room}")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, tried = doctest.testmod(module, optionflags=flags)
    assert tried > 0
    assert failed == 0
