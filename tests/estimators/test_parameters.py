"""Constructors: what estimators share is the same in all, and they stay estimators."""

import dataclasses
import inspect
import typing

import numpy as np
import pytest
from rich.pretty import pretty_repr
from sklearn.base import clone

from sknn_mnist import (
    CNNClassifier,
    CNNRegressor,
    DenseClassifier,
    DenseRegressor,
    KerasClassifier,
    KerasRegressor,
)
from sknn_mnist.estimators import _own_parameters, _parameters
from sknn_mnist.estimators._constructors import names_of

FIXED = [DenseClassifier, DenseRegressor, CNNClassifier, CNNRegressor]
OWN = [KerasClassifier, KerasRegressor]
ESTIMATORS = [*FIXED, *OWN]
HOLDERS = [
    (_parameters.TrainingParameters, ESTIMATORS),
    (_parameters.ClassParameters, [DenseClassifier, CNNClassifier, KerasClassifier]),
    (_parameters.DenseParameters, [DenseClassifier, DenseRegressor]),
    (_parameters.CNNParameters, [CNNClassifier, CNNRegressor]),
    (_parameters.ImageParameters, [CNNClassifier, CNNRegressor]),
    (_parameters.PixelParameters, FIXED),
    (_own_parameters.ModelParameter, OWN),
    (_own_parameters.OwnParameters, OWN),
]

X = np.random.default_rng(0).random((30, 4)).astype(np.float32)
y = (X[:, 0] > 0.5).astype(int)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_constructor_has_what_its_holders_name_and_no_more(estimator):
    named = [
        name
        for holder, estimators in HOLDERS
        if estimator in estimators
        for name in names_of(holder)
    ]
    assert sorted(inspect.signature(estimator).parameters) == sorted({*named})
    assert sorted(estimator().get_params()) == sorted({*named})


@pytest.mark.parametrize("estimator", FIXED)
def test_defaults_are_those_of_the_builder(estimator):
    of_estimator = inspect.signature(estimator).parameters
    of_builder = inspect.signature(estimator._builder).parameters
    # The others are what an estimator finds from the data.
    given = set(of_builder) - {"input_shape", "n_outputs", "output_activation", "seed"}
    assert given <= set(of_estimator)
    assert {"hidden_size", "activation", "dropout", "batch_norm", "dtype"} <= given
    assert {name: of_estimator[name].default for name in given} == {
        # By default an estimator finds from the data whether there is rescaling.
        name: "auto" if name == "rescaling" else of_builder[name].default
        for name in given
    }


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_first_parameter_alone_goes_by_position(estimator):
    first, *others = inspect.signature(estimator).parameters.values()
    assert first.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert {each.kind for each in others} == {inspect.Parameter.KEYWORD_ONLY}
    assert getattr(estimator(7), first.name) == 7


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_constructor_assigns_and_judges_nothing(estimator):
    names = list(inspect.signature(estimator).parameters)
    things = {name: object() for name in names}
    made = estimator(**things)
    assert {name: vars(made)[name] for name in things} == things
    assert {**vars(made), "_given": {}} == {**things, "_given": {}}
    assert made.get_params(deep=False) == things


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimators_of_equal_parameters_are_not_equal(estimator):
    one, other = estimator(3), estimator(3)
    assert one != other
    assert len({one, other}) == 2
    # What takes its arguments for all there is to it loses what a fit learnt.
    assert not dataclasses.is_dataclass(one)
    assert not hasattr(one, "__attrs_attrs__")


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_class_has_no_more_than_its_methods(estimator):
    names = list(inspect.signature(estimator).parameters)
    has = [name for name in names if hasattr(estimator, name)]
    # Which a subclass may override.
    assert has == (["feature_encoder", "target_encoder"] if estimator in OWN else [])
    assert not hasattr(estimator, "__match_args__")


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_annotations_of_a_constructor_are_types(estimator):
    hints = typing.get_type_hints(estimator.__init__)
    assert hints["epochs"] is int
    assert hints["batch_size"] == int | None
    assert estimator.__init__.__qualname__ == f"{estimator.__name__}.__init__"
    assert estimator.__init__.__module__ == estimator.__module__


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_rich_prints_the_repr_of_scikit_learn(estimator):
    first = next(iter(inspect.signature(estimator).parameters))
    assert pretty_repr(estimator(64)) == f"{estimator.__name__}({first}=64)"


def test_an_unknown_parameter_is_refused_by_the_constructor():
    with pytest.raises(TypeError, match=r"DenseClassifier.__init__\(\) got .*'epoch'"):
        DenseClassifier(epoch=3)
    with pytest.raises(TypeError, match="positional"):
        CNNClassifier(8, 3)


def test_dask_tells_fits_on_other_data_apart():
    tokenize = pytest.importorskip("dask.base").tokenize
    net = DenseClassifier(2, epochs=1, random_state=0)
    one, other = clone(net).fit(X, y), clone(net).fit(X[::-1] * 2, y)
    assert tokenize(one) != tokenize(other)
    assert tokenize(one) == tokenize(one)
