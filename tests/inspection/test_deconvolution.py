"""Activations projected back to pixels, against computations of another kind."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from keras import layers
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sknn_mnist import CNNClassifier, CNNRegressor, KerasClassifier
from sknn_mnist.inspection import deconvolution, feature_maps, strongest_patches
from sknn_mnist.inspection._paths import path_to, windows_of

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(40, 9, 10, 1)).astype(np.float32)
Y = np.arange(40) % 3


def own(*parts, shape=X.shape[1:]):
    """Return a fitted net of one's own, of these layers and an output."""
    rows = RNG.uniform(size=(12, *shape)).astype(np.float32)

    def make():
        # Of configs: a layer is of one network.
        made = [type(each).from_config(each.get_config()) for each in parts]
        head = [layers.Flatten(), layers.Dense(3, activation="softmax")]
        return keras.Sequential([layers.Input(shape), *made, *head])

    net = KerasClassifier(make, epochs=1, random_state=0).fit(rows, np.arange(12) % 3)
    for layer in net.model_.layers:
        if isinstance(layer, layers.BatchNormalization):  # as after a long training
            gamma, beta, mean, variance = layer.get_weights()
            wide = 0.5 + np.arange(len(gamma))
            layer.set_weights([gamma + wide, beta + 0.1, mean + 0.2, variance * wide])
    return net, rows


# -- the patches ----------------------------------------------------------------------


def test_patches_are_where_the_maps_are_strongest():
    net = CNNClassifier(filters=(3, 4), hidden_size=(), epochs=1, random_state=0)
    net.fit(X, Y)
    found = strongest_patches(net, X, "conv_2", n_patches=5)
    maps = feature_maps(net, X, "conv_2")
    np.testing.assert_array_equal(found.filters, np.arange(4))
    for number in found.filters:
        strongest = np.sort(maps[..., number].max(axis=(1, 2)))[::-1][:5]
        np.testing.assert_array_equal(found.activations[number], strongest)
        assert len(set(found.images[number])) == 5  # at most one of an image
        for image, place, (top, left), activation, patch in zip(
            found.images[number],
            found.positions[number],
            found.corners[number],
            found.activations[number],
            found.patches[number],
            strict=True,
        ):
            assert maps[(image, *place, number)] == activation
            # 3×3 kernels around pooling by 2: 8×8 pixels, in steps of 2.
            assert (top, left) == tuple(2 * place)
            np.testing.assert_array_equal(
                patch, X[image, top : top + 8, left : left + 8]
            )


def test_what_is_beyond_the_border_is_0():
    net, rows = own(layers.Conv2D(2, 3, padding="same"))
    net.model_.layers[0].set_weights([np.ones((3, 3, 1, 2)), np.zeros(2)])
    rows = np.zeros_like(rows[:2])
    rows[0, 0, 0] = rows[1, -1, -1] = 1
    found = strongest_patches(net, rows, n_patches=2, filters=[0])
    # All units that see the pixel are moved alike; the first of them is taken.
    assert dict(zip(found.images[0], found.corners[0].tolist(), strict=True)) == {
        0: [-1, -1],
        1: [6, 7],
    }
    for image, patch in zip(found.images[0], found.patches[0, ..., 0], strict=True):
        where = (1, 1) if image == 0 else (2, 2)
        assert np.argwhere(patch).tolist() == [list(where)]


