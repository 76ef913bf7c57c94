"""A state is taken only if it is, array for array, what the recipe's training makes.

Whoever can write to a folder can give any content its right checksum.
"""

import hashlib
import json
import os
import warnings

import keras
import numpy as np
import pytest
from safetensors import numpy as safetensors

import sknn_mnist
from sknn_mnist import DenseClassifier
from sknn_mnist.memory import _stores
from sknn_mnist.memory._state_files import FolderStore

X = np.random.default_rng(0).random((60, 9)).astype("float32")
Y = np.arange(60) % 3


@pytest.fixture(autouse=True)
def nothing_said():
    _stores._said.clear()
    _stores._folders.clear()


def net(memory=None, epochs=4, **parameters):
    parameters = {"hidden_size": 4, "batch_size": 16, "random_state": 0, **parameters}
    return DenseClassifier(epochs=epochs, memory=memory, **parameters)


def stops():
    return keras.callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True)


def last_file(memory):
    return max(FolderStore(memory, 1).files(), key=lambda each: each.epoch)


def named(path, data, epoch=None):
    """Return the place of a file with its right checksum."""
    number = path.name[:6] if epoch is None else f"{epoch:06d}"
    return path.with_name(f"{number}.{hashlib.sha256(data).hexdigest()}.safetensors")


def forge(memory, change):
    """Change arrays, and what they say of themselves, of the longest state."""
    path = last_file(memory).path
    arrays = safetensors.load_file(path)
    about = json.loads(arrays.pop("about").tobytes())
    about = change(arrays, about) or about
    if about != "none":
        text = about if isinstance(about, str) else json.dumps(about)
        arrays["about"] = np.frombuffer(text.encode(), dtype=np.uint8)
    data = safetensors.save(arrays)
    path.unlink()
    named(path, data).write_bytes(data)


def put(name, value):
    def change(arrays, about):
        arrays[name] = value

    return change


def drop(name):
    def change(arrays, about):
        del arrays[name]

    return change


def say(**values):
    return lambda arrays, about: {**about, **values}


def of_all(change):
    def change_all(arrays, about):
        for name, array in arrays.items():
            if name.startswith("network"):
                arrays[name] = change(array)

    return change_all


FORGERIES = {
    "other shape": put("network/0", np.zeros((9, 5), "float32")),
    "transposed": of_all(lambda array: np.ascontiguousarray(array.T)),
    "flat": of_all(lambda array: array.reshape(-1)),
    "one row": put("network/0", np.zeros((1, 4), "float32")),
    "scalar": put("network/1", np.zeros((), "float32")),
    "other dtype": of_all(lambda array: array.astype("float64")),
    "half": of_all(lambda array: array.astype("float16")),
    "whole numbers": put("network/1", np.zeros(4, "int32")),
    "too few": drop("network/3"),
    "too few of the optimizer": drop("optimizer/0"),
    "too many": put("network/99", np.zeros(3, "float32")),
    "something else": put("else", np.zeros(3, "float32")),
    "no state": say(state=[]),
    "other parts": lambda arrays, about: arrays.clear(),
    "no loss": say(history=["accuracy", "los"]),
    "no history": say(history=[]),
    "history of text": say(history="loss"),
    "history of numbers": say(history=[1, 2]),
    "a name twice": say(history=["loss", "loss"]),
    "other metrics": say(history=["loss", "evil"]),
    "an epoch short": put("history/0", np.ones(3)),
    "an epoch more": put("history/1", np.ones(5)),
    "no epoch": put("history/0", np.ones(())),
    "a column": put("history/0", np.ones((4, 1))),
    "stopped by nothing": say(stopped=True),
    "NaN": of_all(lambda array: np.full_like(array, np.nan)),
    "infinite": of_all(lambda array: np.full_like(array, np.inf)),
    "empty": put("history/0", np.ones((0, 5))),
    "losses that are none": put("history/0", np.ones(4, bool)),
    "other key": say(key="ab" * 32),
    "other epoch": say(epoch=3),
    "epoch of text": say(epoch="4"),
    "callbacks of others": say(callbacks=[{"wait": 1}]),
    "callbacks of text": say(callbacks="none"),
    "no callbacks": say(callbacks=None),
    "stopped maybe": say(stopped="maybe"),
    "nothing about": lambda arrays, about: "none",
    "about a list": lambda arrays, about: "[]",
    "about a number": lambda arrays, about: "1",
    "about no JSON": lambda arrays, about: "{",
    "about no text": lambda arrays, about: (
        put("about", np.zeros(9))(arrays, about) or "none"
    ),
    "deep": lambda arrays, about: '{"key":' + "[" * 200_000 + "]" * 200_000 + "}",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_state_is_told_and_passed_over(name, tmp_path):
    expected = net(epochs=6).fit(X, Y)
    net(tmp_path).fit(X, Y)
    forge(tmp_path, FORGERIES[name])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fitted = net(tmp_path, 6).fit(X, Y)
    mine = [str(each.message) for each in told if "memory" in str(each.message)]
    assert len(mine) == 1, mine
    assert "is skipped: " in mine[0]
    assert fitted.initial_epoch_ == 2  # the next shorter
    assert fitted.history_ == expected.history_
    np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize(
    "change",
    [
        say(callbacks=[]),
        say(callbacks=[{}, {}]),
        say(callbacks=[{"wait": "x"}]),
        say(callbacks=[{"wait": None}]),
        say(callbacks=[{"patience": 3}]),
        say(callbacks=[{"monitor_op": "less"}]),
        say(callbacks=[{"comparison": "less"}]),
        say(callbacks=[{"comparison": "system", "min_delta": 0}]),
        say(callbacks=[{"best_weights": [1, 2]}]),
        say(callbacks=[{"best_weights": {"weights": 1}}]),
        say(callbacks=[{"best": [[[]]]}]),
        say(callbacks=["wait"]),
        put("callbacks/0/best_weights/0", np.zeros((9, 5), "float32")),
        put("callbacks/0/best_weights/9", np.zeros(5, "float32")),
        drop("callbacks/0/best_weights/1"),
    ],
)
def test_forged_callbacks_are_told_and_passed_over(change, tmp_path):
    expected = net(epochs=6, callbacks=stops()).fit(X, Y)
    net(tmp_path, callbacks=stops()).fit(X, Y)
    forge(tmp_path, change)
    with pytest.warns(UserWarning, match="is skipped: "):
        fitted = net(tmp_path, 6, callbacks=stops()).fit(X, Y)
    assert fitted.initial_epoch_ == 2
    assert fitted.history_ == expected.history_
    np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize("names", [["loss"], ["loss", "auc"], ["loss", "val_loss"]])
def test_a_history_of_other_metrics_is_told_and_trained_again(names, tmp_path):
    expected = net(epochs=3).fit(X, Y)
    net(tmp_path, 2).fit(X, Y)
    for each in FolderStore(tmp_path, 1).files():
        if each.epoch == 1:
            each.path.unlink()

    def change(arrays, about):
        if len(names) < 2:
            del arrays["history/1"]
        return {**about, "history": names}

    forge(tmp_path, change)
    with pytest.warns(UserWarning, match="is skipped: its history is of"):
        fitted = net(tmp_path, 3).fit(X, Y)
    assert fitted.initial_epoch_ == 0
    assert fitted.history_ == expected.history_
    np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))


