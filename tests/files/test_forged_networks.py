"""Files of own networks that somebody forged: refused before anything is made."""

import copy
import json
import time

import keras
import numpy as np
import pytest
from own_networks import CASES, CODE, WIDE
from saved_parts import parts, write

import sknn_mnist
from sknn_mnist.files._network_configs import REFUSED_LAYERS, check_config


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    for name in ("dense", "operations", "frozen", "stepwise", "two inputs by name"):
        CASES[name].fitted().save(folder / name)
    CODE["layer"][0].fitted().save(folder / "code")
    return folder


@pytest.fixture(autouse=True)
def nothing_is_made(monkeypatch, tmp_path):
    """Fail where Keras makes a layer that runs code, or files are touched."""
    monkeypatch.chdir(tmp_path)

    def run(*_, **__):
        raise AssertionError("a layer that no file may name was made")

    for name in REFUSED_LAYERS - {"Layer", "Wrapper"}:
        monkeypatch.setattr(getattr(keras.layers, name), "__init__", run)
        monkeypatch.setattr(getattr(keras.layers, name), "from_config", run)


@keras.saving.register_keras_serializable("Custom", "Registered")
class Registered(keras.layers.Layer):
    def call(self, inputs):
        raise AssertionError("registered code ran")


@keras.saving.register_keras_serializable("Custom", "registered_function")
def registered_function(x):
    raise AssertionError("registered code ran")


def layer_of(name, module="keras.layers", registered_name=None, **config):
    return {
        "module": module,
        "class_name": name,
        "config": {"name": "evil", "trainable": True, **config},
        "registered_name": registered_name,
    }