@pytest.mark.parametrize("padding", ["valid", "same"])
@settings(max_examples=3, phases=[Phase.generate])
@given(data=st.data())
def test_a_receptive_field_is_the_pixels_that_move_the_unit(padding, data):
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    stride, dilation = data.draw(st.sampled_from([(1, 1), (2, 1), (3, 1), (1, 2)]))
    kernel, pool, steps = data.draw(pair), data.draw(pair), data.draw(pair)
    network = keras.Sequential(
        [
            layers.Input((19, 18, 1)),
            layers.ZeroPadding2D(((1, 0), (2, 1))),
            layers.Conv2D(
                1,
                kernel,
                strides=stride,
                dilation_rate=dilation,
                padding=padding,
                kernel_initializer="ones",
            ),
            layers.AveragePooling2D(pool, strides=steps, padding=padding),
            layers.Cropping2D(((1, 0), (0, 0))),
            layers.Conv2D(1, (1, 2), padding="same", kernel_initializer="ones"),
        ]
    )
    assume(0 not in network.outputs[0].shape[1:3])
    place = np.minimum(data.draw(pair), np.array(network.outputs[0].shape[1:3]) - 1)
    pixel = np.eye(19 * 18, dtype=np.float32).reshape(-1, 19, 18, 1)
    moved = np.asarray(network(pixel))[(slice(None), *place, 0)].reshape(19, 18) > 0
    path = path_to(network, network.layers[-1], "a test", back=True)
    corner, size = windows_of(path, pixel[:1], place, "a test")
    expected = np.zeros((19, 18), dtype=bool)
    (top, left), (bottom, right) = np.maximum(corner, 0), corner + size
    expected[top:bottom, left:right] = True
    # With strides that are wider than what is seen there are gaps: here between the two
    # pooled units side by side that the last convolution sees.
    assert not moved[~expected].any()
    if stride == dilation == 1 and steps[1] <= kernel[1] + pool[1] - 1:
        np.testing.assert_array_equal(moved, expected)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"dilation_rate": 2}, (5 + 1 + 3, 3 + 1 + 1)),
        ({"strides": 2}, (3 + 2 + 6, 2 + 2 + 2)),
        ({"strides": 2, "padding": "same"}, (3 + 2 + 6, 2 + 2 + 2)),
        ({"strides": (1, 3)}, (3 + 1 + 3, 2 + 3 + 3)),
    ],
)
def test_a_receptive_field_goes_from_the_first_to_the_last_such_pixel(options, size):
    network = keras.Sequential(
        [
            layers.Input((19, 18, 1)),
            layers.Conv2D(1, (3, 2), kernel_initializer="ones", **options),
            layers.AveragePooling2D(2, (3, 1), options.get("padding", "valid")),
            layers.Conv2D(1, 2, kernel_initializer="ones"),
        ]
    )
    pixel = np.eye(19 * 18, dtype=np.float32).reshape(-1, 19, 18, 1)
    moved = np.asarray(network(pixel))[:, 1, 2, 0].reshape(19, 18) > 0
    path = path_to(network, network.layers[-1], "a test", back=True)
    corner, found = windows_of(path, pixel[:1], np.array([1, 2]), "a test")
    where = np.argwhere(moved)
    assert found == size
    np.testing.assert_array_equal(corner, where.min(axis=0))
    np.testing.assert_array_equal(corner + size - 1, where.max(axis=0))


# -- the projections ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((9, 10, 1), {}),
        ((9, 10, 3), {"padding": "same", "activation": "relu"}),
        ((9, 10, 3), {"strides": 2}),
        ((9, 10, 1), {"strides": (2, 1), "padding": "same", "dtype": "float64"}),
    ],
)
def test_of_one_convolution_it_is_the_kernel_times_the_activation(shape, options):
    net, rows = own(layers.Conv2D(2, (3, 4), **options), shape=shape)
    kernel = net.model_.layers[0].get_weights()[0]
    found = deconvolution(net, rows, n_patches=6)
    for number in (0, 1):
        for activation, corner, projection in zip(
            found.activations[number],
            found.corners[number],
            found.projections[number],
            strict=True,
        ):
            expected = kernel[..., number] * activation
            # There is nothing to project to beyond the border.
            rows_in, columns_in = (
                (at + np.arange(k) >= 0) & (at + np.arange(k) < side)
                for at, k, side in zip(corner, (3, 4), shape[:2], strict=True)
            )
            expected = expected * np.outer(rows_in, columns_in)[..., None]
            np.testing.assert_allclose(projection, expected, rtol=1e-5, atol=1e-6)


def test_of_linear_layers_it_is_the_gradient_times_the_activation():
    net, rows = own(
        layers.Rescaling(1 / 3, offset=0.1),
        layers.Conv2D(3, 3),
        layers.BatchNormalization(),
        layers.AveragePooling2D(2),
        layers.Dropout(0.5),
        layers.Conv2D(2, 2, padding="same", name="last"),
    )
    found = deconvolution(net, rows, "last", n_patches=4)
    network = keras.Model(net.model_.inputs[0], net.model_.get_layer("last").output)
    for number in (0, 1):
        images = rows[found.images[number]]
        x = tf.convert_to_tensor(images)
        places = found.positions[number]
        with tf.GradientTape() as tape:
            tape.watch(x)
            maps = network(x, training=False)[..., number]
            units = tf.stack([maps[i, r, c] for i, (r, c) in enumerate(places)])
        gradients = tape.gradient(units, x).numpy()
        for slope, unit, (top, left), projection in zip(
            gradients,
            found.activations[number],
            found.corners[number],
            found.projections[number],
            strict=True,
        ):
            whole = np.zeros_like(slope)
            height, width = projection.shape[:2]
            there = (
                slice(max(top, 0), top + height),
                slice(max(left, 0), left + width),
            )
            inside = projection[max(-top, 0) :, max(-left, 0) :]
            whole[there] = inside[: whole[there].shape[0], : whole[there].shape[1]]
            np.testing.assert_allclose(whole, slope * unit, rtol=1e-4, atol=1e-6)


