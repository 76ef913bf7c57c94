"""What a fitted network sees, against what it must see."""

import keras
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sknn_mnist import (
    CNNClassifier,
    CNNRegressor,
    DenseClassifier,
    KerasClassifier,
)
from sknn_mnist.display import (
    DeconvolutionDisplay,
    HistoryDisplay,
    MistakesDisplay,
    SensitivityDisplay,
)
from sknn_mnist.inspection import (
    convolution_kernels,
    feature_maps,
    gradient_saliency,
    images_of,
    looked_at,
    maximize_activation,
    occlusion,
)
from sknn_mnist.inspection._gradients import class_score_gradients
from sknn_mnist.inspection._unwrapping import unwrapped

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(60, 10, 10)).astype(np.float32)
Y = np.arange(60) % 3


@pytest.fixture(scope="module")
def cnn():
    net = CNNClassifier(
        filters=(3, 5), hidden_size=6, epochs=2, batch_norm=True, random_state=0
    )
    return net.fit(X, Y)


def test_feature_maps_are_those_of_the_layer(cnn):
    layers = cnn.model_.layers
    expected = keras.ops.convert_to_numpy(layers[0](X[:4, ..., None]))
    np.testing.assert_allclose(feature_maps(cnn, X[:4]), expected, rtol=1e-5)
    pooled = expected
    for layer in layers[1:3]:
        pooled = keras.ops.convert_to_numpy(layer(pooled, training=False))
    np.testing.assert_allclose(
        feature_maps(cnn, X[:4], "pool_1"), pooled, rtol=1e-4, atol=1e-6
    )
    assert feature_maps(cnn, X[:4], -1).shape == feature_maps(cnn, X[:4], 1).shape


def test_kernels_by_number_and_name(cnn):
    np.testing.assert_array_equal(convolution_kernels(cnn, 1), cnn.kernels_[1])
    np.testing.assert_array_equal(convolution_kernels(cnn, "conv_1"), cnn.kernels_[0])


def test_gradient_is_that_of_the_class_score(cnn):
    """Against differences of the score before the softmax, pixel by pixel."""
    head = cnn.model_.layers[-1]
    body = keras.Model(cnn.model_.inputs[0], head.input)

    def score(image, unit):
        hidden = keras.ops.convert_to_numpy(body(image[None, ..., None]))
        return (hidden @ np.asarray(head.kernel) + np.asarray(head.bias))[0, unit]

    saliency = gradient_saliency(cnn, X[:1], target=2)
    assert saliency.shape == (1, 10, 10)
    step = 1e-2
    for row, column in [(2, 3), (5, 5), (8, 1)]:
        up, down = X[0].copy(), X[0].copy()
        up[row, column] += step
        down[row, column] -= step
        slope = (score(up, 2) - score(down, 2)) / (2 * step)
        assert saliency[0, row, column] == pytest.approx(abs(slope), abs=2e-2, rel=0.2)


