"""Fits take part in scikit-learn's callbacks, where it has them."""

import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sknn_mnist import CNNRegressor, DenseClassifier, clear_memory
from sknn_mnist.engine import _training

sklearn_callback = pytest.importorskip("sklearn.callback")

X = np.random.default_rng(0).uniform(size=(120, 6)).astype(np.float32)
Y = (X @ [1, 2, 3, -1, -2, -3] > 0).astype(int)


class Recorder:
    """Callback that keeps what it is told."""

    max_propagation_depth = None

    def __init__(self, stop_after=None):
        self.told = []
        self.fitted = []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.told.append("setup")

    def teardown(self, estimator, context):
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.told.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context, *, X, fitted_estimator, metadata):
        self.told.append(f"end {context.task_name} {context.task_id}")
        if fitted_estimator is not None:
            self.fitted.append(fitted_estimator)
        self.metadata = metadata
        return self.stop_after is not None and len(self.fitted) >= self.stop_after


def net(**options):
    options = {"hidden_size": 4, "batch_size": 16, "random_state": 0, **options}
    return DenseClassifier(**options)


@pytest.mark.parametrize("memory", [None, ":memory:"])
def test_each_epoch_is_a_task(memory):
    clear_memory(":memory:")
    recorder = Recorder()
    fitted = net(epochs=3, memory=memory).set_callbacks(recorder).fit(X, Y)
    epochs = [f"{kind} epoch {n}" for n in range(3) for kind in ("begin", "end")]
    expected = ["setup", "begin fit 0", *epochs, "end fit 0", "teardown"]
    assert recorder.told == expected
    # What it would be if the fit had stopped there.
    for n_epochs, there in enumerate(recorder.fitted, start=1):
        alone = net(epochs=n_epochs).fit(X, Y)
        np.testing.assert_array_equal(there.predict_proba(X), alone.predict_proba(X))
        assert there.history_ == alone.history_
    np.testing.assert_array_equal(
        recorder.fitted[-1].predict_proba(X), fitted.predict_proba(X)
    )
    if memory:  # found this time, and seen all the same
        again = Recorder()
        net(epochs=3, memory=memory).set_callbacks(again).fit(X, Y)
        assert again.told == expected
        for one, other in zip(recorder.fitted, again.fitted, strict=True):
            np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


@pytest.mark.parametrize("memory", [None, ":memory:"])
def test_a_callback_can_stop_the_training(memory):
    clear_memory(":memory:")
    expected = net(epochs=2).fit(X, Y)
    for _ in range(2):  # the second time from the memory
        stopped = net(epochs=5, memory=memory).set_callbacks(Recorder(2)).fit(X, Y)
        assert stopped.history_ == expected.history_
        np.testing.assert_array_equal(
            stopped.predict_proba(X), expected.predict_proba(X)
        )
    # Nor does it stop who did not ask.
    assert len(net(epochs=5, memory=memory).fit(X, Y).history_["loss"]) == 5


def test_keras_own_fit_tells_too(monkeypatch):
    recorder = Recorder(2)
    kind = keras.callbacks.TerminateOnNaN
    monkeypatch.setattr(_training, "_KERAS_FIT_CALLBACKS", (kind,))
    net(epochs=4, callbacks=kind()).set_callbacks(recorder).fit(X, Y)
    assert len(recorder.fitted) == 2
    alone = net(epochs=2).fit(X, Y)
    np.testing.assert_allclose(
        recorder.fitted[-1].predict_proba(X), alone.predict_proba(X), rtol=1e-4
    )


def test_weights_are_told_and_warm_starts_seen():
    recorder = Recorder()
    weights = np.ones(len(X))
    warm = net(epochs=2, warm_start=True).set_callbacks(recorder)
    warm.fit(X, Y, sample_weight=weights)
    assert recorder.metadata["sample_weight"] is weights
    warm.fit(X, Y)
    assert len(recorder.fitted[-1].history_["loss"]) == 4
    assert recorder.fitted[-1].history_ == warm.history_


def test_teardown_comes_after_a_failure_too():
    recorder = Recorder()
    fitted = net(epochs=1).fit(X, Y)
    before = fitted.predict_proba(X)
    fitted.set_callbacks(recorder).set_params(learning_rate=1e38, epochs=30)
    with pytest.raises(ValueError, match="diverged"):
        fitted.fit(1e6 * X, Y)
    assert recorder.told[-1] == "teardown"
    np.testing.assert_array_equal(fitted.predict_proba(X), before)


def test_nothing_of_a_fit_stays_behind():
    plain = set(vars(net(epochs=1).fit(X, Y)))
    watched = net(epochs=1).set_callbacks(Recorder()).fit(X, Y)
    assert set(vars(watched)) - plain == {"_skl_callbacks"}
    copy = pickle.loads(pickle.dumps(watched))
    np.testing.assert_array_equal(copy.predict_proba(X), watched.predict_proba(X))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_shows_folds_and_epochs(n_jobs, capfd):
    bar = sklearn_callback.ProgressBar()
    search = GridSearchCV(net(), {"epochs": [1, 3]}, cv=2, n_jobs=n_jobs)
    plain = clone(search).fit(X, Y)
    search.set_callbacks(bar).fit(X, Y)
    printed = capfd.readouterr().out
    assert "GridSearchCV" in printed
    assert "DenseClassifier" in printed
    np.testing.assert_array_equal(
        plain.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"]
    )


def test_scores_can_be_monitored():
    monitor = sklearn_callback.ScoringMonitor(scoring="accuracy")
    search = GridSearchCV(
        make_pipeline(MinMaxScaler(), net(memory=":memory:")),
        {"denseclassifier__epochs": [2, 4]},
        cv=2,
        refit=False,
    )
    alone = net(epochs=4).set_callbacks(monitor).fit(X, Y)
    log = monitor.get_logs()
    scores = [row["accuracy"] for row in log.data if row["task_name"] == "epoch"]
    assert len(scores) == 4
    assert scores[-1] == pytest.approx(alone.score(X, Y))
    search.set_callbacks(monitor).fit(X, Y)


def test_the_other_estimators_take_part():
    recorder = Recorder()
    regressor = CNNRegressor(filters=2, hidden_size=4, epochs=2, random_state=0)
    regressor.set_callbacks(recorder).fit(X.reshape(-1, 2, 3), X[:, 0])
    assert len(recorder.fitted) == 2
    assert recorder.fitted[0].predict(X.reshape(-1, 2, 3)).shape == (120,)