def by_hand(net, image, place, number):
    """Return the projection of a unit of conv_2, by loops as the paper describes it."""
    conv_1, norm, pool, conv_2 = net.model_.layers[:4]
    assert [each.name for each in net.model_.layers[:4]] == [
        *("conv_1", "batch_norm_1", "pool_1", "conv_2"),
    ]
    normalised = np.asarray(norm(conv_1(image[None]), training=False))[0]
    activation = np.asarray(conv_2(pool(normalised[None])))[(0, *place, number)]
    kernel = conv_2.get_weights()[0]
    height, width, filters = pool.output.shape[1:]
    pooled = np.zeros((height + 2, width + 2, filters))  # "same": with a margin of 1
    row, column = place
    pooled[row : row + 3, column : column + 3] = activation * kernel[..., number]
    pooled = pooled[1:-1, 1:-1]
    unpooled = np.zeros_like(normalised)
    for r, c, f in np.ndindex(pooled.shape):
        window = normalised[2 * r : 2 * r + 2, 2 * c : 2 * c + 2, f]
        down, along = np.unravel_index(window.argmax(), (2, 2))
        unpooled[2 * r + down, 2 * c + along, f] = pooled[r, c, f]
    gamma, _, _, variance = norm.get_weights()
    rectified = np.maximum(unpooled * gamma / np.sqrt(variance + norm.epsilon), 0)
    pixels = np.zeros((image.shape[0] + 2, image.shape[1] + 2, image.shape[2]))
    for r, c, f in np.ndindex(rectified.shape):
        pixels[r : r + 3, c : c + 3] += (
            rectified[r, c, f] * conv_1.get_weights()[0][..., f]
        )
    return pixels[1:-1, 1:-1]


def test_it_is_what_the_paper_describes():
    images = RNG.uniform(size=(10, 8, 8, 3)).astype(np.float32)
    net = CNNClassifier(
        filters=(3, 2),
        hidden_size=(),
        epochs=2,
        padding="same",
        batch_norm=True,
        random_state=0,
    ).fit(images, np.arange(10) % 2)
    found = deconvolution(net, images, "conv_2", n_patches=4)
    assert (found.activations[:, 0] > 0).all()
    for each in np.ndindex(2, 4):
        expected = by_hand(
            net, images[found.images[each]], found.positions[each], each[0]
        )
        (top, left), projection = found.corners[each], found.projections[each]
        for row, column in np.ndindex(8, 8):
            at = (row - top, column - left)
            inside = 0 <= at[0] < len(projection) and 0 <= at[1] < len(projection)
            value = projection[at] if inside else 0
            np.testing.assert_allclose(
                value, expected[row, column], rtol=1e-4, atol=1e-6
            )


def test_unpooling_puts_the_value_where_the_maximum_was():
    net, rows = own(
        layers.Conv2D(1, 1, kernel_initializer="ones", trainable=False, name="same"),
        layers.MaxPooling2D(3, name="pool"),
    )
    found = deconvolution(net, rows, "pool", n_patches=8)
    for patch, projection in zip(found.patches[0], found.projections[0], strict=True):
        expected = np.where(patch == patch.max(), patch, 0)
        np.testing.assert_allclose(projection, expected, rtol=1e-5)


def test_a_filter_that_answers_to_nothing_has_nothing_to_project():
    net, rows = own(layers.Conv2D(2, 3, activation="relu"))
    kernel, _ = net.model_.layers[0].get_weights()
    net.model_.layers[0].set_weights([kernel, np.array([-99.0, 1.0])])
    found = deconvolution(net, rows, n_patches=2)
    assert not found.activations[0].any()
    assert not found.projections[0].any()
    assert found.projections[1].any()


# -- whose nets -----------------------------------------------------------------------


def test_pipelines_searches_pixels_and_regressors():
    pixels = np.rint(X * 255).astype(np.uint8)
    net = CNNClassifier(filters=(2, 3), hidden_size=(), epochs=1, random_state=0)
    of_bits, of_floats = (
        CNNClassifier(**net.get_params()).fit(each, Y)
        for each in (pixels, pixels / 255)
    )
    found = deconvolution(of_bits, pixels)
    expected = deconvolution(of_floats, pixels / 255)
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_array_equal(found.patches, pixels_of(found, pixels))
    # The rescaling takes part, on the way up and down.
    np.testing.assert_allclose(
        255 * found.projections, expected.projections, rtol=1e-4, atol=1e-6
    )
    negative = make_pipeline(FunctionTransformer(np.negative), of_floats)
    again = deconvolution(negative, -(pixels / 255))
    np.testing.assert_array_equal(again.projections, expected.projections)
    search = GridSearchCV(net, {"epochs": [1]}, cv=2).fit(X, Y)
    assert deconvolution(search, X, 0).projections.shape == (2, 9, 3, 3, 1)
    regressor = CNNRegressor(
        filters=2, hidden_size=(), epochs=1, dtype="float64", augmentation="flip"
    )
    regressor.fit(X, Y.astype(float))
    assert deconvolution(regressor, X, "pool_1").projections.dtype == np.float64


