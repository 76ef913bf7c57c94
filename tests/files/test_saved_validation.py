"""Early stopping and what it judges by, in files: as it was, and judged when read."""

import json
import re

import numpy as np
import pytest
from own_networks import dense
from saved_parts import parts, write
from sklearn import model_selection
from sklearn.base import clone
from sklearn.model_selection import (
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)

import sknn_mnist
from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor, KerasClassifier
from sknn_mnist.files import _saved_splitters
from sknn_mnist.files._saved_splitters import split_from_json, split_to_json

rng = np.random.default_rng(0)
X = rng.random((90, 16)).astype(np.float32)
Y = np.repeat([0, 1, 2], 30)  # sorted, so that the last rows lack classes
SPLIT = StratifiedShuffleSplit(1, test_size=0.2, random_state=3)
SHUFFLED = KFold(4, shuffle=True, random_state=1)
STOPPING = {
    "validation_split": SPLIT,
    "early_stopping": True,
    "n_iter_no_change": 2,
    "tol": 1e-3,
    "learning_rate": 0.05,
    "epochs": 12,
    "random_state": 0,
}
FITTED = {
    "dense": (DenseClassifier(**STOPPING), Y),
    "numbers": (
        DenseRegressor(**{**STOPPING, "validation_split": SHUFFLED}),
        Y * 1.0,
    ),
    "by accuracy": (
        CNNClassifier(2, pool_size=1, monitor="val_accuracy", **STOPPING),
        Y,
    ),
    "own": (KerasClassifier(dense, hidden_size=4, **STOPPING), Y),
}


def fitted(name):
    estimator, y = FITTED[name]
    estimator = clone(estimator)
    data = X[:, :9] if name == "own" else X
    return estimator.fit(data, y), data, y


