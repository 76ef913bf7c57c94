"""Subclasses that name fewer parameters, or more, are estimators like any other."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknn_mnist import CNNClassifier, CNNRegressor, DenseClassifier, DenseRegressor

RNG = np.random.default_rng(0)
X = RNG.random((60, 16))
Y = np.arange(60) % 3
QUICK = {"epochs": 2, "random_state": 0}


class Few(DenseClassifier):
    """Names two parameters, and hands the rest on."""

    def __init__(self, hidden_size=4, warm_start=False):
        super().__init__(hidden_size, warm_start=warm_start, **QUICK)


class FewImages(CNNClassifier):
    def __init__(self, hidden_size=4, warm_start=False):
        super().__init__(2, hidden_size=hidden_size, warm_start=warm_start, **QUICK)


class FewNumbers(DenseRegressor):
    def __init__(self, hidden_size=4, warm_start=False):
        super().__init__(hidden_size, warm_start=warm_start, **QUICK)


class FewerStill(Few):
    """Of two levels."""

    def __init__(self, hidden_size=4):
        super().__init__(hidden_size=hidden_size)


class More(CNNRegressor):
    """Has a parameter of its own, from which it makes another."""

    def __init__(self, width=2, hidden_size=4, warm_start=False):
        self.width = width
        super().__init__(hidden_size=hidden_size, warm_start=warm_start, **QUICK)

    def fit(self, X, y, sample_weight=None):
        self.filters = (self.width, self.width)
        return super().fit(X, y, sample_weight)


class ByClassAttributes(DenseClassifier):
    """Its `__init__` leaves the rest to the class."""

    activation, dropout, batch_norm, metrics = "tanh", 0.0, False, None
    optimizer, learning_rate, loss, class_weight = "sgd", 0.1, "auto", None
    batch_size, validation_split, shuffle, callbacks = 16, 0.0, True, None
    memory, verbose, dtype, epochs, random_state = None, 0, "float64", 2, 0
    rescaling, early_stopping = "auto", False
    n_iter_no_change, tol, monitor = 10, 0.0, "val_loss"

    def __init__(self, hidden_size=4, warm_start=False):
        self.hidden_size = hidden_size
        self.warm_start = warm_start


class Plain(DenseClassifier):
    """Adds nothing."""


SUBCLASSES = [Few, FewImages, FewNumbers, FewerStill, More, ByClassAttributes, Plain]


@pytest.mark.parametrize("Subclass", SUBCLASSES)
def test_a_subclass_fits_clones_pickles_and_searches(Subclass):
    net = Subclass().set_params(hidden_size=5).fit(X, Y)
    assert net.model_.get_layer("hidden_1").units == 5
    expected = net.predict(X)
    assert expected.shape == (60,)
    for copy in (clone(net).fit(X, Y), pickle.loads(pickle.dumps(net))):
        if Subclass is not Plain:  # which has no random_state
            np.testing.assert_array_equal(copy.predict(X), expected)
    # what it went on from is what it was, and the same
    ours, theirs = net.partial_fit(X, Y), pickle.loads(pickle.dumps(net))
    assert len(theirs.history_["loss"]) == ours.current_epoch
    grid = GridSearchCV(Subclass(), {"hidden_size": [3, 5]}, cv=2, error_score="raise")
    assert grid.fit(X, Y).best_estimator_.predict(X).shape == (60,)
    assert repr(net) == f"{Subclass.__name__}(hidden_size=5)"


@pytest.mark.parametrize("Subclass", [Few, FewImages, FewNumbers, More])
def test_a_subclass_goes_on_under_warm_start(Subclass):
    net = Subclass(warm_start=True).fit(X, Y).fit(X, Y)
    assert net.current_epoch == 4
    net.hidden_size = 7
    with pytest.raises(ValueError, match="fitted with hidden_size=4"):
        net.fit(X, Y)
    net.hidden_size = 4
    net.learning_rate = 1e-30  # not named by the subclass, an attribute still
    before = net.predict(X)
    np.testing.assert_allclose(net.fit(X, Y).predict(X), before)


def test_a_subclass_is_no_file_of_ours(tmp_path):
    with pytest.raises(TypeError, match="save can't write a Few"):
        Few().fit(X, Y).save(tmp_path / "net.safetensors")


def test_what_a_subclass_hands_on_is_checked():
    class Wrong(DenseClassifier):
        def __init__(self, hidden_size=4):
            super().__init__(hidden_size, epochs=-1)

    with pytest.raises(ValueError, match="'epochs' parameter of Wrong must be"):
        Wrong().fit(X, Y)