def test_smooth_saliency_is_the_mean_gradient_at_noisy_copies(cnn):
    options = {"target": 1, "n_copies": 3, "noise": 2, "random_state": 5}
    smooth = gradient_saliency(cnn, X[:3], **options)
    for image, found in zip(X[:3, ..., None], smooth, strict=True):
        draws = np.random.RandomState(5)  # an image doesn't depend on its company
        slopes = []
        for _ in range(3):
            noise = 2 * np.ptp(image) * draws.standard_normal(image.shape)
            noisy = (image + noise).astype(np.float32)[None]
            slope = class_score_gradients(cnn.model_, noisy, np.array([1]))
            slopes.append(slope[0, ..., 0])
        expected = np.abs(np.mean(slopes, axis=0))
        assert np.abs(expected - np.mean(np.abs(slopes), axis=0)).max() > 0.01
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    alone = gradient_saliency(cnn, X[2:3], **options)
    np.testing.assert_allclose(alone[0], smooth[2], rtol=1e-4, atol=1e-6)
    # The default noise, in one copy.
    noise = np.random.RandomState(0).standard_normal(X.shape[1:])
    noisy = X[:9] + 0.15 * np.ptp(X[:9], axis=(1, 2), keepdims=True) * noise
    expected = gradient_saliency(cnn, noisy.astype(np.float32), 1)
    assert expected.any()
    found = gradient_saliency(cnn, X[:9], 1, n_copies=1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_saliency_of_what_is_predicted_by_default(cnn):
    np.testing.assert_array_equal(
        gradient_saliency(cnn, X[:9]),
        gradient_saliency(cnn, X[:9], target=cnn.predict(X[:9])),
    )


def test_occlusion_is_what_is_lost(cnn):
    lost = occlusion(cnn, X[:2], target=[0, 1], patch_size=10, stride=1)
    # One patch hides all: the same for each pixel.
    black = cnn.predict_proba(np.zeros_like(X[:2]))
    whole = cnn.predict_proba(X[:2])
    expected = [whole[0, 0] - black[0, 0], whole[1, 1] - black[1, 1]]
    np.testing.assert_allclose(
        lost, np.reshape(expected, (2, 1, 1)) + lost * 0, rtol=1e-4
    )
    small = occlusion(cnn, X[:2], patch_size=3, stride=2)
    assert np.isfinite(small).all()
    assert small.std() > 0


def test_occlusion_finds_where_the_ink_is():
    """A net that has only one pixel to tell the classes by."""
    images = np.zeros((80, 8, 8), dtype=np.float32)
    labels = np.arange(80) % 2
    images[labels == 1, 2, 5] = 1
    net = DenseClassifier(hidden_size=4, epochs=150, learning_rate=0.05, random_state=0)
    net.fit(images.reshape(80, -1), labels)
    lost = occlusion(net, images[1:2].reshape(1, -1), patch_size=1, stride=1)
    assert np.unravel_index(lost[0].argmax(), (8, 8)) == (2, 5)
    assert lost[0, 2, 5] > 0.5
    assert np.count_nonzero(np.abs(lost) > 1e-3) == 1


def test_images_excite_their_filter_more_than_noise(cnn):
    conv = cnn.model_.get_layer("conv_2")
    body = keras.Model(cnn.model_.inputs[0], conv.input)

    def response(images):
        maps = keras.ops.conv(body(images), conv.kernel, data_format="channels_last")
        return np.diagonal(keras.ops.convert_to_numpy(maps).mean(axis=(1, 2)))

    images = maximize_activation(cnn, 1, whole=True, n_steps=30, blur=0)
    assert images.shape == (5, 10, 10, 1)
    assert images.min() >= 0
    assert images.max() <= 1
    noise = maximize_activation(cnn, 1, whole=True, n_steps=1, step_size=0.0, blur=0)
    assert (response(images) > response(noise)).all()
    again = maximize_activation(cnn, 1, whole=True, n_steps=30, blur=0)
    np.testing.assert_array_equal(images, again)


def test_what_one_place_looks_for_is_its_kernel(cnn):
    """Of images of one length, a linear filter responds most to its own kernel."""
    images = maximize_activation(cnn, 0, blur=0, step_size=0.01)
    assert images.shape == (3, 3, 3, 1)
    kernels = cnn.kernels_[0].transpose(3, 0, 1, 2)
    for image, kernel in zip(images - 0.5, kernels, strict=True):
        likeness = np.vdot(image, kernel)
        assert likeness > 0.99 * np.linalg.norm(image) * np.linalg.norm(kernel)


def test_images_of_classes_speak_for_them():
    net = CNNClassifier(filters=3, hidden_size=(), epochs=1, random_state=0).fit(X, Y)
    images = maximize_activation(net, "output", n_steps=20)
    assert images.shape == (3, 10, 10, 1)
    start = maximize_activation(net, "output", n_steps=1, step_size=0.0)
    now, before = (np.diagonal(net.predict_proba(each)) for each in (images, start))
    assert (now > before).all()
    flat = DenseClassifier(hidden_size=2, epochs=1).fit(X.reshape(60, -1), Y)
    with pytest.raises(TypeError, match=r"must take images of shape \(height, width"):
        maximize_activation(flat, "output")


def test_filters_that_leave_places_out_are_maximised():
    def make():
        conv = keras.layers.Conv2D(2, 3, strides=3, dilation_rate=1)
        parts = [conv, keras.layers.Flatten(), keras.layers.Dense(3)]
        return keras.Sequential([keras.layers.Input((12, 12, 1)), *parts])

    images = RNG.uniform(size=(6, 12, 12, 1)).astype(np.float32)
    net = KerasClassifier(make, loss="mse", epochs=1).fit(images, np.arange(6) % 3)
    kernel = net.model_.layers[0].get_weights()[0]
    found = maximize_activation(net, 0, whole=True, blur=0, step_size=0.01) - 0.5
    for number in (0, 1):  # the same in each of the windows, which don't overlap
        expected = np.tile(kernel[..., number], (4, 4, 1))
        assert np.corrcoef(found[number].ravel(), expected.ravel())[0, 1] > 0.99


def test_receptive_field(cnn):
    # 3×3 kernels around pooling by 2: 3 pooled pixels are 6 of the first map.
    assert maximize_activation(cnn, 1, n_steps=5).shape == (5, 8, 8, 1)


def test_pipelines_and_searches_are_taken_apart(cnn):
    pipe = make_pipeline(FunctionTransformer(np.negative), cnn)
    np.testing.assert_allclose(
        feature_maps(pipe, -X[:3]), feature_maps(cnn, X[:3]), rtol=1e-6
    )
    search = GridSearchCV(cnn, {"epochs": [1]}, cv=2).fit(X, Y)
    assert feature_maps(search, X[:3]).shape == (3, 8, 8, 3)
    for deep in (make_pipeline(FunctionTransformer(), pipe), make_pipeline(search)):
        _, net = unwrapped(deep)
        np.testing.assert_array_equal(convolution_kernels(deep), net.kernels_[0])
        np.testing.assert_array_equal(
            HistoryDisplay.from_estimator(deep).histories["CNNClassifier"]["loss"],
            net.history_["loss"],
        )
    flat, wrong = X.reshape(60, -1), (Y + 1) % 3
    wide = CNNClassifier(filters=2, hidden_size=(), epochs=1, image_shape=(5, 20))
    deep = make_pipeline(make_pipeline(FunctionTransformer(), wide.fit(flat, Y)))
    mistakes = MistakesDisplay.from_estimator(deep, flat, wrong)
    assert mistakes.images.shape[1:] == (5, 20, 1)


def test_a_pipeline_without_steps_is_refused():
    with pytest.raises(TypeError, match="'estimator' parameter of feature_maps"):
        feature_maps(Pipeline([]), X)


def test_a_pipeline_that_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError, match="Pipeline instance is not fitted"):
        feature_maps(make_pipeline(FunctionTransformer(), CNNClassifier()), X)