@pytest.mark.exact
@pytest.mark.parametrize("name", FITTED)
def test_early_stopping_comes_back_and_goes_on_to_the_bit(name, tmp_path):
    estimator, data, y = fitted(name)
    estimator.save(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net")

    def course(net):
        told = (net.n_iter_, net.best_epoch_, net.best_score_, net.initial_epoch_)
        return told, net.history_, repr(net.validation_split)

    assert course(again) == course(estimator)
    assert type(again.best_epoch_) is int
    assert type(again.n_iter_) is int
    assert parameters(again) == parameters(estimator)
    for steps in (
        lambda net: net.partial_fit(data, y),
        lambda net: net.set_params(warm_start=True, epochs=3).fit(data, y),
        lambda net: net.set_params(monitor="loss").partial_fit(data, y),
    ):
        steps(again)
        steps(estimator)
        assert course(again) == course(estimator)
        np.testing.assert_array_equal(again.predict(data), estimator.predict(data))


def test_what_the_best_epoch_was_chosen_by_may_be_set_anew(tmp_path):
    estimator, _, _ = fitted("dense")
    score = estimator.best_score_
    estimator.set_params(monitor="val_accuracy", early_stopping=False)
    estimator.save(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net")
    assert (again.best_epoch_, again.best_score_) == (estimator.best_epoch_, score)
    assert (again.monitor, again.early_stopping) == ("val_accuracy", False)


def test_without_early_stopping_there_is_no_best_epoch(tmp_path):
    DenseClassifier(epochs=2, random_state=0).fit(X, Y).save(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net")
    assert again.n_iter_ == 2
    assert not hasattr(again, "best_epoch_")
    assert not hasattr(again, "best_score_")


def parameters(net):
    # The function of an own network is no part of a file.
    given = {**net.get_params(deep=False), "model": None}
    return {key: repr(value) for key, value in given.items()}


# What files have since then.
NEW = ("early_stopping", "n_iter_no_change", "tol", "monitor")


@pytest.mark.parametrize("name", ["dense", "own"])
def test_files_of_before_have_the_defaults(name, tmp_path):
    estimator, data, y = fitted(name)
    estimator.set_params(early_stopping=False, validation_split=0.2)
    with pytest.warns(UserWarning, match="lack"):
        estimator.fit(data, y)
    estimator.save(tmp_path / "net")
    about, arrays = parts(tmp_path / "net")
    del about["best"]
    for part in ("parameters", "fitted_with"):
        about[part]["dict"] = [
            pair for pair in about[part]["dict"] if pair[0] not in NEW
        ]
    write(tmp_path / "old", about, arrays)
    old = sknn_mnist.load(tmp_path / "old")
    assert old.n_iter_ == len(old.history_["loss"]) == 12
    assert not hasattr(old, "best_epoch_")
    assert [getattr(old, each) for each in NEW] == [False, 10, 0.0, "val_loss"]
    old.set_params(validation_split=0.0)
    estimator.set_params(validation_split=0.0)
    np.testing.assert_array_equal(
        old.partial_fit(data, y).predict(data),
        estimator.partial_fit(data, y).predict(data),
    )


@pytest.mark.parametrize(
    "best",
    [
        {"epoch": 99, "monitor": "val_loss"},
        {"epoch": -1, "monitor": "val_loss"},
        {"epoch": 1.0, "monitor": "val_loss"},
        {"epoch": True, "monitor": "val_loss"},
        {"epoch": 0, "monitor": "val_f1"},
        {"epoch": 0, "monitor": ["val_loss"]},
        {"epoch": 0},
        {"monitor": "val_loss"},
        [0, "val_loss"],
        "val_loss",
        7,
    ],
)
def test_a_forged_best_epoch_is_refused(best, tmp_path):
    fitted("dense")[0].save(tmp_path / "net")
    about, arrays = parts(tmp_path / "net")
    assert about["best"]["monitor"] == "val_loss"
    about["best"] = best
    write(tmp_path / "net", about, arrays)
    with pytest.raises(ValueError, match="can't be loaded as an estimator") as caught:
        sknn_mnist.load(tmp_path / "net")
    assert "\n" not in str(caught.value)


# -- splitters -------------------------------------------------------------------------

SPLITTERS = [
    StratifiedShuffleSplit(1, test_size=np.float32(0.25), random_state=np.int64(7)),
    ShuffleSplit(train_size=10, test_size=5),
    GroupShuffleSplit(2, test_size=0.5, random_state=0),
    KFold(3, shuffle=True, random_state=2**32 - 1),
    StratifiedKFold(4),
    model_selection.GroupKFold(2),
    model_selection.StratifiedGroupKFold(2, shuffle=True, random_state=1),
    TimeSeriesSplit(3, max_train_size=9, test_size=2, gap=1),
    PredefinedSplit([0, 1, -1, 1] * 10),
    model_selection.LeaveOneOut(),
    model_selection.LeavePOut(2),
    LeaveOneGroupOut(),
    model_selection.LeavePGroupsOut(1),
]


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda each: type(each).__name__)
def test_a_splitter_comes_back(splitter):
    stored = json.loads(json.dumps(split_to_json(splitter)))
    again = split_from_json(stored)
    assert type(again) is type(splitter)
    assert json.dumps(split_to_json(again)) == json.dumps(stored)
    np.testing.assert_equal(vars(again), vars(splitter))
    rows = np.arange(40)
    takes_groups = "Group" in type(splitter).__name__
    data = (rows, rows % 2, rows // 10 if takes_groups else None)
    if getattr(splitter, "random_state", 0) is not None:
        first, same = (next(each.split(*data)) for each in (splitter, again))
        np.testing.assert_array_equal(first[0], same[0])
        np.testing.assert_array_equal(first[1], same[1])


def test_every_splitter_that_a_file_may_name_is_tested():
    tested = {type(each).__name__ for each in SPLITTERS}
    assert tested == set(_saved_splitters.SPLITTERS)


class OwnSplit(KFold):
    pass


class OwnKFold:
    __name__ = "KFold"

    def split(self, X, y=None, groups=None):
        yield np.arange(10), np.arange(10, 20)


@pytest.mark.parametrize(
    ("splitter", "why"),
    [
        (OwnSplit(3), "none of scikit-learn's own"),
        (OwnKFold(), "none of scikit-learn's own"),
        (
            ShuffleSplit(1, test_size=0.2, random_state=np.random.RandomState(0)),
            "RandomState as random_state of a splitter: give it an int",
        ),
        (model_selection.RepeatedKFold(), "none of scikit-learn's own"),
        (PredefinedSplit(np.zeros(10_001, int)), "at most 10,000 numbers"),
    ],
)
def test_other_splitters_are_refused_by_save_in_one_sentence(splitter, why, tmp_path):
    clf = DenseClassifier(epochs=1, random_state=0).fit(X, Y)
    clf.set_params(validation_split=splitter)
    with pytest.raises(TypeError) as caught:
        clf.save(tmp_path / "net")
    said = str(caught.value)
    assert said.startswith("save can't write validation_split=")
    assert why in said
    assert said.endswith(". Use joblib.dump.")
    assert "\n" not in said
    assert not (tmp_path / "net").exists()


def stored_splitter(name, **arguments):
    return {"splitter": [name, arguments]}


@pytest.mark.parametrize(
    "forged",
    [
        stored_splitter("os.system", command="false"),
        stored_splitter("GridSearchCV"),
        stored_splitter("RepeatedKFold"),
        stored_splitter("KFold", n_splits=10**30),
        stored_splitter("KFold", n_splits=2.5),
        stored_splitter("KFold", n_splits="5"),
        stored_splitter("KFold", n_splits=1),
        stored_splitter("KFold", n_splits=True),
        stored_splitter("KFold", n_splits=3, shuffle=1),
        stored_splitter("KFold", n_splits=3, shuffle=False, random_state=1),
        stored_splitter("KFold", n_splits=3, shuffle=True, random_state=-1),
        stored_splitter("KFold", n_splits=3, shuffle=True, random_state={"dict": []}),
        stored_splitter("KFold", n_splits=3, evil=1),
        stored_splitter("ShuffleSplit", test_size=float("1e999")),
        stored_splitter("ShuffleSplit", test_size=1.5),
        stored_splitter("ShuffleSplit", test_size=[0.5]),
        stored_splitter("PredefinedSplit", test_fold=[0] * 10_001),
        stored_splitter("PredefinedSplit", test_fold=[0.5]),
        stored_splitter("PredefinedSplit", test_fold=[[0]]),
        stored_splitter("PredefinedSplit", test_fold="0"),
        stored_splitter("PredefinedSplit"),
        stored_splitter("LeavePOut"),
        {"splitter": ["KFold"]},
        {"splitter": [["KFold"], {}]},
        {"splitter": ["KFold", [3]]},
        {"splitter": "KFold"},
        {"splitter": ["KFold", {}], "more": 1},
        {"name": "keras.losses.mse"},
        {"object": ["keras.optimizers.Adam", {"dict": []}]},
        {},
        [],
        "0.2",
        True,
        None,
        1.5,
        -0.1,
    ],
)
@pytest.mark.parametrize("part", ["parameters", "fitted_with"])
def test_a_forged_split_is_refused_in_one_sentence(forged, part, tmp_path):
    DenseClassifier(epochs=1, random_state=0).fit(X, Y).save(tmp_path / "net")
    about, arrays = parts(tmp_path / "net")
    (pair,) = (each for each in about[part]["dict"] if each[0] == "validation_split")
    pair[1] = forged
    write(tmp_path / "net", about, arrays)
    with pytest.raises(ValueError, match="can't be loaded as an estimator") as caught:
        sknn_mnist.load(tmp_path / "net")
    assert not re.search(r"\n|Traceback", str(caught.value))


def test_a_splitter_is_no_value_of_another_parameter(tmp_path):
    DenseClassifier(epochs=1, random_state=0).fit(X, Y).save(tmp_path / "net")
    about, arrays = parts(tmp_path / "net")
    about["parameters"]["dict"] += [["loss", stored_splitter("KFold")]]
    write(tmp_path / "net", about, arrays)
    with pytest.raises(ValueError, match="unknown value type 'splitter'"):
        sknn_mnist.load(tmp_path / "net")