# -- no files at all ---------------------------------------------------------------


def pipe(path):
    os.mkfifo(path)


def loop(path):
    path.symlink_to(path.name)


def dangling(path):
    path.symlink_to("nowhere")


def to_a_device(path):
    path.symlink_to("/dev/zero")


def to_a_pipe(path):
    os.mkfifo(path.parent / "pipe")
    path.symlink_to("pipe")


def sparse(path):
    with path.open("wb") as file:
        file.truncate(2**40)


def empty(path):
    path.touch()


def folder(path):
    path.mkdir()


@pytest.mark.skipif(os.name == "nt", reason="has no such files")
@pytest.mark.parametrize(
    "make", [pipe, loop, dangling, to_a_device, to_a_pipe, sparse, empty, folder]
)
def test_what_is_no_file_is_passed_over_and_written_anew(make, tmp_path):
    expected = net(epochs=6).fit(X, Y)
    net(tmp_path).fit(X, Y)
    path = last_file(tmp_path).path
    path.unlink()
    make(path)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fitted = net(tmp_path, 6).fit(X, Y)
    assert fitted.initial_epoch_ == 2
    np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))
    mine = [str(each.message) for each in told if "memory" in str(each.message)]
    assert len(mine) == {dangling: 0, folder: 2}.get(make, 1), mine
    if make is not folder:  # of its own name: the epoch was written anew
        assert path.is_file()
        assert not path.is_symlink()
        assert net(tmp_path, 4).fit(X, Y).initial_epoch_ == 4


@pytest.mark.skipif(os.name == "nt", reason="has no such files")
@pytest.mark.parametrize("make", [pipe, loop, to_a_device, empty])
@pytest.mark.parametrize("depth", range(3))
def test_what_is_no_folder_costs_the_states_and_no_more(make, depth, tmp_path):
    expected = net().fit(X, Y)
    net(tmp_path).fit(X, Y)
    path = last_file(tmp_path).path.parents[depth]
    path.rename(tmp_path / "away")
    make(path)
    with pytest.warns(UserWarning, match="The memory .* can't"):
        fitted = net(tmp_path).fit(X, Y)
    np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))
    sknn_mnist.clear_memory(tmp_path)


def test_memory_names_no_folder_that_can_not_be():
    with pytest.raises(ValueError, match="The 'memory' parameter of DenseClassifier"):
        net("a\0b").fit(X, Y)


def test_a_state_of_many_classes_a_metric_is_not_too_large(tmp_path):
    """The bound on what is read leaves room for what metrics give."""
    classes = np.eye(40, dtype="float32")[np.arange(60) % 40]
    metrics = [keras.metrics.F1Score(name=f"f{number}") for number in range(9)]
    wide = net(
        tmp_path, 30, metrics=metrics, loss="categorical_crossentropy", hidden_size=1
    )
    wide.fit(X, classes)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*memory")
        assert net(**{**wide.get_params(), "epochs": 31}).fit(X, classes)
