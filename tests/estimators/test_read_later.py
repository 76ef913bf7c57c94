"""Rows that are read when they are needed give what arrays give, to the bit."""

import keras
import numpy as np
import pytest
from PIL import Image
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sknn_mnist import (
    CNNClassifier,
    CNNRegressor,
    DenseClassifier,
    DenseRegressor,
    ImageReader,
    KerasClassifier,
)
from sknn_mnist.datasets import RowView
from sknn_mnist.engine import _feeds
from sknn_mnist.estimators import _data, _sources

pytestmark = pytest.mark.exact

NETS = [
    DenseClassifier(dropout=0.2),
    DenseRegressor(batch_norm=True),
    CNNClassifier(filters=4),
    CNNRegressor(filters=4, augmentation="flip"),
]


def fitted(net, X, y, weights=None, **parameters):
    net = type(net)(**net.get_params())
    parameters = {"epochs": 2, "random_state": 0, **parameters}
    return net.set_params(**parameters).fit(X, y, weights)


def assert_same(one, other):
    assert one.history_ == other.history_
    for pair in zip(one.model_.get_weights(), other.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(*pair)


@pytest.fixture(params=[1, 10**9], ids=["batch by batch", "all at once"])
def at_once(request, monkeypatch):
    monkeypatch.setattr(_feeds, "BYTES_PER_CALL", request.param)


@pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)
def test_a_view_trains_and_predicts_as_its_array(net, digits, at_once):
    X, X_test, y, _ = digits
    one, other = fitted(net, X, y), fitted(net, RowView(X), y)
    assert_same(one, other)
    np.testing.assert_array_equal(one.predict(X_test), other.predict(RowView(X_test)))


@pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)
def test_with_weights_and_validation(net, digits):
    X, _, y, _ = digits
    weights = np.random.default_rng(0).random(len(X))
    weights[::7] = 0
    for given in (weights, weights + 0.1):
        parameters = {"validation_split": 0.2, "weights": given}
        one = fitted(net, X, y, **parameters)
        assert_same(one, fitted(net, RowView(X), y, **parameters))
        assert "val_loss" in one.history_


@pytest.mark.skipif(
    not hasattr(keras.config, "set_max_epochs"), reason="since Keras 3.12"
)
def test_keras_fit_reads_them_too(digits):
    X, _, y, _ = digits
    keras.config.set_max_epochs(5)
    try:
        found = [
            fitted(DenseClassifier(), each, y, validation_split=0.2)
            for each in (X, RowView(X))
        ]
    finally:
        keras.config.set_max_epochs(None)
    assert_same(*found)


def test_callbacks_hear_of_each_batch(digits):
    X, _, y, _ = digits
    heard = []
    for each in (X, RowView(X)):
        batches = []
        said = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs, batches=batches: batches.append(
                (batch, logs["loss"])
            )
        )
        fitted(DenseClassifier(), each, y, callbacks=said)
        heard.append(batches)
    assert heard[0] == heard[1]
    assert len(heard[0]) == 2 * -(-len(X) // 128)


def test_a_memory_is_shared_with_arrays(digits, tmp_path):
    X, _, y, _ = digits
    fitted(DenseClassifier(), X, y, memory=tmp_path)
    more = fitted(DenseClassifier(), RowView(X), y, memory=tmp_path, epochs=3)
    assert more.initial_epoch_ == 2
    assert_same(more, fitted(DenseClassifier(), X, y, epochs=3))


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.int16, bool])
def test_large_memory_maps_are_not_copied(dtype, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(_sources, "LEAST_BYTES", 1)
    X, _, y, _ = digits
    X = np.rint(X * 16).astype(dtype)
    mapped = np.memmap(tmp_path / "x", dtype, "w+", shape=X.shape)
    mapped[:] = X
    seen = []
    validate = _data.CheckedData._validate_view

    def spy(self, X, y, reset):
        seen.append(X)
        return validate(self, X, y, reset)

    monkeypatch.setattr(_data.CheckedData, "_validate_view", spy)
    other = fitted(CNNClassifier(filters=4), mapped, y)
    assert len(seen) == 1
    if dtype is not np.uint8:  # which are read later in any case
        seen.clear()
        one = fitted(CNNClassifier(filters=4), X, y)
        assert seen == []
        assert_same(one, other)
        np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(mapped))