def test_binary_and_regressor():
    binary = CNNClassifier(filters=2, hidden_size=(), epochs=1, random_state=0)
    binary.fit(X, np.array(["no", "yes"])[Y % 2])
    lost = occlusion(binary, X[:2], target="no")
    np.testing.assert_allclose(lost, -occlusion(binary, X[:2], target="yes"), atol=1e-6)
    np.testing.assert_array_equal(
        gradient_saliency(binary, X[:2], target="no"),
        gradient_saliency(binary, X[:2], target="yes"),
    )
    regressor = CNNRegressor(filters=2, hidden_size=(), epochs=1, random_state=0)
    regressor.fit(X, np.c_[Y, -Y].astype(float))
    one, other = (gradient_saliency(regressor, X[:2], target=n) for n in (0, 1))
    assert one.shape == (2, 10, 10)
    assert (one != other).any()
    np.testing.assert_array_equal(gradient_saliency(regressor, X[:2]), one)


@pytest.mark.parametrize(
    ("n_features", "image"),
    [(1, (1, 1, 1)), (3, (1, 1, 3)), (12, (2, 2, 3)), (16, (4, 4, 1)), (7, (1, 7, 1))],
)
def test_rows_are_square_images_where_their_length_allows_it(n_features, image):
    """An estimator of images takes flat rows alike."""
    x = np.arange(2.0 * n_features).reshape(2, n_features)
    images = images_of(None, x)
    assert images.shape == (2, *image)
    np.testing.assert_array_equal(images.ravel(), x.ravel())
    assert images_of(None, images) is images
    regressor = CNNRegressor(filters=2, hidden_size=(), epochs=1).fit(x, [0.0, 1.0])
    assert regressor.image_shape_ == image


def test_looked_at_tells_images_and_classes(cnn):
    images, labels = looked_at(cnn, X[:4])
    np.testing.assert_array_equal(images, X[:4, ..., None])
    assert labels == cnn.predict(X[:4]).tolist()
    assert looked_at(cnn, X[:2], 1)[1] == [1, 1]
    regressor = CNNRegressor(filters=2, hidden_size=(), epochs=1).fit(
        X, Y.astype(float)
    )
    images, labels = looked_at(regressor, X[:2])
    assert (images.shape, labels) == ((2, 10, 10, 1), [])


