"""Validation data: one's own, the last rows, or a splitter's first split."""

import re
import warnings

import keras
import numpy as np
import pandas as pd
import pytest
import sklearn
from keras import layers
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    GroupShuffleSplit,
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedShuffleSplit,
    cross_val_score,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_mnist import (
    CNNClassifier,
    DenseClassifier,
    DenseRegressor,
    KerasClassifier,
)
from sknn_mnist.datasets import RowView

RNG = np.random.default_rng(0)
N = 120
X = RNG.random((N, 16)).astype("float32")
LABELS = np.array(["a", "b", "c"])[np.arange(N) % 3]
NUMBERS = X[:, :2] * 3
SETTINGS = {"epochs": 2, "batch_size": 32, "random_state": 0}
LAST = slice(N - 24, None)
FIRST = slice(N - 24)


def net(**parameters):
    return DenseClassifier(**{"hidden_size": 4, **SETTINGS, **parameters})


def is_same(one, other):
    assert one.history_.keys() == other.history_.keys()
    for name, values in one.history_.items():
        np.testing.assert_array_equal(values, other.history_[name])
    weights = (each.model_.get_weights() for each in (one, other))
    return all(map(np.array_equal, *weights))


def two_inputs():
    one, other = keras.Input((10,), name="one"), keras.Input((6,), name="two")
    hidden = layers.Concatenate()([one, other])
    return keras.Model([one, other], layers.Dense(3, activation="softmax")(hidden))


# -- rows of one's own ---------------------------------------------------------------

CASES = {
    "labels": (net(), X, LABELS),
    "list": (net(), X.tolist(), LABELS.tolist()),
    "frame": (net(), pd.DataFrame(X).add_prefix("x"), pd.Series(LABELS)),
    "sparse": (net(), sparse.csr_matrix(X), LABELS),
    "8 bits": (net(), np.rint(255 * X).astype("uint8"), LABELS),
    "one-hot": (
        net(loss="categorical_crossentropy"),
        X,
        np.eye(3, dtype=int)[np.arange(N) % 3],
    ),
    "several labels": (net(), X, (X[:, :3] > 0.5).astype(int)),
    "two classes": (net(), X, LABELS == "a"),
    "numbers": (DenseRegressor(hidden_size=4, **SETTINGS), X, NUMBERS),
    "images": (
        CNNClassifier(filters=2, kernel_size=2, hidden_size=4, **SETTINGS),
        X.reshape(N, 4, 4),
        LABELS,
    ),
    "read later": (
        CNNClassifier(filters=2, image_shape=(4, 4), hidden_size=4, **SETTINGS),
        RowView(X),
        LABELS,
    ),
    "own, two inputs": (
        KerasClassifier(two_inputs, **SETTINGS),
        {"one": X[:, :10], "two": X[:, 10:]},
        LABELS,
    ),
}


def part(data, rows):
    if isinstance(data, dict):
        return {name: each[rows] for name, each in data.items()}
    return data.iloc[rows] if hasattr(data, "iloc") else data[rows]


@pytest.mark.exact
@pytest.mark.parametrize("name", CASES)
def test_it_is_as_if_the_rows_had_been_held_out(name):
    estimator, x, y = CASES[name]
    held_out = clone(estimator).set_params(validation_split=0.2).fit(x, y)
    own = clone(estimator).fit(
        part(x, FIRST), part(y, FIRST), X_val=part(x, LAST), y_val=part(y, LAST)
    )
    assert "val_loss" in own.history_
    assert is_same(own, held_out)


@pytest.mark.exact
@pytest.mark.parametrize("split", [0.3, ShuffleSplit(1, random_state=0)])
def test_they_take_the_place_of_those_to_be_held_out(split):
    given = {"X_val": X[LAST], "y_val": LABELS[LAST]}
    expected = net().fit(X, LABELS, **given)
    assert is_same(net(validation_split=split).fit(X, LABELS, **given), expected)


