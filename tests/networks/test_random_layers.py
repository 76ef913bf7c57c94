"""Random layers in networks: what is taken, what is refused, what they are told."""

import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from sknn_mnist.builders import build_cnn
from sknn_mnist.networks._augmentation import (
    AUGMENTATIONS,
    LAYERS,
    augmentation_configs,
)
from sknn_mnist.networks._keras_fingerprints import fingerprint

RNG = np.random.default_rng(0)
SHAPE = (8, 8, 1)
IMAGES = RNG.random((6, *SHAPE)).astype("float32")

# What a layer can't be made without, and what makes it do something.
ARGUMENTS = {
    "RandomBrightness": {"factor": 0.2},
    "RandomColorDegeneration": {"factor": 0.5},
    "RandomColorJitter": {"brightness_factor": 0.2, "saturation_factor": 0.5},
    "RandomContrast": {"factor": 0.2},
    "RandomHue": {"factor": 0.5},
    "RandomPosterization": {"factor": 2},
    "RandomRotation": {"factor": 0.1},
    "RandomSaturation": {"factor": 0.5},
    "RandomSharpness": {"factor": 0.5},
    "RandomShear": {"x_factor": 0.3, "y_factor": 0.3},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.1},
    "RandomZoom": {"height_factor": 0.2},
}
EACH = {
    name: {"class_name": name, "config": ARGUMENTS.get(name, {})} for name in LAYERS
}


def cnn(augmentation, shape=SHAPE, **options):
    return build_cnn(
        shape, filters=2, hidden_size=(), augmentation=augmentation, **options
    )


def augmenting(network):
    return [each for each in network.layers if each.name.startswith("augmentation_")]


def arguments(network):
    """Return what the layers are, names and seeds aside."""
    return [
        (type(each), {**each.get_config(), "seed": None, "name": None})
        for each in augmenting(network)
    ]


def values(network):
    return [each.numpy() for each in network.variables]


def keras_alone(name):
    """Return a network of Keras's with the layer, as it is by default."""
    layer = LAYERS[name](**ARGUMENTS.get(name, {}))
    return keras.Sequential([layer, keras.layers.Flatten()])


