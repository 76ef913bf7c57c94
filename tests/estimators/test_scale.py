"""The scale of pixels is part of a net, and what is on another one is told."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

import sknn_mnist
from sknn_mnist import CNNClassifier, CNNRegressor, DenseClassifier, DenseRegressor

pytestmark = pytest.mark.exact

NETS = [DenseClassifier(), DenseRegressor(), CNNClassifier(filters=4), CNNRegressor(4)]


def fitted(net, X, y, **parameters):
    return clone(net).set_params(epochs=2, random_state=0, **parameters).fit(X, y)


def outputs(net, X):
    return getattr(net, "predict_proba", net.predict)(X)


def said(function, *args):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*args)
    return [str(each.message) for each in caught if each.category is UserWarning]


@pytest.fixture(scope="module")
def pixels(digits):
    X, _, y, _ = digits
    return np.rint(X * 255).astype(np.uint8), y


@pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)
@pytest.mark.parametrize(
    "dtype",
    [
        "float32",
        pytest.param("mixed_float16", marks=pytest.mark.slow),
        pytest.param("mixed_bfloat16", marks=pytest.mark.slow),
    ],
)
def test_8_bits_are_the_same_pixels_as_floats(net, dtype, pixels):
    X, y = pixels
    one = fitted(net, X, y, dtype=dtype)
    assert one.rescaling_ == 1 / 255
    assert one.model_.layers[0].name == "rescaling"
    assert one.value_range_ == (0, 255)
    for floats in (X.astype(np.float32) / 255, X / 255):
        other = fitted(net, floats, y, dtype=dtype)
        assert other.rescaling_ is None
        assert other.value_range_ == (0, 1)
        assert one.history_ == other.history_
        np.testing.assert_array_equal(outputs(one, X), outputs(other, floats))
    # Values count, and not the dtype that they come in.
    for same in (X.astype(np.float64), X.astype(np.int64), X.tolist()):
        np.testing.assert_array_equal(outputs(one, X), outputs(one, same))


def test_in_64_bits(pixels):
    X, y = pixels
    one = fitted(NETS[0], X, y, dtype="float64")
    other = fitted(NETS[0], X / 255, y, dtype="float64")
    np.testing.assert_allclose(outputs(one, X), outputs(other, X / 255), rtol=1e-9)


@pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)
def test_0_and_1_stay_what_they_are(net, pixels):
    X, y = pixels
    X = X > 127
    found = [fitted(net, X.astype(dtype), y) for dtype in (bool, np.uint8, float, int)]
    assert {each.rescaling_ for each in found} == {None}
    for other in found[1:]:
        np.testing.assert_array_equal(outputs(found[0], X), outputs(other, X))


@pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)
def test_a_scale_that_is_given(net, pixels):
    X, y = pixels
    one = fitted(net, X, y)
    for whole in (X.astype(np.int64), X.astype(np.float32)):
        other = fitted(net, whole, y, rescaling=1 / 255)
        np.testing.assert_array_equal(outputs(one, X), outputs(other, whole))
        assert said(other.predict, whole) == []
    none = fitted(net, X, y, rescaling=None)
    assert none.rescaling_ is None
    assert none.model_.layers[0].name != "rescaling"


@pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)
def test_it_is_in_files_pickles_and_memory(net, pixels, tmp_path):
    X, y = pixels
    one = fitted(net, X, y, memory=tmp_path / "states")
    one.save(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net")
    assert again.rescaling_ == one.rescaling_
    assert again.value_range_ == one.value_range_
    np.testing.assert_array_equal(outputs(one, X), outputs(again, X))
    again.partial_fit(X, y)
    more = clone(one).set_params(epochs=3).fit(X, y)
    assert more.initial_epoch_ == 2
    for pair in zip(more.model_.weights, again.model_.weights, strict=True):
        np.testing.assert_array_equal(*map(np.asarray, pair))
    other = clone(one).set_params(rescaling=1 / 127).fit(X, y)
    assert other.initial_epoch_ == 0


def test_warm_start_keeps_the_scale(pixels):
    X, y = pixels
    net = fitted(NETS[0], X, y, warm_start=True)
    with pytest.raises(ValueError, match="can't continue a network"):
        net.set_params(rescaling=None).fit(X, y)
    net.set_params(rescaling="auto").fit(X.astype(float), y)
    assert net.rescaling_ == 1 / 255


@pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)
def test_another_scale_at_predict_is_told_once(net, pixels):
    X, y = pixels
    bright, dark = fitted(net, X, y), fitted(net, X / 255, y)
    owner = type(net).__name__
    assert said(bright.predict, X / 255) == [
        f"{owner} was fitted on values from 0 to 255, and gets values from 0 to 1. "
        "Bring them to the same scale (divide by 255, or multiply)."
    ]
    assert said(dark.predict, X) == [
        f"{owner} was fitted on values from 0 to 1, and gets values from 0 to 255. "
        "Bring them to the same scale (divide by 255, or multiply)."
    ]
    # What may well be: dark images, bright ones, noise.
    for ordinary in (X, X // 4, np.zeros_like(X), X[:1]):
        assert said(bright.predict, ordinary) == []
    for ordinary in (X / 255, X / 510, X / 255 - 0.1, X / 100, np.zeros(X.shape)):
        assert said(dark.predict, ordinary) == []


@pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)
def test_unscaled_pixels_are_told(net, pixels):
    X, y = pixels
    (told,) = said(fitted, net, X.astype(np.float32), y)
    assert told.startswith(f"{type(net).__name__} trains on pixels from 0 to 255")
    assert "rescaling=1/255" in told
    (told,) = said(fitted, net, X.astype(np.int64) * 257, y)
    assert "rescaling=1/65535" in told
    for ordinary in (X, X / 255, X / 16, (X - 127.0) / 64, X.astype(float)[:, :30]):
        assert said(fitted, net, ordinary, y) == []


def test_tables_are_no_images():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 100)
    for X in (
        rng.normal(1e4, 10, (100, 64)),  # no whole numbers
        rng.integers(0, 1000, (100, 70)),  # no square
        rng.integers(-300, 300, (100, 64)),  # negative
        rng.integers(0, 1000, (100, 16)),  # few
    ):
        assert not [each for each in said(fitted, NETS[0], X, y) if "pixels" in each]


def images_of(pixels):
    X, y = pixels
    return np.kron(X.reshape(-1, 8, 8), np.ones((3, 3), np.uint8)), y


def test_images_that_look_like_something_else_are_told(pixels):
    X, y = images_of(pixels)
    X, y = X[:300], y[:300]
    net = CNNClassifier(filters=2)
    rgb = np.stack([X] * 3, axis=-1)
    opaque = np.concatenate([rgb, np.full_like(X, 255)[..., None]], axis=-1)
    odd = {
        "np.moveaxis(X, 1, -1)": np.moveaxis(rgb, -1, 1),
        "image_shape=(24, 24, 4)": opaque.reshape(300, -1),
        "one pixel high": X[:, :, :20].reshape(300, -1),
        "5 at the bottom and 0 at the top": np.pad(X, ((0, 0), (0, 5), (3, 3))),
        "6 at the right and 0 at the left": np.pad(
            X[:, :, 3:], ((0, 0), (0, 0), (0, 6))
        ),
    }
    for remedy, images in odd.items():
        (told,) = said(fitted, net, images, y)
        assert remedy in told
        assert said(fitted, net, images, y) == [told]
    both = np.pad(X[:, :, 3:], ((0, 0), (0, 6), (0, 9)))
    (told,) = said(fitted, net, both, y)
    assert "at the bottom" in told
    assert "at the right" in told
    for ordinary in (X, rgb, opaque, rgb.reshape(300, -1), np.pad(X, 3)[3:-3]):
        assert said(fitted, net, ordinary, y) == []


def test_nothing_is_said_of_the_lessons_data(digits):
    X, _, y, _ = digits
    for data in ((X, y), (X * 16, y)):
        assert said(fitted, DenseClassifier(), *data) == []
        assert said(fitted, CNNClassifier(filters=2), *data) == []
    X, _, y, _ = sknn_mnist.load_digits28(return_X_y=True)
    for part in (slice(30), slice(300), slice(None)):
        assert said(fitted, CNNClassifier(filters=2), X[part], y[part]) == []
        assert said(fitted, DenseClassifier(), X[part], y[part]) == []


@pytest.mark.parametrize("shape", [(-1, 8, 8), (-1, 8, 8, 1)])
def test_dense_nets_say_what_to_do_with_images(shape, pixels):
    X, y = pixels
    net = fitted(DenseClassifier(), X, y)
    for call in (net.predict, lambda X: net.fit(X, y)):
        with pytest.raises(ValueError, match=r"X\.reshape\(len\(X\), -1\)") as caught:
            call(X.reshape(shape))
        assert "CNNClassifier" in str(caught.value)


def test_nothing_is_said_of_mnist(mnist_file):
    X, _, y, _ = sknn_mnist.load_mnist(mnist_file, layout="image", return_X_y=True)
    for n_rows in (50, 500, 3000):
        assert said(fitted, CNNClassifier(filters=2), X[:n_rows], y[:n_rows]) == []


@pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)
def test_few_levels_in_8_bits_are_no_pixels(net, pixels):
    X, y = pixels
    levels = np.rint(X / 16).astype(np.uint8)
    assert levels.max() == 16
    one, other = fitted(net, levels, y), fitted(net, levels.astype(np.float32), y)
    assert one.rescaling_ is None
    np.testing.assert_array_equal(outputs(one, levels), outputs(other, levels))


def test_a_black_batch_first_is_told_of(pixels):
    X, y = pixels
    net = CNNClassifier(filters=2, random_state=0)
    net.partial_fit(np.zeros_like(X[:5]), y[:5], classes=np.arange(10))
    (told,) = said(net.partial_fit, X, y)
    assert "was fitted on values from 0 to 0, and gets values from 0 to 255" in told


def test_centred_nets_tell_of_pixels(pixels):
    X, y = pixels
    for centred in (X / 127.5 - 1, (X - X.mean()) / X.std()):
        net = fitted(CNNClassifier(filters=2), centred, y)
        assert said(net.predict, centred) == []
        assert len(said(net.predict, X)) == 1


def test_counts_of_words_are_no_pixels():
    rng = np.random.default_rng(0)
    counts = sparse.csr_array(rng.poisson(0.3, (100, 144)) * 154)
    net = DenseClassifier(epochs=1, random_state=0)
    y = np.arange(100) % 2
    assert said(net.fit, counts, y) == []
    assert said(net.predict, counts > 0) == []
    assert said(net.fit, (counts > 0).astype(int), y) == []
    assert said(net.predict, (counts > 0).astype(int) * 20) == []
    table = rng.random((100, 4)) * [5000, 1, 1, 1]
    assert said(net.fit, table, y) == []
    assert said(net.predict, [[1, 0.2, 0.3, 0.4]]) == []