def test_bad_rows_are_refused_before_training(digits):
    X, _, y, _ = digits
    bad = X.copy()
    bad[-1, 3] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        DenseClassifier().fit(RowView(bad), y)
    with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
        DenseClassifier().fit(RowView(X[:0]), y[:0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        DenseClassifier().fit(RowView(X), y[1:])
    net = fitted(DenseClassifier(), X, y)
    with pytest.raises(ValueError, match="X has 63 features, but DenseClassifier"):
        net.predict(RowView(X[:, 1:]))
    with pytest.raises(ValueError, match="too large for dtype"):
        net.predict(RowView(X.astype(np.float64) * 1e300))


@pytest.mark.parametrize(
    "kind", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array, sparse.lil_array]
)
@pytest.mark.parametrize("net", NETS[:2], ids=lambda net: type(net).__name__)
def test_sparse_rows_are_the_dense_ones(net, kind, digits):
    X, X_test, y, _ = digits
    one, other = fitted(net, X, y), fitted(net, kind(X), y)
    assert_same(one, other)
    np.testing.assert_array_equal(one.predict(X_test), other.predict(kind(X_test)))


def test_sparse_rows_are_never_dense_whole(monkeypatch):
    X = sparse.random(3_000, 20_000, 1e-4, format="csr", random_state=0)
    net = DenseClassifier(hidden_size=(), epochs=1, random_state=0)
    net.set_params(batch_size=50)
    y = np.arange(3_000) % 2
    most = []
    read = _sources.SparseRows.read

    def spy(self, rows):
        found = read(self, rows)
        most.append(len(found))
        return found

    monkeypatch.setattr(_sources.SparseRows, "read", spy)
    net.fit(X, y)
    assert len(net.predict(X)) == 3_000
    # A row takes 80 kB.
    assert 0 < max(most) <= 400
    assert sum(most) >= 6_000


def test_pipelines_that_make_sparse_rows():
    texts = ["a good day", "good and better", "a bad day", "worse and bad"] * 10
    labels = ["up", "up", "down", "down"] * 10
    net = DenseClassifier(epochs=60, learning_rate=0.05, random_state=0)
    assert make_pipeline(TfidfVectorizer(), net).fit(texts, labels).score(
        texts, labels
    ) == pytest.approx(1)
    colours = np.array([["red"], ["green"], ["blue"]] * 20)
    pipeline = make_pipeline(OneHotEncoder(), net)
    assert pipeline.fit(colours, colours[:, 0]).score(colours, colours[:, 0]) == 1
    search = GridSearchCV(net, {"hidden_size": [4]}, cv=2)
    assert search.fit(OneHotEncoder().fit_transform(colours), colours[:, 0])


def test_cnns_take_no_sparse_rows(digits):
    X, _, y, _ = digits
    with pytest.raises(TypeError, match="Sparse data was passed"):
        CNNClassifier().fit(sparse.csr_array(X), y)


@pytest.fixture(scope="module")
def files(digits, tmp_path_factory):
    X, _, y, _ = digits
    folder = tmp_path_factory.mktemp("files")
    images = np.rint(X[:200] * 255).astype(np.uint8).reshape(-1, 8, 8)
    paths = []
    for number, image in enumerate(images):
        paths.append(str(folder / f"{number}.png"))
        Image.fromarray(image).save(paths[-1])
    return np.array(paths), images, y[:200]


def test_paths_train_and_predict_as_images(files):
    paths, images, y = files
    net = CNNClassifier(filters=4)
    one = fitted(net, images, y, validation_split=0.2)
    for given in (paths, list(paths), paths[:, None], paths.astype(object)):
        other = fitted(net, given, y, validation_split=0.2)
        assert_same(one, other)
        np.testing.assert_array_equal(
            one.predict_proba(images), other.predict_proba(given)
        )
    assert other.image_shape_ == (8, 8, 1)
    assert other.rescaling_ == 1 / 255
    # Of images too, and in a pipeline that reads them whole.
    np.testing.assert_array_equal(one.predict(images), other.predict(images))
    assert_same(one, make_pipeline(ImageReader(), one).fit(paths, y)[-1])


def test_paths_in_searches(files):
    paths, images, y = files
    found = [
        GridSearchCV(
            CNNClassifier(filters=4, epochs=1, random_state=0, **more),
            {"hidden_size": [8, 16]},
            cv=2,
        )
        .fit(X, y)
        .cv_results_["mean_test_score"]
        for X, more in ((images, {}), (paths, {}), (paths, {"cache_images": True}))
    ]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    net = CNNClassifier(filters=4, epochs=1, random_state=0)
    np.testing.assert_array_equal(
        cross_val_score(net, paths, y, cv=2, n_jobs=2),
        cross_val_score(net, images, y, cv=2),
    )


@pytest.mark.parametrize("kept", [False, True])
def test_files_are_read_once_an_epoch_or_once(kept, files, monkeypatch):
    paths, _, y = files
    read = []
    really = _sources.read_images

    def spy(paths, shape):
        read.extend(paths)
        return really(paths, shape)

    monkeypatch.setattr(_sources, "read_images", spy)
    net = CNNClassifier(filters=4, cache_images=kept)
    net = fitted(net, paths, y, epochs=3, shuffle=True, batch_size=32)
    n_epochs = 1 if kept else 3
    # And those by which the scale is judged.
    assert len(read) == (n_epochs if kept else n_epochs + 1) * len(paths)


def test_the_files_content_is_in_the_memory_key(files, tmp_path):
    paths, images, y = files
    net = CNNClassifier(filters=4, memory=tmp_path / "states")
    fitted(net, paths, y)
    assert fitted(net, paths, y, epochs=3).initial_epoch_ == 2
    moved = [str(tmp_path / f"{number}.png") for number in range(len(paths))]
    for path, image in zip(moved, images, strict=True):
        Image.fromarray(image).save(path)
    assert fitted(net, moved, y, epochs=3).initial_epoch_ == 3
    Image.fromarray(255 - images[0]).save(moved[0])
    assert fitted(net, moved, y, epochs=3).initial_epoch_ == 0


def test_shapes_of_files(files, tmp_path):
    paths, _, y = files
    odd = str(tmp_path / "odd.png")
    Image.new("RGB", (10, 12), "red").save(odd)
    with pytest.raises(ValueError, match="The images have 2 sizes"):
        CNNClassifier().fit([odd, *paths[1:]], y)
    resized = fitted(CNNClassifier(filters=4, image_shape=(6, 5)), [odd, *paths[1:]], y)
    assert resized.image_shape_ == (6, 5, 3)
    assert len(resized.predict([odd])) == 1
    grey = fitted(CNNClassifier(filters=4, image_shape=(6, 5, 1)), [odd, *paths[1:]], y)
    assert grey.image_shape_ == (6, 5, 1)
    plain = fitted(CNNClassifier(filters=4), paths, y)
    with pytest.raises(ValueError, match="12×10 pixels, but CNNClassifier"):
        plain.predict([odd])
    with pytest.raises(ValueError, match="1 of 2 image files can't be read"):
        plain.predict([paths[0], "nowhere.png"])


def test_warm_start_goes_on_from_files(files):
    paths, images, y = files
    one = fitted(CNNClassifier(filters=4, warm_start=True), images, y).fit(images, y)
    other = fitted(CNNClassifier(filters=4, warm_start=True), paths, y).fit(paths, y)
    assert_same(one, other)


def own_network():
    return keras.Sequential(
        [keras.layers.Rescaling(1 / 255), keras.layers.Dense(10, "softmax")]
    )


def test_own_networks_get_arrays(digits, tmp_path, monkeypatch):
    X, _, y, _ = digits
    X = np.rint(X * 255).astype(np.uint8)
    net = KerasClassifier(own_network, loss="sparse_categorical_crossentropy")
    one = fitted(net, X, y)
    mapped = np.memmap(tmp_path / "x", np.uint8, "w+", shape=X.shape)
    mapped[:] = X
    monkeypatch.setattr(_sources, "LEAST_BYTES", 1)
    for given in (X, mapped, RowView(X)):
        other = fitted(net, given, y)
        assert_same(one, other)
        np.testing.assert_array_equal(one.predict(X), other.predict(given))
    encoded = fitted(clone(net).set_params(feature_encoder=np.sqrt), RowView(X), y)
    assert encoded.predict(mapped).shape == y.shape


def test_views_of_what_are_no_rows_of_numbers(digits):
    X, _, y, _ = digits
    net = fitted(DenseClassifier(), X, y)
    for bad in (X[:, 0], X.astype(complex), X.astype(str)):
        for call in (net.predict, lambda bad: net.fit(bad, y)):
            with pytest.raises(
                ValueError, match=r"Expected 2D array|must hold numbers"
            ):
                call(RowView(bad))
    with pytest.raises(ValueError, match=r"is one path: give a list of paths, \[X\]"):
        CNNClassifier().fit("photos/1.png", y)


def test_warm_start_with_a_shape_of_two_sides(digits):
    X, _, y, _ = digits
    net = CNNClassifier(filters=4, image_shape=(8, 8), warm_start=True)
    fitted(net, X, y).fit(X, y)
