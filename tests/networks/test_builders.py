"""Networks come out as the lesson draws them."""

import re

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sknn_mnist.builders import build_cnn, build_dense


def layer_types(network):
    return [type(layer).__name__ for layer in network.layers]


def trainable(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


def test_dense_net_of_the_lesson():
    network = build_dense(hidden_size=32)
    assert layer_types(network) == ["Dense", "Dense"]
    assert trainable(network) == 25_450
    assert [layer.activation.__name__ for layer in network.layers] == [
        "relu",
        "softmax",
    ]


def test_dropout_net_of_the_lesson():
    network = build_dense(hidden_size=(1024, 1024), dropout=0.5)
    assert layer_types(network) == ["Dense", "Dropout"] * 2 + ["Dense"]
    assert trainable(network) == 1_863_690
    assert network.get_layer("dropout_2").rate == 0.5


def test_cnn_of_the_lesson():
    network = build_cnn(filters=(32, 32), hidden_size=64)
    assert layer_types(network) == [
        *["Conv2D", "MaxPooling2D"] * 2,
        *["Flatten", "Dense", "Dense"],
    ]
    assert trainable(network) == 61_482


@pytest.mark.parametrize("filters", [8, 64])
def test_batch_norm_cnn_of_the_lesson(filters):
    network = build_cnn(filters=(filters, filters), hidden_size=64, batch_norm=True)
    assert layer_types(network) == [
        *["Conv2D", "BatchNormalization", "MaxPooling2D"] * 2,
        *["Flatten", "Dense", "Dense"],
    ]
    assert network.get_layer("conv_1").kernel.shape == (3, 3, 1, filters)
    assert network.get_layer("conv_2").kernel.shape == (3, 3, filters, filters)
    assert network.get_layer("conv_1").activation.__name__ == "relu"


def test_dropout_of_a_cnn_without_hidden_layers_is_before_the_output():
    network = build_cnn((8, 8), filters=4, hidden_size=(), dropout=0.2)
    assert layer_types(network)[-3:] == ["Flatten", "Dropout", "Dense"]


def test_no_hidden_layer_is_softmax_regression():
    assert trainable(build_dense(hidden_size=())) == 7_850


def test_dense_net_flattens_images():
    assert trainable(build_dense((28, 28, 1))) == 25_450


def test_networks_come_uncompiled():
    assert not build_dense().compiled
    assert not build_cnn().compiled


@pytest.mark.parametrize("build", [build_dense, build_cnn])
def test_seed_fixes_the_weights_whatever_was_built_before(build):
    first = build(seed=3).get_weights()
    build(seed=4)
    again = build(seed=3).get_weights()
    other = build(seed=4).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_equal_layers_start_with_different_weights():
    first, second = (
        build_dense((16,), hidden_size=(16, 16), seed=0).get_layer(name).get_weights()
        for name in ("hidden_1", "hidden_2")
    )
    assert not np.array_equal(first[0], second[0])


def test_dtype_reaches_every_layer():
    network = build_cnn((8, 8, 1), filters=2, batch_norm=True, dtype="float64")
    assert {weight.dtype for weight in network.weights} == {"float64"}
    assert network(np.zeros((1, 8, 8, 1))).dtype == "float64"


def test_small_images_cut_kernels_and_windows_to_the_side():
    network = build_cnn((8, 8, 1), filters=(4, 4))
    assert network.get_layer("conv_2").output.shape == (None, 1, 1, 4)
    assert network.get_layer("pool_2").pool_size == (1, 1)
    strip = build_cnn((1, 5, 1), filters=(4, 4))
    assert strip.get_layer("conv_1").kernel_size == (1, 3)
    assert strip.get_layer("pool_1").output.shape == (None, 1, 1, 4)


@settings(deadline=None, max_examples=25)
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 3)),
    filters=st.lists(st.integers(1, 3), min_size=1, max_size=4),
    kernel_size=st.integers(1, 7),
    pool_size=st.integers(1, 5),
    padding=st.sampled_from(["valid", "same"]),
)
def test_any_image_goes_through(shape, filters, kernel_size, pool_size, padding):
    network = build_cnn(
        shape,
        3,
        filters=filters,
        kernel_size=kernel_size,
        pool_size=pool_size,
        padding=padding,
        hidden_size=2,
    )
    output = np.asarray(network(np.ones((2, *shape), dtype="float32")))
    assert output.shape == (2, 3)
    np.testing.assert_allclose(output.sum(axis=1), 1, rtol=1e-5)


def test_pool_size_1_pools_nothing():
    assert "MaxPooling2D" not in layer_types(build_cnn(pool_size=1))


def test_a_builder_serves_plain_keras():
    network = build_dense((4,), 1, hidden_size=4, output_activation=None, seed=0)
    network.compile(optimizer="sgd", loss="mse")
    history = network.fit(
        np.ones((8, 4)), np.ones(8), epochs=2, verbose=0, shuffle=False
    )
    assert history.history["loss"][1] < history.history["loss"][0]
    assert isinstance(network, keras.Sequential)


@pytest.mark.parametrize(
    ("build", "bad", "message"),
    [
        (
            build_dense,
            {"hidden_size": 0},
            "The 'hidden_size' parameter of build_dense must be an int in the range "
            "[1, inf) or a sequence of such ints, one per layer. Got 0 instead.",
        ),
        (
            build_dense,
            {"hidden_size": (32, 1.5)},
            "The 'hidden_size' parameter of build_dense must be an int in the range "
            "[1, inf) or a sequence of such ints, one per layer. Got (32, 1.5) "
            "instead.",
        ),
        (
            build_dense,
            {"dropout": 1.5},
            "The 'dropout' parameter of build_dense must be a float in the range "
            "[0.0, 1.0). Got 1.5 instead.",
        ),
        (
            build_dense,
            {"activation": "rellu"},
            "The 'activation' parameter of build_dense must be the name, config or "
            "function of a Keras activation (did you mean 'relu'?). Got 'rellu' "
            "instead.",
        ),
        (
            build_dense,
            {"input_shape": (0,)},
            "The 'input_shape' parameter of build_dense must be an int or a tuple of "
            "ints in the range [1, inf). Got (0,) instead.",
        ),
        (
            build_cnn,
            {"filters": ()},
            "The 'filters' parameter of build_cnn must be an int in the range "
            "[1, inf) or a sequence of such ints, one per layer. Got () instead.",
        ),
        (
            build_cnn,
            {"kernel_size": (3, 3, 3)},
            "The 'kernel_size' parameter of build_cnn must be an int in the range "
            "[1, inf) or a pair of such ints (height, width). Got (3, 3, 3) instead.",
        ),
        (
            build_cnn,
            {"padding": "full"},
            "The 'padding' parameter of build_cnn must be one of {'same', 'valid'}. "
            "Got 'full' instead.",
        ),
        (
            build_cnn,
            {"input_shape": (28,)},
            "The 'input_shape' parameter of build_cnn must be (height, width) or "
            "(height, width, channels) of positive ints. Got (28,) instead.",
        ),
    ],
)
def test_bad_parameters_are_named(build, bad, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build(**bad)
    with pytest.raises(TypeError, match=re.escape(message)):
        build(**bad)


@pytest.mark.parametrize("build", [build_dense, build_cnn])
def test_the_output_activation_may_be_a_layer(build):
    layer = keras.layers.Softmax()
    net = build((8, 8, 1), 3, output_activation=layer)
    assert net.layers[-1].activation is layer
