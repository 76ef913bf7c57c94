"""The augmentation of a saved file is judged before any layer of it is made."""

import re

import keras
import numpy as np
import pytest
from saved_parts import parts, write

import sknn_mnist
from sknn_mnist import CNNClassifier

X = np.random.default_rng(0).random((30, 8, 8)).astype("float32")
Y = np.arange(30) % 3


def fitted(augmentation):
    net = CNNClassifier(
        filters=2,
        hidden_size=4,
        epochs=1,
        batch_size=16,
        augmentation=augmentation,
        random_state=0,
    )
    return net.fit(X, Y)


def stored(name, **arguments):
    return {"dict": [[name, {"dict": [[k, v] for k, v in arguments.items()]}]]}


def forge(path, augmentation, of=("parameters", "fitted_with")):
    about, arrays = parts(path)
    for part in of:
        pairs = dict(about[part]["dict"])
        pairs["augmentation"] = augmentation
        about[part]["dict"] = [[name, value] for name, value in pairs.items()]
    write(path, about, arrays)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "net.safetensors"
    fitted("flip").save(path)
    return path


@pytest.mark.parametrize(
    "augmentation",
    ["flip", ["flip"], [stored("RandomFlip", mode="horizontal")]],
)
def test_other_words_for_the_same_are_read(augmentation, path):
    before = sknn_mnist.load(path).predict_proba(X)
    forge(path, augmentation)
    again = sknn_mnist.load(path)
    assert np.array_equal(again.predict_proba(X), before)
    assert again.fit(X, Y).history_ == fitted("flip").history_


@pytest.mark.parametrize("of", ["parameters", "fitted_with"])
@pytest.mark.parametrize(
    "augmentation",
    [
        "Lambda",
        ["flip"] * 65,
        [stored("Lambda", function="print")],
        [stored("RandomFlip", mode="diagonal")],
        [stored("RandomFlip", mode={"dict": [["class_name", "x"]]})],
        [stored("RandomZoom", height_factor=[[0.1] * 100])],
        [stored("RandomZoom")],
        [{"dict": [["class_name", "RandomFlip"], ["config", {"dict": []}]]}],
        [{"dict": []}],
        [["flip"]],
        [None],
        3,
        {"name": "keras.losses.Huber"},
        {"object": ["keras.losses.Huber", {"dict": []}]},
    ],
)
def test_what_no_file_may_hold_is_refused(augmentation, of, path):
    forge(path, augmentation, of=[of])
    with pytest.raises(ValueError, match="can't be loaded as an estimator") as refused:
        sknn_mnist.load(path)
    assert re.search(
        "augmentation|of Keras's optimizers|a config may name", str(refused.value)
    )


@pytest.mark.parametrize("augmentation", [None, ["flip", "flip"], "rotation"])
def test_layers_are_those_that_the_arrays_are_of(augmentation, path):
    forge(path, augmentation)
    if augmentation == "rotation":  # whose arrays are the same
        assert sknn_mnist.load(path).augmentation == "rotation"
        return
    with pytest.raises(ValueError, match="arrays"):
        sknn_mnist.load(path)


def test_more_layers_than_a_file_may_have_are_not_written(tmp_path):
    net = fitted(["flip"] * 65)
    with pytest.raises(TypeError, match="more than 64 layers"):
        net.save(tmp_path / "net.safetensors")
    assert not [*tmp_path.iterdir()]


def test_names_stay_names_and_layers_become_configs(tmp_path):
    net = fitted(("rotation", keras.layers.RandomFlip("vertical", name="mine")))
    net.save(tmp_path / "net.safetensors")
    name, layer = sknn_mnist.load(tmp_path / "net.safetensors").augmentation
    assert name == "rotation"
    assert layer["class_name"] == "RandomFlip"
    assert layer["config"]["mode"] == "vertical"