@pytest.mark.exact
def test_their_weights_count_as_repetitions_do():
    times = np.arange(24) % 3
    weighed = net().fit(
        *(X[FIRST], LABELS[FIRST]),
        **{"X_val": X[LAST], "y_val": LABELS[LAST], "sample_weight_val": times},
    )
    repeated = net().fit(
        *(X[FIRST], LABELS[FIRST]),
        X_val=np.repeat(X[LAST], times, axis=0),
        y_val=np.repeat(LABELS[LAST], times),
    )
    np.testing.assert_allclose(
        weighed.history_["val_loss"], repeated.history_["val_loss"], rtol=1e-5
    )


def test_they_may_lack_classes_but_not_bring_new_ones(recwarn):
    some = LABELS != "c"
    net().fit(X, LABELS, X_val=X[some], y_val=LABELS[some])
    warm = net(warm_start=True).fit(X, LABELS, X_val=X[some], y_val=LABELS[some])
    warm.fit(X, LABELS, X_val=X[some], y_val=LABELS[some])
    assert not [each for each in recwarn if "classes" in str(each.message)]
    with pytest.raises(ValueError, match=r"X_val and y_val .*unknown classes: \['c'\]"):
        net().fit(X[some], LABELS[some], X_val=X, y_val=LABELS)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"X_val": X}, "is given X_val, but not y_val"),
        ({"y_val": LABELS}, "is given y_val, but not X_val"),
        ({"sample_weight_val": np.ones(N)}, "sample_weight_val, but no X_val"),
        ({"X_val": X[:, :3], "y_val": LABELS}, "X_val and y_val of DenseClassifier: X"),
        ({"X_val": X, "y_val": LABELS[:5]}, "X_val and y_val of DenseClassifier: Fou"),
        ({"X_val": X * np.nan, "y_val": LABELS}, "DenseClassifier: Input X contains N"),
        ({"X_val": X[:0], "y_val": LABELS[:0]}, "X_val and y_val of DenseClassifier:"),
        (
            {"X_val": X, "y_val": LABELS, "sample_weight_val": -np.ones(N)},
            "sample_weight_val of DenseClassifier: sample_weight must not be negative",
        ),
        ({"groups": LABELS}, "is given groups and validation_split=0.0"),
        ({"X_val": X, "y_val": LABELS, "groups": LABELS}, "which is not split"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_what_can_not_be_used_is_refused_before_training(given, message, method):
    random_state = np.random.RandomState(0)
    asked = net(random_state=random_state)
    classes = {"classes": ["a", "b", "c"]} if method == "partial_fit" else {}
    with pytest.raises(ValueError, match=re.escape(message)):
        getattr(asked, method)(X, LABELS, **classes, **given)
    assert not hasattr(asked, "history_")
    assert random_state.randint(1000) == np.random.RandomState(0).randint(1000)


@pytest.mark.exact
def test_partial_fit_takes_them():
    found = net()
    for _ in range(2):
        found.partial_fit(
            X[FIRST], LABELS[FIRST], ["a", "b", "c"], X_val=X[LAST], y_val=LABELS[LAST]
        )
    expected = net()
    for _ in range(2):
        expected.partial_fit(X[FIRST], LABELS[FIRST], ["a", "b", "c"])
    assert len(found.history_["val_loss"]) == 2
    assert all(
        map(np.array_equal, found.model_.get_weights(), expected.model_.get_weights())
    )


# -- metadata routing --------------------------------------------------------------


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.exact
def test_a_pipeline_transforms_them_and_a_search_hands_them_on(routing):
    scale = StandardScaler()
    request = {"X_val": True, "y_val": True, "sample_weight_val": True}
    pipe = Pipeline(
        [("scale", scale), ("net", net().set_fit_request(**request))],
        transform_input=["X_val"],
    )
    given = {"X_val": X[LAST], "y_val": LABELS[LAST], "sample_weight_val": np.ones(24)}
    pipe.fit(X[FIRST], LABELS[FIRST], **given)
    scaled = StandardScaler().fit(X[FIRST]).transform
    by_hand = net().fit(
        scaled(X[FIRST]), LABELS[FIRST], **{**given, "X_val": scaled(X[LAST])}
    )
    assert is_same(pipe[-1], by_hand)
    search = GridSearchCV(pipe, {"net__hidden_size": [4, 8]}, cv=2)
    search.fit(X[FIRST], LABELS[FIRST], **given)
    assert "val_loss" in search.best_estimator_[-1].history_


@pytest.mark.exact
def test_groups_reach_the_splitter_of_a_fit_in_a_search(routing):
    groups = np.arange(N) // 4
    asked = net(validation_split=GroupShuffleSplit(1, test_size=0.25, random_state=0))
    asked.set_fit_request(groups=True)
    scores = cross_val_score(
        asked, X, LABELS, cv=KFold(3), params={"groups": groups}, error_score="raise"
    )
    assert len(scores) == 3


# -- splitters -----------------------------------------------------------------------

SPLITTERS = {
    "stratified": StratifiedShuffleSplit(1, test_size=0.25, random_state=0),
    "shuffled": ShuffleSplit(3, test_size=0.25, random_state=0),
    "folds": KFold(4),
    "grouped": GroupShuffleSplit(1, test_size=0.25, random_state=0),
    "predefined": PredefinedSplit(np.where(np.arange(N) % 5, -1, 0)),
}
GROUPS = np.arange(N) // 4


@pytest.mark.exact
@pytest.mark.parametrize("name", SPLITTERS)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_first_split_of_a_splitter_is_taken(name, weighted):
    splitter = SPLITTERS[name]
    weights = None
    if weighted:
        weights = np.arange(N) % 4 if name != "predefined" else np.arange(N) % 4 + 1.0
    kept = np.ones(N, bool) if weights is None else weights > 0
    x, y = X[kept], LABELS[kept]
    groups = {"groups": GROUPS[kept]} if name == "grouped" else {}
    train, held_out = next(splitter.split(x, y, **groups))
    w = (
        [None, None]
        if weights is None
        else [weights[kept][each] for each in (train, held_out)]
    )
    expected = net().fit(
        *(x[train], y[train], w[0]),
        **{"X_val": x[held_out], "y_val": y[held_out], "sample_weight_val": w[1]},
    )
    groups = {"groups": GROUPS} if name == "grouped" else {}
    found = net(validation_split=splitter).fit(X, LABELS, weights, **groups)
    assert is_same(found, expected)
    assert is_same(clone(found).fit(X, LABELS, weights, **groups), expected)


class Recording:
    """A splitter of the user's own."""

    def split(self, X, y, groups=None):
        self.seen = X, y, groups
        yield np.arange(90), np.arange(90, N)


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (net(), LABELS),
        (net(), LABELS == "a"),
        (net(loss="categorical_crossentropy"), np.eye(3, dtype=int)[np.arange(N) % 3]),
        (net(), (X[:, :3] > 0.5).astype(int)),
        (DenseRegressor(**SETTINGS), NUMBERS),
        (DenseRegressor(**SETTINGS), NUMBERS[:, 0]),
    ],
    ids=["labels", "two", "one-hot", "several", "numbers", "one number"],
)
def test_a_splitter_sees_rows_and_targets(estimator, y):
    splitter = Recording()
    estimator.set_params(validation_split=splitter)
    estimator.fit(X, y)
    seen, targets, groups = splitter.seen
    np.testing.assert_array_equal(seen, X)
    assert groups is None
    if y.ndim == 1:
        np.testing.assert_allclose(np.ravel(targets), y) if y.dtype.kind == "f" else (
            np.testing.assert_array_equal(targets, y)
        )
    elif estimator.loss == "categorical_crossentropy":
        np.testing.assert_array_equal(targets, y.argmax(axis=1))
    else:
        np.testing.assert_allclose(targets, y, rtol=1e-6)


