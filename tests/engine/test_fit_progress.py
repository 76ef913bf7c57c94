"""What `verbose=1` shows: one line a fit."""

import io
import re
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
from sklearn.base import clone

from sknn_mnist import DenseClassifier, clear_memory
from sknn_mnist.engine import _training

X = np.random.default_rng(0).uniform(size=(90, 5)).astype(np.float32)
Y = np.arange(90) % 3
NET = DenseClassifier(hidden_size=4, epochs=3, batch_size=16, verbose=1, random_state=0)
LINE = (
    r"DenseClassifier: 3/3 epochs, \d+\.\d s - accuracy: 0\.\d{4} - loss: \d\.\d{4}\n"
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_pipe_gets_one_line_at_the_end(capsys):
    clone(NET).fit(X, Y)
    assert re.fullmatch(LINE, capsys.readouterr().out)


def test_a_terminal_gets_a_bar_that_ends_as_the_line(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("TERM", "xterm")
    clone(NET).fit(X, Y)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert re.search(r"\d\.\d/3 epochs", text)
    assert re.search(LINE, text.rpartition("\r")[2])


def test_a_thread_does_not_draw_a_bar(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    thread = threading.Thread(target=clone(NET).fit, args=(X, Y))
    thread.start()
    thread.join()
    assert re.fullmatch(LINE, stream.getvalue())


def test_an_interrupted_fit_gives_the_terminal_back(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(ValueError, match="diverged"):
        clone(NET).set_params(learning_rate=1e38, epochs=50).fit(1e4 * X, Y)
    before = {thread.name for thread in threading.enumerate()}
    assert not [name for name in before if "refresh" in name.lower()]
    clone(NET).fit(X, Y)  # a second bar can be drawn


def test_found_epochs_are_told(capsys):
    clear_memory(":memory:")
    net = clone(NET).set_params(memory=":memory:")
    clone(net).set_params(epochs=2).fit(X, Y)
    capsys.readouterr()
    clone(net).fit(X, Y)
    assert "3/3 epochs (2 found), " in capsys.readouterr().out
    clone(net).fit(X, Y)
    assert "Epoch 3/3: found in the memory :memory:" in capsys.readouterr().out


def test_keras_own_fit_shows_the_same_line(capsys, monkeypatch):
    kind = keras.callbacks.TerminateOnNaN
    monkeypatch.setattr(_training, "_KERAS_FIT_CALLBACKS", (kind,))
    clone(NET).set_params(callbacks=kind()).fit(X, Y)
    assert re.fullmatch(LINE, capsys.readouterr().out)


def test_it_changes_nothing():
    quiet = clone(NET).set_params(verbose=0).fit(X, Y)
    loud = clone(NET).fit(X, Y)
    np.testing.assert_array_equal(quiet.predict_proba(X), loud.predict_proba(X))
    assert loud.history_ == quiet.history_
    assert loud.callbacks_ == []


def test_lines_of_parallel_workers_stay_lines():
    code = """if True:
        import numpy as np
        from sklearn.model_selection import cross_validate
        from sknn_mnist import DenseClassifier
        X = np.random.default_rng(0).uniform(size=(90, 5))
        net = DenseClassifier(hidden_size=4, epochs=3, verbose=1, random_state=0)
        cross_validate(net, X, np.arange(90) % 3, cv=6, n_jobs=2)
    """
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert re.fullmatch(f"({LINE}){{6}}", done.stdout)
