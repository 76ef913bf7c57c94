"""With `memory`, callbacks that change nothing in training find their past epochs."""

import copy
import functools
import io
import math
import subprocess
import sys
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest
from ends_of_fits import Interrupt, assert_same
from keras.callbacks import (
    CSVLogger,
    EarlyStopping,
    History,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from sklearn.base import clone

import sknn_mnist
from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor, KerasClassifier
from sknn_mnist.memory import _stores

pytestmark = pytest.mark.usefixtures("nothing_kept")

RNG = np.random.default_rng(0)
X = RNG.random((80, 16)).astype("float32")
Y = (X[:, :3] + 0.3 * RNG.random((80, 3))).argmax(axis=1)
EPOCHS = 7
# So large that the loss rises and falls.
RATE = 0.3
RATES = (0.3, 0.2, 0.4)


def net(**parameters):
    return DenseClassifier(
        **{
            "hidden_size": 8,
            "epochs": EPOCHS,
            "batch_size": 16,
            "learning_rate": RATE,
            "validation_split": 0.2,
            "random_state": 0,
            **parameters,
        }
    )


def by_table(epoch, rate, table=RATES):
    return table[epoch] if epoch < len(table) else rate * math.exp(-0.3)


def waves(period, epoch):
    return float(RATE * (1 + np.cos(np.pi * epoch / period)) / 2)


CALLBACKS = {
    "progress": lambda to: ["ProgbarLogger", History()],
    "rates by epoch": lambda to: LearningRateScheduler(lambda epoch: 0.3 / (1 + epoch)),
    "rates by table": lambda to: LearningRateScheduler(by_table),
    "rates by waves": lambda to: LearningRateScheduler(functools.partial(waves, 3)),
    "every epoch": lambda to: ModelCheckpoint(
        to / "deep" / "{epoch:02d}-{val_loss:.4f}-{accuracy:.2f}.keras"
    ),
    "last": lambda to: ModelCheckpoint(to / "last.weights.h5", save_weights_only=True),
    "best": lambda to: ModelCheckpoint(to / "best.keras", save_best_only=True),
    "best weights of some": lambda to: ModelCheckpoint(
        to / "{epoch}.weights.h5",
        "val_accuracy",
        save_best_only=True,
        save_weights_only=True,
        initial_value_threshold=0.3,
    ),
    "least accurate": lambda to: ModelCheckpoint(
        to / "{accuracy:.1f}.keras", "accuracy", mode="min", save_best_only=True
    ),
    "around rates that are reduced": lambda to: [
        CSVLogger(to / "before.csv"),
        ModelCheckpoint(to / "before-{epoch}.weights.h5", save_weights_only=True),
        ReduceLROnPlateau("val_loss", factor=0.5, patience=1),
        ModelCheckpoint(to / "{epoch}-{learning_rate:.4f}.keras"),
        CSVLogger(to / "after.csv"),
    ],
    "all": lambda to: [
        CSVLogger(to / "before.csv"),
        ModelCheckpoint(to / "first.keras", save_best_only=True),
        LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        History(),
        ReduceLROnPlateau("loss", factor=0.3, patience=1),
        EarlyStopping("val_loss", patience=2, restore_best_weights=True),
        ProgbarLogger(),
        TerminateOnNaN(),
        ModelCheckpoint(to / "last.keras", "loss", save_best_only=True),
        CSVLogger(to / "after.csv"),
    ],
}


def known(callback):
    """What a callback knows, but for what it holds open and what it belongs to."""
    found = dict(vars(callback))
    for name in ("_model", "csv_file", "writer", "params", "monitor_op", "progbar"):
        found.pop(name, None)
    for name in ("filename", "filepath", "schedule", "seen", "target", "epochs"):
        found.pop(name, None)
    op = getattr(callback, "monitor_op", None)
    found["compares"] = getattr(op, "__name__", None)
    return found


def same_fit(one, other):
    assert_same(one, other, known)


def arrays_in(file):
    found = {}

    def note(name, part):
        if isinstance(part, h5py.Dataset):
            found[name] = np.asarray(part)

    with h5py.File(file) as read:
        read.visititems(note)
    return found


def files_in(folder):
    """What Keras wrote, but for when, by relative path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".csv":
            found[path.relative_to(folder)] = path.read_bytes()
        elif path.suffix == ".h5":
            found[path.relative_to(folder)] = arrays_in(path)
        elif path.suffix == ".keras":
            parts = zipfile.ZipFile(path)
            keras.models.load_model(path)  # it is whole
            found[path.relative_to(folder)] = arrays_in(
                io.BytesIO(parts.read("model.weights.h5"))
            )
    return found


def emptied(folder):
    for path in folder.rglob("*.*"):
        path.unlink()


@pytest.fixture
def folders(tmp_path):
    made = tmp_path / "alone", tmp_path / "shared"
    for each in made:
        each.mkdir()
    return made


# Keras leaves the file of an interrupted fit's CSVLogger open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.exact
@pytest.mark.parametrize("name", CALLBACKS)
def test_whatever_was_found_files_and_nets_are_the_same(name, folders, monkeypatch):
    alone, shared = (net(callbacks=CALLBACKS[name](each)) for each in folders)
    alone.fit(X, Y)
    expected = files_in(folders[0])
    assert bool(expected) == ("progress" not in name and "rates by" not in name)
    shared.set_params(memory=":memory:")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*memory")
        for epoch in (1, 3, 5):
            if epoch >= len(alone.history_["loss"]):
                break
            sknn_mnist.clear_memory(":memory:")
            with monkeypatch.context() as patched:
                Interrupt(patched, epoch)
                with pytest.raises(KeyboardInterrupt):
                    clone(shared).fit(X, Y)
            emptied(folders[1])
            fitted = clone(shared).fit(X, Y)
            assert fitted.initial_epoch_ == epoch
            same_fit(fitted, alone)
            np.testing.assert_equal(files_in(folders[1]), expected)
        # All of it found, nothing is trained, and all else is done.
        emptied(folders[1])
        found = clone(shared).fit(X, Y)
    assert found.initial_epoch_ == len(alone.history_["loss"])
    same_fit(found, alone)
    np.testing.assert_equal(files_in(folders[1]), expected)


PASSIVE = ["progress", "every epoch", "last", "best", "best weights of some"]


@pytest.mark.exact
@pytest.mark.parametrize("seed", range(3))
def test_callbacks_that_change_nothing_share_epochs(seed, folders, monkeypatch):
    """Each fit goes on from the longest before it, whatever callbacks that had."""
    rng = np.random.default_rng(seed)
    longest, last = 0, 0
    for _ in range(5):
        for folder in folders:
            emptied(folder)
        epochs = int(rng.integers(1, EPOCHS + 1))
        names = rng.permutation(PASSIVE)[: rng.integers(len(PASSIVE))]
        alone, shared = (
            net(
                epochs=epochs,
                callbacks=["TerminateOnNaN", CSVLogger(folder / "log.csv")]
                + [CALLBACKS[each](folder) for each in names if each != "progress"],
            )
            for folder in folders
        )
        fitted = shared.set_params(memory=":memory:").fit(X, Y)
        if epochs >= last:
            assert fitted.initial_epoch_ == min(epochs, longest)
        assert fitted.initial_epoch_ > (epochs // 2 if epochs <= longest else -1)
        longest = max(longest, epochs)
        last = max(last, epochs)
        same_fit(fitted, alone.fit(X, Y))
        np.testing.assert_equal(files_in(folders[1]), files_in(folders[0]))


@pytest.mark.exact
def test_convolutions_with_drawn_noise_write_the_same(folders):
    options = {
        "filters": 3, "hidden_size": 4, "batch_norm": True, "dropout": 0.3,
        "learning_rate": 0.1, "epochs": 6, "validation_split": 0.2, "random_state": 1,
    }  # fmt: skip
    CNNClassifier(**options, memory=":memory:").fit(X, Y)
    for folder, memory in zip(folders, (None, ":memory:"), strict=True):
        saves = ModelCheckpoint(folder / "{epoch}.keras")
        fitted = CNNClassifier(**options, memory=memory, callbacks=saves).fit(X, Y)
    assert fitted.initial_epoch_ == 6
    np.testing.assert_equal(files_in(folders[1]), files_in(folders[0]))


def make(width=4):
    return keras.Sequential(
        [
            keras.Input((16,)),
            keras.layers.Dense(width, "relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(3, "softmax"),
        ]
    )


@pytest.mark.exact
def test_own_networks_too(folders):
    for folder, memory in zip(folders, (None, ":memory:"), strict=True):
        own = KerasClassifier(
            make, loss="sparse_categorical_crossentropy", optimizer="adam", epochs=6,
            validation_split=0.2, random_state=1, memory=memory,
        )  # fmt: skip
        if memory:
            own.fit(X, Y)
        saves = [
            ModelCheckpoint(folder / "{epoch}.keras"),
            CSVLogger(folder / "log.csv"),
        ]
        own.set_params(callbacks=saves).fit(X, Y)
    assert own.initial_epoch_ == 6
    np.testing.assert_equal(files_in(folders[1]), files_in(folders[0]))


def test_a_schedule_is_known_by_what_it_computes():
    def by(factor):
        return LearningRateScheduler(lambda epoch, rate: rate * factor)

    def fitted(schedule):
        return net(epochs=2, memory=":memory:", callbacks=schedule).fit(X, Y)

    assert fitted(by(0.5)).initial_epoch_ == 0
    assert fitted(by(0.5)).initial_epoch_ == 2
    assert fitted(by(0.6)).initial_epoch_ == 0
    assert fitted(None).initial_epoch_ == 0
    assert fitted(LearningRateScheduler(by_table)).initial_epoch_ == 0
    other = functools.partial(by_table, table=(0.1,))
    assert fitted(LearningRateScheduler(other)).initial_epoch_ == 0


def test_another_table_is_another_schedule(monkeypatch):
    schedule = LearningRateScheduler(reads_a_name)
    shared = net(epochs=2, memory=":memory:", callbacks=schedule)
    first = clone(shared).fit(X, Y)
    monkeypatch.setitem(globals(), "RATES", (0.01, 0.02, 0.03))
    second = clone(shared).fit(X, Y)
    assert second.initial_epoch_ == 0
    assert first.history_["learning_rate"] != second.history_["learning_rate"]


def reads_a_name(epoch):
    return RATES[epoch]


SCRIPT = """
import sys, math, keras, numpy as np
from sknn_mnist import DenseClassifier
{lines}
def rate(epoch, lr):
    kind = epoch in {{1, 2, 3}} or "ab" in ("ab", "cd")
    return lr * math.exp(-0.1 * kind) + (0.0 if epoch in (5, 6) else 1e-3)
X = np.random.default_rng(0).random((40, 4)); y = np.arange(40) % 2
net = DenseClassifier(hidden_size=4, epochs=2, random_state=0, memory=sys.argv[1],
    callbacks=keras.callbacks.LearningRateScheduler(rate))
print(net.fit(X, y).initial_epoch_)
"""


@pytest.mark.slow
def test_other_processes_know_a_schedule(tmp_path):
    """Wherever it stands in its file, and however text is hashed there."""
    starts = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT.format(lines="\n" * lines), tmp_path],
            check=True, capture_output=True, text=True,
        ).stdout.strip()
        for lines in (0, 3)
    ]  # fmt: skip
    assert starts == ["0", "2"]


class Schedule:
    def __call__(self, epoch):
        return 0.1


SEEN = [0.1]


def appends(epoch):
    SEEN.append(0.1)
    return SEEN[0]


def draws(epoch):
    return float(np.random.default_rng().random())


OBSTACLES = {
    "an object": (LearningRateScheduler(Schedule()), "the schedule of its callback"),
    "a list": (LearningRateScheduler(appends), "the schedule of its callback"),
    "chance": (LearningRateScheduler(draws), "the schedule of its callback"),
    "batches": (
        ModelCheckpoint("never.keras", save_freq=2),
        r"its callback ModelCheckpoint writes .* within epochs \(save_freq=2\)",
    ),
    "rates in between": (
        [
            ModelCheckpoint("written.keras"),
            ReduceLROnPlateau("loss"),
            LearningRateScheduler(by_table),
        ],
        "ModelCheckpoint writes before several others set the learning rate",
    ),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_cannot_be_known_is_said(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    callbacks, said = OBSTACLES[name]
    shared = net(epochs=1, memory=":memory:", callbacks=callbacks)
    for _ in range(2):
        _stores._said.clear()
        with pytest.warns(UserWarning, match=f"trains without its memory: .*{said}"):
            assert clone(shared).fit(X, Y).initial_epoch_ == 0


@pytest.mark.exact
def test_an_epoch_that_a_loss_ends_is_nobody_elses():
    """Losses too large for float32 of weights that are finite nonetheless."""
    y = np.full(80, 1e25, dtype="float32")
    options = {
        "optimizer": keras.optimizers.SGD(0.1, clipvalue=0.1), "epochs": 3,
        "batch_size": 16, "random_state": 0, "hidden_size": 4,
    }  # fmt: skip

    def fitted(**more):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return DenseRegressor(**options, **more).fit(X, y)

    stops = {"callbacks": "TerminateOnNaN"}
    plain, stopped = fitted(), fitted(**stops)
    assert len(plain.history_["loss"]) == 3
    assert len(stopped.history_["loss"]) == 1
    for first in (stops, {}):
        sknn_mnist.clear_memory(":memory:")
        fitted(memory=":memory:", **first)
        for _ in range(2):
            for expected, more in ((plain, {}), (stopped, stops)):
                found = fitted(memory=":memory:", **more)
                np.testing.assert_equal(found.history_, expected.history_)
                for a, b in zip(
                    found.model_.variables, expected.model_.variables, strict=True
                ):
                    np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_past_epochs_are_not_told_twice(folders, capsys):
    """What was found prints nothing but that it was found."""
    saves = ModelCheckpoint(folders[1] / "{epoch}.keras", verbose=1)
    shared = net(epochs=2, memory=":memory:", callbacks=saves).fit(X, Y)
    assert "Epoch 2: saving model" in capsys.readouterr().out
    clone(shared).set_params(epochs=3).fit(X, Y)
    out = capsys.readouterr().out
    assert "Epoch 3: saving model" in out
    assert "Epoch 2" not in out


def test_a_callback_given_is_as_it_was(folders):
    saves = ModelCheckpoint(folders[1] / "best.keras", save_best_only=True)
    before = copy.deepcopy(vars(saves))
    for _ in range(2):
        net(epochs=2, memory=":memory:", callbacks=saves).fit(X, Y)
    assert vars(saves) == before


def test_errors_of_writing_are_the_users(folders):
    (folders[1] / "1.keras").mkdir()
    net(epochs=2, memory=":memory:").fit(X, Y)
    saves = ModelCheckpoint(folders[1] / "{epoch}.keras")
    with pytest.raises(OSError, match="directory"):
        net(epochs=2, memory=":memory:", callbacks=saves).fit(X, Y)
    saves = ModelCheckpoint(folders[1] / "{no_such}.keras")
    with pytest.raises(KeyError, match="no_such"):
        net(epochs=2, memory=":memory:", callbacks=saves).fit(X, Y)
