"""Estimators of one's own networks in files: they come back as they were."""

import copy
import pickle

import keras
import numpy as np
import pytest
from own_networks import CASES, CODE, LABELS, NUMBERS, WIDE, dense, frozen, own_loss
from own_networks import numbers as two_numbers
from saved_parts import parts
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import FunctionTransformer

import sknn_mnist
from sknn_mnist import DenseClassifier, KerasClassifier, KerasRegressor


def assert_same(one, other, case):
    X = case.X
    np.testing.assert_array_equal(one.predict(X), other.predict(X))
    assert one.predict(X).dtype == other.predict(X).dtype
    if hasattr(other, "predict_proba"):
        for each, its in zip(
            keras.tree.flatten(one.predict_proba(X)),
            keras.tree.flatten(other.predict_proba(X)),
            strict=True,
        ):
            np.testing.assert_array_equal(each, its)
    assert one.history_ == other.history_
    for each, its in zip(
        one.model_.get_weights(), other.model_.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(each, its)


@pytest.mark.slow
@pytest.mark.exact
@pytest.mark.parametrize("name", CASES)
def test_an_estimator_comes_back_as_it_was(name, tmp_path):
    case = CASES[name]
    estimator = case.fitted()
    estimator.save(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net")
    assert type(again) is type(estimator)
    assert again.score(case.X, case.y) == estimator.score(case.X, case.y)
    for each in ("n_features_in_", "classes_", "n_classes_", "n_outputs_", "X_shape_"):
        assert hasattr(again, each) == hasattr(estimator, each)
        if hasattr(again, each):
            for one, other in zip(
                keras.tree.flatten(getattr(again, each)),
                keras.tree.flatten(getattr(estimator, each)),
                strict=True,
            ):
                np.testing.assert_array_equal(one, other)
    # Not through `model_`, by which an estimator predicts once it was asked for.
    np.testing.assert_array_equal(again.predict(case.X), estimator.predict(case.X))
    for each in (again, estimator):
        each.set_params(callbacks=None)
        each._given.pop("callbacks__stop__patience", None)
        each.partial_fit(case.X, case.y)
    assert_same(again, estimator, case)
    for each in (again, estimator):
        each.set_params(warm_start=True, epochs=1, optimizer="rmsprop")
        each.fit(case.X, case.y)
    assert_same(again, estimator, case)


@pytest.mark.exact
@pytest.mark.parametrize("name", CODE)
def test_a_network_with_code_needs_its_function(name, tmp_path):
    case, message = CODE[name]
    estimator = case.fitted()
    estimator.save(tmp_path / "net")
    with pytest.raises(ValueError, match=message + r".*: give load the function that"):
        sknn_mnist.load(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net", model=case.function)
    assert again.model is case.function
    assert again.get_params() == estimator.get_params()
    for each in (again, estimator):
        each.partial_fit(case.X, case.y)
    assert_same(again, estimator, case)
    # What is fitted anew has the function, too.
    for each in (again, estimator):
        each.fit(case.X, case.y)
    assert_same(again, estimator, case)


def test_the_function_of_another_network_is_refused(tmp_path):
    case, _ = CODE["layer"]
    case.fitted().save(tmp_path / "net")

    def other(units=4, shift=0.0):
        return keras.Sequential([case.function(units + 1, shift)])

    with pytest.raises(ValueError, match="its arrays are not those of its network"):
        sknn_mnist.load(tmp_path / "net", model=other)
    with pytest.raises(ValueError, match="no parameter 'units'"):
        sknn_mnist.load(tmp_path / "net", model=frozen)
    with pytest.raises(ValueError, match="'model' parameter of load"):
        sknn_mnist.load(tmp_path / "net", model=3)


def test_keywords_that_the_function_was_called_with_come_back(tmp_path):
    case, _ = CODE["layer"]
    estimator = KerasClassifier(case.function, units=6, shift=0.5, epochs=1)
    estimator.fit(WIDE, LABELS).set_params(units=9, epochs=4)  # for the next fit
    estimator.save(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net", model=case.function)
    np.testing.assert_array_equal(again.predict(WIDE), estimator.predict(WIDE))
    assert (again.units, again.shift, again.epochs) == (9, 0.5, 4)
    with pytest.raises(
        ValueError, match="can't continue a network fitted with units=6"
    ):
        again.partial_fit(WIDE, LABELS)


@pytest.mark.exact
def test_a_function_can_be_given_where_none_is_needed(tmp_path):
    case = CASES["dense"]
    estimator = case.fitted()
    estimator.save(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net", model=dense)
    assert repr(again) == repr(estimator)
    for each in (again, estimator):
        each.partial_fit(case.X, case.y)
    assert_same(again, estimator, case)
    twin = clone(again).fit(case.X, case.y)
    np.testing.assert_array_equal(
        twin.predict_proba(WIDE), clone(estimator).fit(WIDE, case.y).predict_proba(WIDE)
    )


def test_without_the_function_it_is_told_what_a_new_fit_needs(tmp_path):
    case = CASES["dense"]
    case.fitted().save(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net")
    assert repr(again.model) == "<dense, without its code>"
    assert (again.hidden_size, again.rate) == (5, 0.2)
    before = again.predict_proba(WIDE)
    for each in (again, clone(again)):
        with pytest.raises(TypeError, match=r"no code of 'dense'.*a function that"):
            each.fit(WIDE, LABELS)
    np.testing.assert_array_equal(again.predict_proba(WIDE), before)
    for twin in (copy.deepcopy(again), pickle.loads(pickle.dumps(again))):
        twin.partial_fit(WIDE, LABELS)
        twin.set_params(model=dense).fit(WIDE, LABELS)
        assert twin.model is dense


@pytest.mark.exact
def test_a_loaded_estimator_can_be_saved_again(tmp_path):
    for name in ("dense", "two inputs by name", "numbers"):
        case = CASES[name]
        case.fitted().save(tmp_path / "net")
        sknn_mnist.load(tmp_path / "net").save(tmp_path / "again")
        assert parts(tmp_path / "again")[0] == parts(tmp_path / "net")[0]


def test_a_network_that_was_frozen_stays_so(tmp_path):
    case = CASES["frozen"]
    estimator = case.fitted()
    estimator.save(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net")
    held = again.model_.get_layer("base").get_weights()
    assert len(again.model_.trainable_variables) == 2
    again.partial_fit(case.X, case.y)
    for one, other in zip(
        again.model_.get_layer("base").get_weights(), held, strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_feature_names_come_back(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(WIDE, columns=[f"x{i}" for i in range(9)])
    estimator = KerasClassifier(dense, epochs=1).fit(frame, LABELS)
    estimator.save(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net")
    assert list(again.feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        again.predict(frame[frame.columns[::-1]])


class Own(KerasClassifier):
    pass


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Own(dense, epochs=1), "save can't write a Own"),
        (
            KerasClassifier(dense, epochs=1, loss=own_loss),
            "save can't write loss=<function own_loss",
        ),
        (
            KerasClassifier(dense, epochs=1, metrics=[own_loss]),
            "save can't write metrics=",
        ),
        (
            KerasClassifier(dense, epochs=1, feature_encoder=FunctionTransformer()),
            "save can't write feature_encoder=FunctionTransformer",
        ),
        (
            KerasClassifier(
                dense, epochs=1, callbacks={"log": keras.callbacks.CSVLogger("log")}
            ),
            "save can't write callbacks=.*none of the callbacks that files hold, Early",
        ),
        (
            KerasClassifier(
                dense, epochs=1, metrics="AUC", metrics__num_thresholds=10**5
            ),
            "save can't write the parameters of KerasClassifier: Keras would make",
        ),
    ],
    ids=["subclass", "loss", "metric", "encoder", "callback", "routed"],
)
def test_what_can_not_be_saved_is_said(estimator, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError, match=message):
        estimator.fit(WIDE, LABELS).save(tmp_path / "net")
    assert not (tmp_path / "net").exists()


def test_what_was_initialized_alone_is_said(tmp_path):
    clf = KerasClassifier(dense).initialize(WIDE, LABELS)
    with pytest.raises(NotFittedError, match="initialized, and never fitted"):
        clf.save(tmp_path / "net")


def test_another_function_than_that_of_the_fit_is_said(tmp_path):
    estimator = KerasClassifier(dense, epochs=1).fit(WIDE, LABELS)
    estimator.set_params(model=frozen)
    with pytest.raises(TypeError, match="its model is another than in fit"):
        estimator.save(tmp_path / "net")


def test_a_function_is_for_networks_that_functions_make(tmp_path):
    DenseClassifier(epochs=1).fit(WIDE, LABELS).save(tmp_path / "net")
    with pytest.raises(ValueError, match="whose network no function makes"):
        sknn_mnist.load(tmp_path / "net", model=dense)


def test_arrays_that_are_none_of_numpy_are_said(tmp_path):
    def make():
        hidden = keras.layers.Dense(3, dtype="bfloat16")
        out = keras.layers.Dense(3, "softmax")
        return keras.Sequential([keras.Input((9,)), hidden, out])

    estimator = KerasClassifier(make, epochs=1).fit(WIDE, LABELS)
    with pytest.raises(TypeError, match="save can't write arrays of bfloat16"):
        estimator.save(tmp_path / "net")


def test_older_versions_are_told_of_the_format(tmp_path):
    formats = []
    for estimator in (
        DenseClassifier(epochs=1).fit(WIDE, LABELS),
        KerasRegressor(two_numbers, epochs=1).fit(WIDE, NUMBERS),
    ):
        estimator.save(tmp_path / "net")
        formats.append(parts(tmp_path / "net")[0]["format"])
    assert formats == [1, 2]
