"""One class in y: it is predicted, so that what draws samples can go on."""

import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.semi_supervised import SelfTrainingClassifier

import sknn_mnist
from sknn_mnist import CNNClassifier, DenseClassifier

RNG = np.random.default_rng(0)
X = RNG.random((40, 16))
QUICK = {"epochs": 2, "random_state": 0}


@pytest.mark.parametrize("Classifier", [DenseClassifier, CNNClassifier])
@pytest.mark.parametrize("label", [7, "seven", 0.0, True])
@pytest.mark.parametrize(
    "loss",
    [
        *("auto", "binary_crossentropy", "sparse_categorical_crossentropy"),
        *("categorical_crossentropy", "mse", keras.losses.KLDivergence()),
        lambda y_true, y_pred: keras.ops.mean((y_true - y_pred) ** 2, axis=-1),
    ],
    ids=["auto", "binary", "sparse", "categorical", "mse", "kl", "own"],
)
@pytest.mark.filterwarnings("error")
def test_one_class_is_predicted(Classifier, label, loss):
    y = np.full(40, label)
    net = Classifier(loss=loss, **QUICK).fit(X, y)
    assert net.classes_.tolist() == [label]
    assert net.n_classes_ == 1
    assert net.predict(X).dtype == y.dtype
    np.testing.assert_array_equal(net.predict(X), y)
    np.testing.assert_array_equal(net.predict_proba(X), np.ones((40, 1)))
    np.testing.assert_array_equal(net.predict_log_proba(X), np.zeros((40, 1)))
    assert net.score(X, y) == 1
    assert len(net.history_["loss"]) == 2


@pytest.mark.parametrize(
    "parameters",
    [
        {"metrics": ["sparse_categorical_accuracy", "AUC", "categorical_accuracy"]},
        {"metrics": "sparse_top_k_categorical_accuracy"},
        {"validation_split": 0.2, "class_weight": "balanced"},
        {"class_weight": {"a": 2.0}, "dtype": "float64"},
        {"memory": ":memory:"},
        {"dtype": "mixed_float16", "batch_norm": True, "dropout": 0.5},
    ],
)
def test_with_whatever_parameters(parameters):
    net = DenseClassifier(**{**QUICK, **parameters}).fit(X, ["a"] * 40)
    assert set(net.predict(X)) == {"a"}


def test_it_goes_on_and_is_kept(tmp_path):
    y = np.full(40, 3)
    net = (
        DenseClassifier(warm_start=True, **QUICK).fit(X, y).fit(X, y).partial_fit(X, y)
    )
    assert net.current_epoch == 5
    net.save(tmp_path / "net.safetensors")
    for again in (
        sknn_mnist.load(tmp_path / "net.safetensors"),
        pickle.loads(pickle.dumps(net)),
    ):
        np.testing.assert_array_equal(again.predict_proba(X), np.ones((40, 1)))
        assert again.partial_fit(X, y).current_epoch == 6
    for method in (net.fit, net.partial_fit):
        with pytest.raises(ValueError, match="classes"):
            method(X, np.arange(40) % 2)
    parts = DenseClassifier(**QUICK).partial_fit(X, y, classes=[3])
    assert set(parts.predict(X)) == {3}


def test_one_class_of_several_that_were_told_is_no_constant():
    net = DenseClassifier(**QUICK).partial_fit(X, np.full(40, 3), classes=[3, 4])
    assert net.predict_proba(X).shape == (40, 2)


def test_a_class_left_by_weights_is_predicted():
    y = np.arange(40) % 2
    net = DenseClassifier(epochs=100, learning_rate=0.05, random_state=0)
    assert set(net.fit(X, y, sample_weight=y).predict(X)) == {1}


# Three of the one, so that many a draw and fold holds none of them.
RARE = np.where(np.arange(40) < 3, "rare", "usual")


SURE = {"epochs": 40, "learning_rate": 0.05, "random_state": 0}


def bagging(net):
    # What takes no sample_weight is given the rows that were drawn.
    return BaggingClassifier(make_pipeline(MinMaxScaler(), net), 6, max_samples=5,
                             random_state=0)  # fmt: skip


# These refuse one class in all of y, whatever they are made of.
WANT_TWO = {
    OneVsOneClassifier: "only one class",
    CalibratedClassifierCV: "two classes",
    StackingClassifier: "2 classes",
}


@pytest.mark.parametrize(
    "meta",
    [
        bagging(DenseClassifier(**QUICK)),
        BaggingClassifier(DenseClassifier(**QUICK), 6, max_samples=5, random_state=0),
        OneVsRestClassifier(DenseClassifier(**QUICK)),
        OneVsOneClassifier(DenseClassifier(**QUICK)),
        AdaBoostClassifier(DenseClassifier(**SURE), n_estimators=3, random_state=0),
        CalibratedClassifierCV(DenseClassifier(**QUICK), cv=3),
        VotingClassifier([("net", DenseClassifier(**QUICK))], voting="soft"),
        StackingClassifier(
            [("net", DenseClassifier(**QUICK))], LogisticRegression(), cv=3
        ),
    ],
    ids=lambda meta: type(meta).__name__,
)
@pytest.mark.parametrize("y", [RARE, np.full(40, "usual")], ids=["rare", "one class"])
def test_meta_estimators_go_on(meta, y):
    refusal = WANT_TWO.get(type(meta))
    if refusal and len(set(y)) == 1:
        with pytest.raises(ValueError, match=refusal):
            clone(meta).fit(X, y)
        return
    fitted = clone(meta).fit(X, y)
    assert set(fitted.predict(X)) <= set(y)
    if hasattr(fitted, "predict_proba"):
        proba = fitted.predict_proba(X)
        assert proba.shape[0] == 40
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)


def test_bagging_has_drawn_one_class():
    """The test above would say nothing if each draw held both."""
    bag = bagging(DenseClassifier(**QUICK)).fit(X, RARE)
    assert {1, 2} == {len(net.classes_) for net in bag.estimators_}


def test_self_training_from_one_class():
    y = np.where(np.arange(40) < 30, 5, -1)
    net = SelfTrainingClassifier(DenseClassifier(**QUICK)).fit(X, y)
    assert set(net.predict(X)) == {5}