def test_paths_and_read_rows_are_split_as_well():
    images = CNNClassifier(filters=2, image_shape=(4, 4), hidden_size=4, **SETTINGS)
    images.set_params(validation_split=SPLITTERS["stratified"])
    assert is_same(clone(images).fit(RowView(X), LABELS), clone(images).fit(X, LABELS))


class Nothing:
    def split(self, X, y, groups=None):
        return iter(())


class NoRest:
    def split(self, X, y, groups=None):
        yield np.arange(len(X)), np.arange(0)


class Beyond:
    def split(self, X, y, groups=None):
        yield np.arange(len(X)), np.arange(len(X), len(X) + 5)


@pytest.mark.parametrize(
    ("splitter", "y", "message"),
    [
        (GroupShuffleSplit(1), LABELS, "not be None. Give fit(X, y, groups=...)."),
        (Beyond(), LABELS, "index 120 is out of bounds"),
        (
            StratifiedShuffleSplit(1),
            np.where(np.arange(N), "a", "b"),
            "The least populated class",
        ),
        (KFold(N + 1), LABELS, "Cannot have number of splits"),
        (Nothing(), LABELS, "it gives no split"),
        (NoRest(), LABELS, "it leaves no rows to validate on"),
    ],
)
def test_what_a_splitter_refuses_is_named(splitter, y, message):
    asked = net(validation_split=splitter)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        asked.fit(X, y)
    assert f"validation_split={splitter!r} of DenseClassifier: " in str(caught.value)
    assert not hasattr(asked, "history_")


