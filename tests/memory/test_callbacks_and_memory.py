"""With `memory`, callbacks of Keras's own go on where a training was interrupted."""

import warnings

import keras
import numpy as np
import pytest
from ends_of_fits import Interrupt, assert_same
from keras.callbacks import (
    CSVLogger,
    EarlyStopping,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from sklearn.base import clone

import sknn_mnist
from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor
from sknn_mnist.memory import _callback_states, _stores

pytestmark = pytest.mark.usefixtures("nothing_kept")

RNG = np.random.default_rng(0)
X = RNG.random((80, 16)).astype("float32")
Y = (X[:, :3] + 0.3 * RNG.random((80, 3))).argmax(axis=1)
EPOCHS = 7


def net(**parameters):
    return DenseClassifier(
        **{
            "hidden_size": 8,
            "epochs": EPOCHS,
            "batch_size": 16,
            "validation_split": 0.2,
            "random_state": 0,
            **parameters,
        }
    )


# On a learning rate so large that the loss rises and falls.
RATE = 0.3
CALLBACKS = {
    "stops": lambda folder: EarlyStopping("val_loss", patience=1),
    "stops and restores": lambda folder: EarlyStopping(
        "val_loss", patience=2, restore_best_weights=True
    ),
    "restores, never stops": lambda folder: EarlyStopping(
        "val_accuracy", mode="max", patience=99, restore_best_weights=True
    ),
    "baseline": lambda folder: EarlyStopping(
        "loss", baseline=0.1, patience=3, min_delta=0.01, start_from_epoch=1
    ),
    "reduces": lambda folder: ReduceLROnPlateau(
        "val_loss", factor=0.5, patience=1, cooldown=1
    ),
    "all": lambda folder: [
        CSVLogger(folder / "first.csv"),
        ReduceLROnPlateau("loss", factor=0.3, patience=1),
        EarlyStopping("val_loss", patience=2, restore_best_weights=True),
        TerminateOnNaN(),
        CSVLogger(folder / "last.csv", separator=";"),
    ],
    "by name": lambda folder: "TerminateOnNaN",
}


def known(callback):
    """What a callback knows, but for what it holds open and what it belongs to."""
    found = dict(vars(callback))
    for name in ("_model", "csv_file", "writer", "filename", "params", "monitor_op"):
        found.pop(name, None)
    # Keras 3.6 makes a function of its own in each fit.
    op = getattr(callback, "monitor_op", None)
    found["compares"] = getattr(op, "__name__", None)
    return found


def same_fit(one, other):
    assert_same(one, other, known)


def texts(folder):
    return {each.name: each.read_bytes() for each in folder.glob("*.csv")}


# Keras leaves the file of an interrupted fit's CSVLogger open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", CALLBACKS)
def test_interrupted_after_any_epoch_it_ends_the_same(
    name, memory, tmp_path, monkeypatch
):
    folders = tmp_path / "alone", tmp_path / "shared"
    for folder in folders:
        folder.mkdir()
    alone, shared = (
        net(learning_rate=RATE, callbacks=CALLBACKS[name](folder)) for folder in folders
    )
    alone.fit(X, Y)
    n_epochs = len(alone.history_["loss"])
    assert n_epochs < EPOCHS or "never" in name or "stops" not in name
    shared.set_params(memory=memory)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*memory")
        for epoch in range(n_epochs):
            sknn_mnist.clear_memory(memory)
            with monkeypatch.context() as patched:
                Interrupt(patched, epoch)
                with pytest.raises(KeyboardInterrupt):
                    clone(shared).fit(X, Y)
            fitted = clone(shared).fit(X, Y)
            assert fitted.initial_epoch_ == epoch
            same_fit(fitted, alone)
            assert texts(folders[0]) == texts(folders[1])
        # All of it found, nothing is trained, and all else is done.
        for path in folders[1].iterdir():
            path.unlink()
        found = clone(shared).fit(X, Y)
    assert found.initial_epoch_ == n_epochs
    same_fit(found, alone)
    assert texts(folders[0]) == texts(folders[1])


def test_interrupted_again_and_again(memory, monkeypatch):
    """Each life gets an epoch further."""
    alone = net(learning_rate=RATE, callbacks=CALLBACKS["reduces"](None)).fit(X, Y)
    shared = clone(alone).set_params(memory=memory)
    for epoch in range(1, EPOCHS):
        with monkeypatch.context() as patched:
            Interrupt(patched, 1)
            with pytest.raises(KeyboardInterrupt):
                clone(shared).fit(X, Y)
        # The epochs done, the last of them too, and what is kept for good.
        kept = sknn_mnist.memory._stores.amount_kept(memory).n_states
        assert kept <= len({each for each in (1, 2, 4) if each <= epoch}) + epoch
    fitted = clone(shared).fit(X, Y)
    assert fitted.initial_epoch_ == EPOCHS - 1
    same_fit(fitted, alone)


@pytest.mark.parametrize("name", ["stops and restores", "reduces", "all"])
def test_other_numbers_of_epochs_go_on_from_it(name, memory, tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
    starts = []
    for epochs in (3, EPOCHS, 2, 5):
        alone, shared = (
            net(epochs=epochs, learning_rate=RATE, callbacks=CALLBACKS[name](folder))
            for folder in (tmp_path / "a", tmp_path / "b")
        )
        fitted = shared.set_params(memory=memory).fit(X, Y)
        starts.append(fitted.initial_epoch_)
        same_fit(fitted, alone.fit(X, Y))
        assert texts(tmp_path / "a") == texts(tmp_path / "b")
    assert starts[:3] == [0, 3, 2]
    assert starts[3] >= 3


def test_with_batch_norm_and_dropout_in_a_folder(tmp_path, monkeypatch):
    options = {
        "filters": 3, "hidden_size": 4, "batch_norm": True, "dropout": 0.3,
        "learning_rate": 0.1, "epochs": 6, "validation_split": 0.2, "random_state": 1,
        "callbacks": EarlyStopping(patience=1, restore_best_weights=True),
    }  # fmt: skip
    alone = CNNClassifier(**options).fit(X, Y)
    with monkeypatch.context() as patched:
        Interrupt(patched, 1)
        with pytest.raises(KeyboardInterrupt):
            CNNClassifier(**options, memory=tmp_path).fit(X, Y)
    fitted = CNNClassifier(**options, memory=tmp_path).fit(X, Y)
    assert fitted.initial_epoch_ == 1
    same_fit(fitted, alone)


def test_a_training_that_stopped_does_not_go_on(memory):
    stops = net(learning_rate=RATE, callbacks=CALLBACKS["stops"](None), memory=memory)
    first = clone(stops).fit(X, Y)
    n_epochs = len(first.history_["loss"])
    assert n_epochs < EPOCHS
    for epochs in (EPOCHS, 50):
        again = clone(stops).set_params(epochs=epochs).fit(X, Y)
        assert len(again.history_["loss"]) == again.initial_epoch_ == n_epochs
    # Nor does it stop others.
    plain = net(learning_rate=RATE, memory=memory).fit(X, Y)
    assert plain.initial_epoch_ == 0
    assert len(plain.history_["loss"]) == EPOCHS


@pytest.mark.parametrize(
    "other",
    [
        None,
        EarlyStopping("val_loss", patience=2),
        EarlyStopping("loss", patience=3),
        EarlyStopping("val_loss", patience=3, min_delta=0.1),
        EarlyStopping("val_loss", patience=3, restore_best_weights=True),
        EarlyStopping("val_loss", patience=3, baseline=0.5),
        ReduceLROnPlateau("val_loss", patience=3),
        [EarlyStopping("val_loss", patience=3), ReduceLROnPlateau("val_loss")],
    ],
    ids=[
        *("none", "patience", "monitor", "min_delta", "restore", "baseline"),
        *("another kind", "one more"),
    ],
)
def test_other_callbacks_are_another_training(other, memory):
    one = net(callbacks=EarlyStopping("val_loss", patience=3), memory=memory)
    one.set_params(epochs=2).fit(X, Y)
    assert clone(one).set_params(callbacks=other).fit(X, Y).initial_epoch_ == 0
    assert clone(one).fit(X, Y).initial_epoch_ == 2


def test_a_diverging_training_stops_as_without(memory):
    told = []
    for where in (None, memory, memory):
        diverging = DenseRegressor(
            optimizer="sgd", learning_rate=1e30, epochs=9, random_state=0,
            callbacks=TerminateOnNaN(), memory=where,
        )  # fmt: skip
        with pytest.raises(ValueError, match=r"diverged: .* after \d epoch") as raised:
            diverging.fit(X, Y)
        told.append(str(raised.value))
    assert "after 9" not in told[0]
    assert told == told[:1] * 3


class Mine(EarlyStopping):
    """Of the same name as nothing of Keras's."""


class Disguised(EarlyStopping):
    __module__ = "keras.src.callbacks.early_stopping"


Disguised.__name__ = Disguised.__qualname__ = "EarlyStopping"


@pytest.mark.parametrize("kind", [Mine, Disguised])
def test_subclasses_are_code_of_the_users_own(kind, memory):
    shared = net(epochs=1, callbacks=kind(), memory=memory)
    for _ in range(2):
        _stores._said.clear()
        with pytest.warns(UserWarning, match="trains without its memory: its callback"):
            assert clone(shared).fit(X, Y).initial_epoch_ == 0


def test_keras_has_the_names_that_are_kept():
    """Tells when Keras's callbacks come to hold more than is known of here."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    data = np.ones((4, 2)), np.ones(4)
    ignored = {"_model", "params", "csv_file", "writer", "validation_data"}
    for kind, config in _callback_states._CONFIG.items():
        callback = kind("loss" if "monitor" in config else lambda epoch: 0.1)
        model.fit(*data, callbacks=[callback], verbose=0)
        names = {*config, *_callback_states._CHANGES[kind], "monitor_op", "verbose"}
        assert vars(callback).keys() - ignored <= names


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_an_interrupted_fit_tells_what_is_kept(verbose, memory, monkeypatch, capsys):
    Interrupt(monkeypatch, 3)
    fitted = net(memory=memory, verbose=verbose)
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(X, Y)
    told = (
        "DenseClassifier: interrupted. 3 of 7 epochs are kept in the memory "
        f"{memory}; the same fit goes on from there.\n"
    )
    out = capsys.readouterr().out
    assert out.endswith(told) if verbose else out == ""


def test_any_error_leaves_the_epochs_done(memory, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Interrupt, "count", dies)
        Interrupt(patched, 5)
        with pytest.raises(MemoryError):
            net(memory=memory).fit(X, Y)
    assert net(memory=memory).fit(X, Y).initial_epoch_ == 5


def dies(self):
    self.left -= 1
    if self.left < 0:
        raise MemoryError


@pytest.mark.parametrize("dtype", ["float64", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "ftrl"])
def test_in_every_precision(dtype, optimizer, memory, monkeypatch):
    options = {"dtype": dtype, "optimizer": optimizer, "learning_rate": RATE}
    callbacks = [CALLBACKS["stops and restores"](None), CALLBACKS["reduces"](None)]
    alone = net(callbacks=callbacks, **options).fit(X, Y)
    shared = net(callbacks=callbacks, memory=memory, **options)
    with monkeypatch.context() as patched:
        Interrupt(patched, 2)
        with pytest.raises(KeyboardInterrupt):
            clone(shared).fit(X, Y)
    fitted = clone(shared).fit(X, Y)
    assert fitted.initial_epoch_ == 2
    same_fit(fitted, alone)