FORMS = {
    "class name": "RandomRotation",
    "class": keras.layers.RandomRotation,
    "tuple": ("rotation",),
    "array": np.array(["rotation"]),
    "config": {
        "class_name": "RandomRotation",
        "config": {"factor": 0.03, "fill_mode": "nearest"},
    },
    "config of Keras": keras.saving.serialize_keras_object(
        keras.layers.RandomRotation(0.03, "nearest", name="turned")
    ),
    "object": keras.layers.RandomRotation((-0.03, 0.03), "nearest", seed=3),
    "model": keras.Sequential([keras.layers.RandomRotation(0.03, "nearest")]),
    "numbers of NumPy": {
        "class_name": "RandomRotation",
        "config": {"factor": np.array([-0.03, 0.03]).tolist(), "fill_mode": "nearest"},
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_of_a_layer_make_the_same(form):
    given = FORMS[form]
    assert arguments(cnn(given, seed=0)) == arguments(cnn(["rotation"], seed=0))
    known = augmentation_configs("rotation", "test")
    assert augmentation_configs(given, "test") == known
    assert fingerprint(augmentation_configs(given, "test")) == fingerprint(known)


@pytest.mark.parametrize("given", [None, [], (), keras.Sequential([])])
def test_without_any_there_is_no_layer(given):
    assert augmentation_configs(given, "test") is None
    assert not augmenting(cnn(given))


@pytest.mark.parametrize("name", [*AUGMENTATIONS, *EACH])
def test_configs_are_plain_and_make_the_same_layers(name):
    known = augmentation_configs(EACH.get(name, name), "test")
    assert tuple(json.loads(json.dumps(known))) == known
    assert augmentation_configs(known, "test") == known
    assert augmentation_configs(list(known), "test") == known
    (config,) = known
    made = keras.saving.deserialize_keras_object(config)
    assert augmentation_configs(made, "test") == known


def test_layers_come_in_order_after_rescaling():
    network = cnn(["flip", "rotation", keras.layers.RandomFlip()], rescaling=1 / 255)
    assert [(each.name, type(each).__name__) for each in network.layers[:5]] == [
        ("rescaling", "Rescaling"),
        ("augmentation_1", "RandomFlip"),
        ("augmentation_2", "RandomRotation"),
        ("augmentation_3", "RandomFlip"),
        ("conv_1", "Conv2D"),
    ]


@pytest.mark.exact
def test_other_layers_start_as_without_it():
    options = {"dropout": 0.5, "seed": 3}
    plain = build_cnn(SHAPE, filters=(2, 2), **options)
    other = build_cnn(SHAPE, filters=(2, 2), augmentation=["flip", "zoom"], **options)
    states = len(augmenting(other))
    assert all(map(np.array_equal, values(plain), values(other)[states:]))
    assert len(values(plain)) == len(values(other)) - states


@pytest.mark.exact
def test_seeds_are_their_own_and_the_builders():
    layer = keras.layers.RandomFlip(seed=7)
    network = cnn([layer, layer, "flip"], seed=3)
    seeds = [each.seed for each in augmenting(network)]
    assert len({7, *seeds}) == 4
    assert layer not in network.layers
    again = cnn([layer, layer, "flip"], seed=3)
    assert [each.seed for each in augmenting(again)] == seeds
    assert [each.seed for each in augmenting(cnn("flip", seed=4))] != seeds[:1]
    (unseeded,) = augmenting(cnn(layer))
    assert unseeded.seed is None


# Those that take images of so many channels alone.
CHANNELS = {
    "RandomColorDegeneration": {3},
    "RandomColorJitter": {3},  # with a change of saturation
    "RandomGrayscale": {1, 3},
    "RandomHue": {3},
    "RandomSaturation": {3},
}
TAKEN = [
    (name, channels)
    for name in EACH
    for channels in (1, 2, 3, 4)
    if channels in CHANNELS.get(name, {1, 2, 3, 4})
]
NOT_TAKEN = [
    (name, channels)
    for name in EACH
    for channels in (1, 2, 3, 4)
    if (name, channels) not in TAKEN
]


@pytest.mark.exact
@pytest.mark.parametrize(
    # Grey and coloured images; of two and four channels those that change any pixel.
    ("name", "channels"),
    [each for each in TAKEN if each[1] in (1, 3) or each[0] == "RandomBrightness"],
)
def test_images_are_changed_in_training_alone(name, channels):
    images = RNG.random((32, 9, 9, channels)).astype("float32")
    network = cnn(EACH[name], (9, 9, channels), seed=0)
    (layer,) = augmenting(network)
    changed = keras.ops.convert_to_numpy(layer(images, training=True))
    assert changed.shape == images.shape
    assert changed.dtype == images.dtype
    grey = channels == 1 and name == "RandomGrayscale"
    assert grey or not np.array_equal(changed, images)
    assert np.array_equal(layer(images, training=False), images)
    once, twice = (network.predict(images, verbose=0) for _ in range(2))
    assert np.array_equal(once, twice)


@pytest.mark.parametrize(("name", "channels"), NOT_TAKEN)
def test_images_that_keras_would_fail_on_are_refused(name, channels):
    s = "" if channels == 1 else "s"
    message = f"must be for images of {channels} channel{s}. Got {name} (for"
    with pytest.raises(ValueError, match=re.escape(message)):
        cnn(EACH[name], (9, 9, channels))
    images = RNG.random((32, 9, 9, channels)).astype("float32")
    with pytest.raises((ValueError, tf.errors.FailedPreconditionError)):
        keras_alone(name)(images, training=True)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_by_name_suit_pixels_from_0_to_1(name):
    (layer,) = augmenting(cnn(name, seed=0))
    images = 0.25 + 0.5 * RNG.random((200, *SHAPE)).astype("float32")
    changed = keras.ops.convert_to_numpy(layer(images, training=True))
    assert changed.min() >= 0
    assert changed.max() <= 1
    # Most images are another picture, and no picture is blank.
    assert (np.abs(changed - images).max(axis=(1, 2, 3)) > 0).mean() > 0.3
    assert changed.std(axis=(1, 2, 3)).min() > 0.05


def test_ranges_are_those_of_pixels_unless_said_otherwise():
    given = {"class_name": "RandomBrightness", "config": {"factor": 0.2}}
    said = {
        "class_name": "RandomBrightness",
        "config": {"factor": 0.2, "value_range": [0, 255]},
    }
    layers = [given, "brightness", said, keras.layers.RandomBrightness(0.2)]
    ranges = [list(each.value_range) for each in augmenting(cnn(layers))]
    assert ranges == [[0, 1], [0, 1], [0, 255], [0, 255]]


def test_channels_come_last_whatever_keras_takes_them_for(monkeypatch):
    images = RNG.random((20, 3, 8, 1)).astype("float32")
    layer = keras.layers.RandomTranslation(0, (0.5, 0.5), "constant")
    expected = keras.ops.convert_to_numpy(
        augmenting(cnn(layer, (3, 8, 1)))[0](images, training=True)
    )
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        first = keras.layers.RandomTranslation(0, (0.5, 0.5), "constant")
        network = cnn([first, "contrast"], (3, 8, 1))
        shifted = keras.ops.convert_to_numpy(
            augmenting(network)[0](images, training=True)
        )
    finally:
        keras.config.set_image_data_format(before)
    assert np.array_equal(shifted, expected)
    assert np.array_equal(shifted[:, :, 4:], images[:, :, :4])


@pytest.mark.parametrize(
    ("dtype", "outer"),
    [
        ("float64", "float64"),
        ("mixed_float16", "float32"),
        ("mixed_bfloat16", "float32"),
    ],
)
def test_images_keep_their_precision(dtype, outer):
    network = cnn([*AUGMENTATIONS], dtype=dtype, rescaling=1)
    for layer in augmenting(network):
        changed = layer(IMAGES.astype(outer), training=True)
        assert keras.backend.standardize_dtype(changed.dtype) == outer


class Own(keras.layers.Layer):
    pass


class OwnFlip(keras.layers.RandomFlip):
    pass


REFUSED = {
    "a typing error": "rotaton",
    "a layer of another kind": keras.layers.Dropout(0.5),
    "a name of another kind": "Dropout",
    "another shape": "RandomCrop",
    "of one's own": Own(),
    "a subclass": OwnFlip(),
    "a class of one's own": OwnFlip,
    "a function": abs,
    "a number": 3,
    "none in a list": ["flip", None],
    "a list in a list": [["flip"]],
    "a config of another kind": {"class_name": "Lambda", "config": {"function": "x"}},
    "a config of another module": {
        "module": "os",
        "class_name": "RandomFlip",
        "config": {},
    },
    "a config of a registered class": {
        "class_name": "RandomFlip",
        "config": {},
        "registered_name": "Custom>RandomFlip",
    },
    "a config without a class": {"factor": 0.2},
    "a model within a list": [keras.Sequential([keras.layers.RandomFlip()])],
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_random_layer_of_keras_is_refused(what):
    with pytest.raises(ValueError, match="'augmentation' parameter of build_cnn") as no:
        cnn(REFUSED[what])
    assert "must be None, one of 'translation', 'rotation', 'zoom', 'flip'" in str(
        no.value
    )
    assert "RandomBrightness" in str(no.value)
    assert isinstance(no.value, TypeError)


def test_a_near_name_is_told():
    with pytest.raises(ValueError, match=re.escape("(did you mean 'rotation'?)")):
        cnn("rotaton")


@pytest.mark.parametrize(
    "given",
    [
        {"class_name": "RandomRotation", "config": {"factor": 7}},
        {"class_name": "RandomRotation", "config": {}},
        {"class_name": "RandomRotation"},
        {"class_name": "RandomRotation", "config": {"factor": 0.1, "colour": 1}},
        {"class_name": "RandomZoom", "config": {"height_factor": "much"}},
        {
            "class_name": "RandomFlip",
            "config": {"mode": "diagonal"},
        },  # Keras's takes it
    ],
)
def test_arguments_that_a_layer_does_not_take_are_named(given):
    name = given["class_name"]
    message = f"'augmentation' parameter of build_cnn must give {name} arguments"
    with pytest.raises(ValueError, match=message):
        cnn(given)