def test_a_splitter_of_classes_is_refused_for_numbers_in_few_words():
    asked = DenseRegressor(validation_split=SPLITTERS["stratified"], **SETTINGS)
    with pytest.raises(ValueError, match="of DenseRegressor: ") as caught:
        asked.fit(X, NUMBERS[:, 0])
    assert len(str(caught.value)) < 600


def test_groups_must_be_as_many_as_rows():
    asked = net(validation_split=SPLITTERS["grouped"])
    for weights in (None, np.arange(N) % 2):
        # As many as there are rows with weight, as well.
        for groups in (np.arange(5), np.arange(N // 2)):
            with pytest.raises(ValueError, match="groups of DenseClassifier must have"):
                asked.fit(X, LABELS, weights, groups=groups)


# -- classes held out -----------------------------------------------------------------


def test_sorted_labels_are_told_and_stratifying_is_the_way_out(digits):
    x, x_test, y, y_test = digits
    order = np.argsort(y, kind="stable")
    asked = DenseClassifier(
        **{"epochs": 60, "early_stopping": True, "random_state": 0},
        validation_split=0.2,
    )
    told = "lack the classes 0, 1, 2, 3, 4 .* training lacks, the classes 8, 9"
    with pytest.warns(UserWarning, match=told):
        last = clone(asked).fit(x[order], y[order])
    shuffled = clone(asked).fit(x, y).score(x_test, y_test)
    stratified = StratifiedShuffleSplit(1, test_size=0.2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asked.set_params(validation_split=stratified).fit(x[order], y[order])
    assert last.score(x_test, y_test) < 0.85
    assert asked.score(x_test, y_test) > shuffled - 0.02


def test_the_warning_says_what_is_missing_where():
    with pytest.warns(UserWarning, match="Of the 2 classes") as told:
        net(validation_split=KFold(4)).fit(X, np.where(np.arange(N) < 30, "a", "b"))
    (said,) = [str(each.message) for each in told if "classes" in str(each.message)]
    assert "Of the 2 classes" in said
    assert "lack the class b and hold, and training lacks, the class a" in said
    assert "a splitter that stratifies" in said


@pytest.mark.parametrize("y", [LABELS, LABELS == "a"])
def test_it_says_nothing_where_all_classes_are_there(y, recwarn):
    net(validation_split=0.2).fit(X, y)
    make_pipeline(StandardScaler(), net(validation_split=KFold(4))).fit(X, y)
    assert not [each for each in recwarn if "classes" in str(each.message)]