def test_the_estimator_is_left_as_it_was(cnn):
    before = cnn.predict_proba(X)
    maximize_activation(cnn, 0, n_steps=3)
    gradient_saliency(cnn, X[:3])
    np.testing.assert_array_equal(cnn.predict_proba(X), before)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda net: feature_maps(net, X, 2), ValueError, "a number from 0 to 1, or"),
        (lambda net: feature_maps(net, X, "output"), ValueError, "'layer' parameter"),
        (lambda net: convolution_kernels(net, "pool_1"), ValueError, "'conv_1'"),
        (lambda net: convolution_kernels(net, True), ValueError, "Got True"),
        (lambda net: occlusion(net, X, patch_size=0), ValueError, "'patch_size'"),
        (lambda net: occlusion(net, X, fill=np.nan), ValueError, "'fill'"),
        (lambda net: occlusion(net, X, target=9), ValueError, "Got 9 instead"),
        (lambda net: occlusion(net, X, target=[1, 2]), ValueError, "of shape (2,)"),
        (lambda net: maximize_activation(net, n_steps=0), ValueError, "'n_steps'"),
        (lambda net: maximize_activation(net, blur=-1), ValueError, "'blur'"),
        (lambda net: maximize_activation(net, decay=1), ValueError, "'decay'"),
        (
            lambda net: maximize_activation(net, value_range=(1, 0)),
            ValueError,
            "'value_range'",
        ),
        (lambda net: feature_maps(LogisticRegression(), X), TypeError, "'estimator'"),
        (lambda net: feature_maps(CNNClassifier(), X), NotFittedError, "not fitted"),
        (
            lambda net: feature_maps(
                DenseClassifier(epochs=1).fit(X.reshape(60, -1), Y), X.reshape(60, -1)
            ),
            TypeError,
            "must have convolutions",
        ),
    ],
)
def test_what_is_wrong_is_named(cnn, call, error, message):
    with pytest.raises(error) as caught:
        call(cnn)
    assert message in str(caught.value)


def test_frames_have_what_is_behind_the_pictures(cnn):
    display = DeconvolutionDisplay.from_estimator(cnn, X, n_patches=3, filters=[4, 1])
    frame = display.frame()
    assert frame["filter"].tolist() == [4, 4, 4, 1, 1, 1]
    assert frame["rank"].tolist() == [0, 1, 2] * 2
    last = frame.iloc[-1]
    assert last["activation"] == display.activations[1, 2]
    assert (last["row"], last["column"]) == tuple(display.corners[1, 2])
    assert display.plot(filters=1).ax_.texts[0].get_text() == "filter 4: projected"
    assert display.ax_.get_xlabel() == "1 of 2 filters"
    captions = [each.get_text() for each in display.plot(filters=[1, 4]).ax_.texts]
    assert captions[::2] == ["filter 1: projected", "filter 4: projected"]
    assert display.ax_.get_xlabel() == "2 filters"
    with pytest.raises(
        ValueError, match=r"'filters' .* of distinct ints among \[4, 1\]"
    ):
        display.plot(filters=[0])
    display = SensitivityDisplay.from_estimator(cnn, X[:2], method="gradient")
    frame = display.frame()
    smooth = gradient_saliency(cnn, X[:2], n_copies=50)
    np.testing.assert_array_equal(frame["sensitivity"], smooth.ravel())
    assert frame.groupby("image")["class"].first().tolist() == display.labels
    place = frame.query("image == 1 and row == 3 and column == 7")["sensitivity"]
    assert place.item() == smooth[1, 3, 7]
    # Neither dead filters nor colours are in the way of a picture.
    colours = RNG.uniform(-1, 1, size=(2, 4, 3, 3, 3))
    dead = np.array([[0.0] * 4, [1.0] * 4])
    zeros = np.zeros((2, 4), int)
    display = DeconvolutionDisplay(
        colours, colours, dead, zeros, np.zeros((2, 4, 2), int), [7, 8]
    )
    texts = [each.get_text() for each in display.plot().ax_.texts]
    assert texts == ["filter 7: no answer", "", "filter 8: projected", "images"]