def pixels_of(found, images):
    height, width = found.patches.shape[2:4]
    return np.array(
        [
            [
                images[image, top : top + height, left : left + width]
                for image, (top, left) in zip(*each, strict=True)
            ]
            for each in zip(found.images, found.corners, strict=True)
        ]
    )


def test_images_without_channels_and_rows():
    made = layers.Conv2D(2, 3, name="conv")
    flat, rows = own(layers.Reshape((9, 10, 1)), made, shape=(9, 10))
    found = deconvolution(flat, rows, n_patches=3)
    np.testing.assert_array_equal(found.patches, pixels_of(found, rows[..., None]))
    square, rows = own(layers.Reshape((8, 8, 1)), made, shape=(64,))
    assert deconvolution(square, rows, n_patches=3).patches.shape == (2, 3, 3, 3, 1)
    other, rows = own(layers.Reshape((4, 16, 1)), made, shape=(64,))
    with pytest.raises(ValueError, match=r"'reshape\w*', which reshapes to \(4, 16"):
        deconvolution(other, rows, n_patches=3)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([layers.LayerNormalization(), layers.Conv2D(2, 3)], "LayerNormalization"),
        ([layers.UpSampling2D(), layers.Conv2D(2, 3)], "of the type UpSampling2D"),
    ],
)
def test_layers_that_are_not_known_are_named(parts, message):
    net, rows = own(*parts)
    for function in (strongest_patches, deconvolution):
        with pytest.raises(ValueError, match=message) as caught:
            function(net, rows)
        start = f"The 'layer' parameter of {function.__name__} must be reached from"
        assert str(caught.value).startswith(start)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([layers.Conv2D(2, 3, activation="tanh")], "whose activation is 'tanh'"),
        ([layers.ReLU(negative_slope=0.1), layers.Conv2D(2, 3)], "a ReLU with a slope"),
        ([layers.Conv2D(2, 3), layers.PReLU(name="last")], "of the type PReLU"),
    ],
)
def test_layers_without_a_way_back_have_patches(parts, message):
    net, rows = own(*parts)
    layer = "last" if parts[-1].name == "last" else -1
    with pytest.raises(ValueError, match=message) as caught:
        deconvolution(net, rows, layer)
    assert "through convolutions with relu or no activation" in str(caught.value)
    found = strongest_patches(net, rows, layer, n_patches=2)
    strongest = np.sort(feature_maps(net, rows, layer).max(axis=(1, 2)), axis=0)
    np.testing.assert_array_equal(found.activations, strongest[:-3:-1].T)
    np.testing.assert_array_equal(found.patches, pixels_of(found, rows))


ACTIVATIONS = ["elu", "gelu", "relu6", layers.LeakyReLU(), keras.ops.flip]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_any_activation_of_kerass_has_patches(activation):
    """One of the user's own may turn images around."""
    network = keras.Sequential(
        [layers.Input((9, 9, 1)), layers.Conv2D(2, 3, activation=activation)]
    )
    conv = network.layers[0]
    if activation is keras.ops.flip:
        with pytest.raises(ValueError, match="whose activation is 'flip'"):
            path_to(network, conv, "a test", back=False)
    else:
        assert path_to(network, conv, "a test", back=False) == [conv]
    with pytest.raises(ValueError, match="whose activation is"):
        path_to(network, conv, "a test", back=True)


def test_branches_have_no_way_back():
    def make():
        pixels = layers.Input((9, 10, 1))
        left, right = layers.Conv2D(2, 3)(pixels), layers.Conv2D(2, 3)(pixels)
        maps = layers.Conv2D(2, 3, name="last")(layers.Add()([left, right]))
        return keras.Model(pixels, layers.Dense(3)(layers.Flatten()(maps)))

    net = KerasClassifier(make, epochs=1, loss="mse").fit(X, Y)
    with pytest.raises(ValueError, match="of the type Add"):
        deconvolution(net, X, "last")


def test_more_patches_than_images_are_refused():
    net, rows = own(layers.Conv2D(2, 3))
    with pytest.raises(ValueError, match=r"'n_patches' parameter of .* images, 12"):
        strongest_patches(net, rows, n_patches=13)
