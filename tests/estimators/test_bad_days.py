"""Bad days: Ctrl-C, a full disk, a missing folder, training that diverges."""

import errno
import os
import shutil
import signal
import threading
import time

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV

from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor
from sknn_mnist.memory import _state_files

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(20_000, 64)).astype(np.float32)
Y = np.arange(20_000) % 3
SMALL = X[:90], Y[:90]


@pytest.mark.skipif(os.name == "nt", reason="sends a signal to itself")
@pytest.mark.parametrize("state", ["unfitted", "fitted", "with memory"])
def test_ctrl_c_in_the_middle_of_an_epoch(state):
    net = CNNClassifier(filters=4, hidden_size=8, epochs=1, random_state=0)
    if state == "fitted":
        net.fit(*SMALL)
        before = net.predict_proba(SMALL[0])
    if state == "with memory":
        net.set_params(memory=":memory:")
    net.set_params(epochs=1000)
    # The main thread is in TensorFlow then: an epoch takes longer than this.
    timer = threading.Timer(1.5, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, Y)
    assert time.monotonic() - start < 60  # and not the hours of 1000 epochs
    if state == "fitted":
        np.testing.assert_array_equal(net.predict_proba(SMALL[0]), before)
    else:
        with pytest.raises(NotFittedError):
            net.predict(SMALL[0])
    # The process goes on.
    again = net.set_params(epochs=2, memory=None).fit(*SMALL)
    fresh = CNNClassifier(filters=4, hidden_size=8, epochs=2, random_state=0)
    np.testing.assert_array_equal(
        again.predict_proba(SMALL[0]), fresh.fit(*SMALL).predict_proba(SMALL[0])
    )


@pytest.mark.parametrize(
    "net",
    [
        DenseRegressor(learning_rate=1e18, optimizer="sgd", epochs=3),
        DenseClassifier(learning_rate=1e38, epochs=3, hidden_size=(4, 4)),
        DenseRegressor(learning_rate=1e18, optimizer="sgd", memory=":memory:"),
    ],
    ids=["regressor", "classifier", "memory"],
)
def test_training_that_diverges_says_so(net):
    net.set_params(random_state=0)
    with pytest.raises(ValueError, match="diverged: its weights are no longer finite"):
        net.fit(SMALL[0] * 1e6, SMALL[1])
    with pytest.raises(NotFittedError):
        net.predict(SMALL[0])


def test_a_loss_too_large_for_its_dtype_is_said():
    net = DenseRegressor(epochs=1, random_state=0)
    with pytest.warns(ConvergenceWarning, match="The loss of DenseRegressor is inf in"):
        net.fit(SMALL[0], SMALL[1] * 1e30)
    assert np.isfinite(net.predict(SMALL[0])).all()


def full(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_costs_the_states_and_no_more(tmp_path, monkeypatch):
    net = DenseClassifier(epochs=2, memory=tmp_path / "states", random_state=0)
    expected = DenseClassifier(epochs=2, random_state=0).fit(*SMALL)
    monkeypatch.setattr(_state_files.os, "fsync", full)
    with pytest.warns(UserWarning, match="can't write to it .no space left on device"):
        net.fit(*SMALL)
    np.testing.assert_array_equal(
        net.predict_proba(SMALL[0]), expected.predict_proba(SMALL[0])
    )
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_full_disk_leaves_no_half_a_file(tmp_path, monkeypatch):
    net = DenseClassifier(epochs=1).fit(*SMALL)
    monkeypatch.setattr("sknn_mnist.files._estimator_files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        net.save(tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


def test_a_memory_that_can_not_be_a_folder(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    net = DenseClassifier(epochs=1, memory=tmp_path / "file", random_state=0)
    with pytest.raises(ValueError, match="'memory' parameter of DenseClassifier must"):
        net.fit(*SMALL)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_read_only_folder_costs_the_states_and_no_more(tmp_path):
    tmp_path.chmod(0o500)
    net = DenseClassifier(epochs=1, memory=tmp_path, random_state=0)
    with pytest.warns(UserWarning, match="can't write to it .permission denied"):
        net.fit(*SMALL)


def test_a_memory_that_vanishes_between_fits(tmp_path):

    net = DenseClassifier(memory=tmp_path / "states", random_state=0)
    grid = {"epochs": [1, 2, 3]}
    expected = GridSearchCV(net, grid, cv=2).fit(*SMALL).cv_results_["mean_test_score"]
    shutil.rmtree(tmp_path / "states")
    again = GridSearchCV(net, grid, cv=2).fit(*SMALL).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(again, expected)