LAMBDA = {"class_name": "__lambda__", "config": {"value": "4wEAAA==", "defaults": None}}
FUNCTION = {"module": "os", "class_name": "function", "config": "system"}
LAYERS = {
    "lambda": layer_of("Lambda", function=LAMBDA),
    "lambda of a function": layer_of("Lambda", function=FUNCTION),
    "saved model": layer_of("TFSMLayer", filepath="evil"),
    "torch": layer_of("TorchModuleWrapper", module="gASV"),
    "jax": layer_of("JaxLayer", call_fn=FUNCTION),
    "flax": layer_of("FlaxLayer", module=FUNCTION),
    "vocabulary": layer_of("StringLookup", vocabulary="/etc/passwd"),
    "numbers": layer_of("IntegerLookup", vocabulary="/etc/passwd"),
    "text": layer_of("TextVectorization", vocabulary="/etc/passwd"),
    "pipeline": layer_of("Pipeline", layers=[]),
    "base": layer_of("Layer"),
    "wrapper": layer_of("Wrapper", layer=layer_of("Dense", units=2)),
    "module": layer_of("system", module="os"),
    "part of keras": layer_of("get_file", module="keras.utils"),
    "hidden part": layer_of("Lambda", module="keras.src.layers.core.lambda_layer"),
    "hidden function": layer_of(
        "func_load", module="keras.src.utils.python_utils", code="4wEAAA=="
    ),
    "loader": layer_of("load_model", module="keras.models", filepath="evil.keras"),
    "any model": layer_of("Model", module="keras"),
    "no module": layer_of("Dense", module=None, units=2),
    "registered": layer_of(
        "Registered", "builtins", "Custom>Registered", module_objects=1
    ),
    "registered as ours": layer_of(
        "Dense", registered_name="Custom>Registered", units=2
    ),
    "registered activation": layer_of(
        "Dense", units=2, activation="Custom>registered_function"
    ),
    "activation of os": layer_of("Dense", units=2, activation=FUNCTION),
    "activation by lambda": layer_of("Activation", activation=LAMBDA),
    "initializer of os": layer_of(
        "Dense", units=2, kernel_initializer=layer_of("system", module="os")
    ),
    "quantizer": layer_of(
        "Dense",
        units=2,
        quantization_config=layer_of("X", module="keras.quantizers"),
    ),
    "within a wrapper": layer_of(
        "TimeDistributed", layer=layer_of("Lambda", function=LAMBDA)
    ),
    "within a network": layer_of(
        "Sequential", module="keras", layers=[layer_of("Lambda", function=LAMBDA)]
    ),
    "type of a tensor": {
        "class_name": "__typespec__",
        "module": "os",
        "spec_name": "system",
        "registered_name": None,
        "config": [],
    },
    "control flow": layer_of("Map", module="keras.src.ops.core"),
    "compiled": {**layer_of("Dense", units=2), "compile_config": {"optimizer": "adam"}},
    "shared": {**layer_of("Dense", units=2), "shared_object_id": 3},
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_that_no_file_may_name(name, saved, tmp_path):
    for place in (1, -1):
        about, arrays = parts(saved / "dense")
        config = about["network"]["config"]
        config["layers"].insert(place, copy.deepcopy(LAYERS[name]))
        before = json.dumps(config)
        with pytest.raises(ValueError, match=r"\w"):
            check_config(config)
        assert json.dumps(config) == before
        write(tmp_path / "net", about, arrays)
        with pytest.raises(ValueError, match="can't be loaded") as caught:
            sknn_mnist.load(tmp_path / "net")
        assert "AssertionError" not in str(caught.value)
        assert [each.name for each in tmp_path.iterdir()] == ["net"]


def test_refused_layers_are_named(saved, tmp_path):
    about, arrays = parts(saved / "dense")
    about["network"]["config"]["layers"].insert(1, LAYERS["lambda"])
    write(tmp_path / "net", about, arrays)
    with pytest.raises(ValueError, match=r"has the layer 'evil' \(Lambda\), and"):
        sknn_mnist.load(tmp_path / "net")


def test_all_layers_of_keras_were_looked_at():
    """New ones are for somebody to read: do they run code, or read files?"""
    kinds = {
        name
        for name, kind in vars(keras.layers).items()
        if isinstance(kind, type) and issubclass(kind, keras.layers.Layer)
    }
    suspects = {
        name
        for name in kinds
        if {"module", "filepath", "function", "call_fn", "vocabulary"}
        & set(vars(keras.layers)[name].__init__.__code__.co_varnames)
    }
    assert suspects <= REFUSED_LAYERS
    assert REFUSED_LAYERS - {"JaxLayer", "FlaxLayer", "Pipeline"} <= kinds


def first(config, name):
    return next(each for each in config["layers"] if each["class_name"] == name)


def change(name, **settings):
    def forge(about, arrays):
        first(about["network"]["config"], name)["config"].update(settings)

    return forge


def resized(units):
    def forge(about, arrays):
        layers = about["network"]["config"]["layers"]
        first(about["network"]["config"], "Dense")["config"]["units"] = units
        for layer in layers:
            layer.pop("build_config", None)

    return forge


def deep(about, arrays):
    inner = layer_of("Dense", units=2)
    for _ in range(19):
        inner = layer_of("TimeDistributed", layer=inner)
    about["network"]["config"]["layers"].insert(1, inner)


def deeper(about, arrays):
    inner = layer_of("Dense", units=2)
    for _ in range(200):
        inner = layer_of("TimeDistributed", layer=inner)
    about["network"]["config"]["layers"].insert(1, inner)


def many(about, arrays):
    layer = layer_of("Activation", activation="relu")
    about["network"]["config"]["layers"][1:1] = [
        {**layer, "config": {**layer["config"], "name": f"a{number}"}}
        for number in range(3_000)
    ]


def swapped(about, arrays):
    arrays["network/0"], arrays["network/1"] = arrays["network/1"], arrays["network/0"]


def setting(*place, value):
    def forge(about, arrays):
        for name in place[:-1]:
            about = about[name]
        about[place[-1]] = value

    return forge


def unrolled(about, arrays):
    config = about["network"]["config"]
    config["build_input_shape"] = {"tuple": [None, 10**6, 3]}
    first(config, "InputLayer")["config"]["batch_shape"] = {"tuple": [None, 10**6, 3]}
    first(config, "RNN")["config"]["unroll"] = True


def split(sections):
    def forge(about, arrays):
        operation = first(about["network"]["config"], "Maximum")
        operation.update(class_name="Split", registered_name="Split")
        operation["config"]["indices_or_sections"] = sections

    return forge


def no_tensors(about, arrays):
    operation = first(about["network"]["config"], "Multiply")
    operation["inbound_nodes"] = [{"args": [[10**6, 10**6]], "kwargs": {}}]


def circle(about, arrays):
    operation = first(about["network"]["config"], "Multiply")
    operation["inbound_nodes"][0]["args"]["tuple"][0]["config"]["keras_history"][0] = (
        "maximum"
    )


HUGE_METRIC = {"object": ["keras.metrics.MeanIoU", {"dict": [["num_classes", 10**5]]}]}
FORGED = {
    "huge layer": ("dense", resized(10**8), "not those of its network"),
    "huge int": ("dense", change("Dense", units=10**400), "63 bits"),
    "negative": ("dense", change("Dense", units=-3), "can't be loaded"),
    "huge input": (
        "dense",
        setting("network", "taken", value={"one": ["float32", [None, 10**12]]}),
        None,
    ),
    "deep": ("dense", deep, "can't be loaded"),
    "deeper": ("dense", deeper, "deep"),
    "many layers": ("dense", many, "more than 2,000 layers"),
    "swapped arrays": ("dense", swapped, "not those of its network"),
    "other units": ("dense", resized(6), "not those of its network"),
    "kind": ("dense", setting("network", "kind", value="Model"), "of the kind 'Model'"),
    "dtype": ("dense", setting("network", "dtype", value="x"), "of the dtype 'x'"),
    "no network": ("dense", setting("network", "config", value=3), "no config"),
    "optimizer of os": (
        "dense",
        setting("network", "compile", "optimizer", value={"name": "os.system"}),
        "os.system",
    ),
    "huge metric": (
        "dense",
        setting(
            "network",
            "compiled",
            "settings",
            "metrics",
            value=[HUGE_METRIC],
        ),
        "MB for metrics",
    ),
    "other settings": (
        "dense",
        setting("network", "compile", "callbacks", value=[]),
        "compiled with",
    ),
    "default of a huge metric": (
        "dense",
        setting(
            "function",
            "keywords",
            0,
            "default",
            value=HUGE_METRIC,
        ),
        "MB for",
    ),
    "no function": ("dense", setting("function", "name", value=3), "is not one"),
    "labels": (
        "dense",
        setting("targets", "labels", "values", value=["blue", "green"]),
        "has 3 unit",
    ),
    "unsorted labels": (
        "dense",
        setting("targets", "labels", "values", value=["red", "green", "blue"]),
        "not those of a fit",
    ),
    "model": (
        "dense",
        lambda about, arrays: about["parameters"]["dict"].append(["model", 3]),
        "can't be loaded",
    ),
    "encoder": (
        "dense",
        lambda about, arrays: about["parameters"]["dict"].append(
            ["feature_encoder", {"name": "keras.activations.relu"}]
        ),
        "no encoders",
    ),
    "unrolled": ("stepwise", unrolled, "steps one by one"),
    "loops": (
        "dense",
        lambda about, arrays: about["network"]["config"]["layers"].insert(
            1, layer_of("RandAugment", num_ops=10**6)
        ),
        "num_ops=1000000",
    ),
    "outputs": (
        "stepwise",
        lambda about, arrays: about["network"]["config"]["layers"].insert(
            1, layer_of("UpSampling1D", size=10**9)
        ),
        "can't be loaded",
    ),
    "sections": ("operations", split(10**9), "indices_or_sections"),
    "at once": ("operations", no_tensors, "not those of tensors"),
    "circle": ("operations", circle, "can't be loaded"),
    "frozen as a word": (
        "frozen",
        lambda about, arrays: first(about["network"]["config"], "Sequential")[
            "config"
        ].update(weights_path="evil"),
        "no config of a network",
    ),
    "format": ("dense", setting("format", value=1), "has not the format 1"),
    "no needs": ("code", setting("network", "needs", value=["x"]), "it has code"),
}
if keras.__version__.startswith("3.6."):
    # The oldest does not make an activation that is a layer again, and so its network
    # is not one that files describe.
    FORGED = {name: case for name, case in FORGED.items() if case[0] != "operations"}
if not hasattr(keras.layers, "RandAugment"):
    del FORGED["loops"]


@pytest.mark.parametrize("name", FORGED)
def test_forged_networks_are_refused_soon(name, saved, tmp_path):
    file, forge, message = FORGED[name]
    about, arrays = parts(saved / file)
    forge(about, arrays)
    write(tmp_path / "net", about, arrays)
    start = time.monotonic()
    if message is None:  # it says nothing of any use to anybody
        assert sknn_mnist.load(tmp_path / "net").predict(WIDE).shape == (60,)
        return
    with pytest.raises(ValueError, match="can't be loaded as an estimator") as caught:
        sknn_mnist.load(tmp_path / "net")
    assert message in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert time.monotonic() - start < 30


def test_arrays_of_another_network_are_refused(saved, tmp_path):
    about, arrays = parts(saved / "dense")
    arrays["network/0"] = np.full_like(arrays["network/0"], np.nan)
    write(tmp_path / "net", about, arrays)
    with pytest.raises(ValueError, match="not finite"):
        sknn_mnist.load(tmp_path / "net")


def test_a_scope_of_custom_objects_makes_nothing_of_a_file(saved):
    with (
        keras.saving.custom_object_scope({"Dense": Registered}),
        pytest.raises(ValueError, match="Dense"),
    ):
        sknn_mnist.load(saved / "dense")
