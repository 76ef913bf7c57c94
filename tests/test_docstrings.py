"""Docstrings agree with signatures, with each other, and their examples run."""

import doctest
import importlib
import importlib.util
import inspect
import pkgutil
import re

import matplotlib.pyplot as plt
import pytest

import sknn_mnist
from sknn_mnist import (
    CNNClassifier,
    CNNRegressor,
    DenseClassifier,
    DenseRegressor,
    KerasClassifier,
    KerasRegressor,
    build_cnn,
    build_dense,
)

DENSE = [DenseClassifier, DenseRegressor]
CNN = [CNNClassifier, CNNRegressor]
OWN = [KerasClassifier, KerasRegressor]
ESTIMATORS = [*DENSE, *CNN, *OWN]
CLASSIFIERS = [DenseClassifier, CNNClassifier]
REGRESSORS = [DenseRegressor, CNNRegressor]

WINGS = [
    each.name
    for each in pkgutil.iter_modules(sknn_mnist.__path__, "sknn_mnist.")
    if each.ispkg
]


def source_of(name):
    return importlib.util.find_spec(name).loader.get_source(name)


ROOMS_WITH_EXAMPLES = [
    each.name
    for each in pkgutil.walk_packages(sknn_mnist.__path__, "sknn_mnist.")
    if ">>> " in source_of(each.name)
]


def documented_parameters(documented):
    """Return {name: (type line, text)} of a numpydoc Parameters section."""
    text = inspect.getdoc(documented)
    section = re.search(r"Parameters\n-+\n(.*?)\n\n", text, re.S)
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


# What depends on the task, or on the network and who made it: who describe it alike.
BY_TASK = [CLASSIFIERS, REGRESSORS]
BY_MAKER = [[*DENSE, *CNN], OWN]
APART = {
    "loss": [*BY_TASK, OWN[:1], OWN[1:]],
    "metrics": [*BY_TASK, OWN[:1], OWN[1:]],
    "dtype": [*BY_TASK, OWN],
    "hidden_size": [DENSE, CNN],
    "batch_norm": [DENSE, CNN],
    "optimizer": BY_MAKER,
    "learning_rate": BY_MAKER,
    "batch_size": BY_MAKER,
    "callbacks": BY_MAKER,
    "target_encoder": [OWN[:1], OWN[1:]],
}
GROUPS = [ESTIMATORS, CLASSIFIERS, REGRESSORS, DENSE, CNN, OWN]


def shared_parameters(estimators):
    """Return the parameters that two of the estimators have, or more."""
    names = [name for each in estimators for name in inspect.signature(each).parameters]
    return sorted({name for name in names if names.count(name) > 1})


@pytest.mark.parametrize("name", shared_parameters(ESTIMATORS))
def test_estimators_describe_shared_parameters_alike(name):
    for group in APART.get(name, [ESTIMATORS]):
        told = [documented_parameters(each).get(name) for each in group]
        assert len(set(told) - {None}) == 1, name
        assert [each is None for each in told] == [
            name not in inspect.signature(each).parameters for each in group
        ]


@pytest.mark.parametrize("name", APART)
def test_what_they_describe_apart_differs(name):
    told = {documented_parameters(each).get(name) for each in ESTIMATORS} - {None}
    assert len(told) == len(APART[name])


def documented_attributes(documented):
    section = inspect.getdoc(documented).split("Attributes\n----------\n")[1]
    entries = re.split(r"\n(?=\w+ : )", section.split("\n\n")[0])
    return {each.partition(" : ")[0]: " ".join(each.split()) for each in entries}


@pytest.mark.parametrize(
    "group", [ESTIMATORS, CLASSIFIERS, REGRESSORS, DENSE, CNN, OWN]
)
def test_estimators_describe_shared_attributes_alike(group):
    told = [documented_attributes(each) for each in group]
    shared = set.intersection(*map(set, told)) - {"n_features_in_"}
    assert {"model_", "history_", "callbacks_"} <= shared
    for name in shared:
        assert len({each[name] for each in told}) == 1, name


@pytest.mark.parametrize("room", ROOMS_WITH_EXAMPLES)
def test_examples_run(room):
    module = importlib.import_module(room)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, tried = doctest.testmod(module, optionflags=flags)
    plt.close("all")
    assert tried > 0
    assert failed == 0


@pytest.mark.parametrize("wing", sorted(set(WINGS) - {"sknn_mnist.cli"}))
def test_public_names_have_an_example(wing):
    module = importlib.import_module(wing)
    without = [
        name
        for name in module.__all__
        if "\nExamples\n---" not in inspect.getdoc(getattr(module, name))
    ]
    assert without == []
