"""ImageReader reads paths as a step of scikit-learn's pipelines."""

import pickle

import numpy as np
import pytest
from PIL import Image
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sknn_mnist import ImageReader


@pytest.fixture
def files(tmp_path):
    """Bright and dark images, in one array of paths, and their labels."""
    rng = np.random.default_rng(0)
    paths, labels = [], []
    for place in range(24):
        label = place % 2
        pixels = rng.integers(0, 128, (5, 4), dtype=np.uint8) + 127 * label
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{place}.png")
        paths.append(str(tmp_path / f"{place}.png"))
        labels.append(label)
    return np.array(paths), np.array(labels)


def test_fit_learns_the_shape_and_transform_reads(files):
    X, _ = files
    reader = ImageReader().fit(X)
    assert reader.image_shape_ == (5, 4, 1)
    images = reader.transform(X)
    assert images.shape == (24, 5, 4, 1)
    assert images.dtype == np.uint8
    with Image.open(X[7]) as image:
        np.testing.assert_array_equal(images[7, ..., 0], image)
    np.testing.assert_array_equal(ImageReader().fit_transform(X.reshape(-1, 1)), images)
    np.testing.assert_array_equal(ImageReader("auto").fit_transform(list(X)), images)


def test_it_resizes_where_it_was_told_to_alone(files, tmp_path):
    X, _ = files
    Image.new("RGB", (8, 8)).save(tmp_path / "large.png")
    large = [str(tmp_path / "large.png")]
    assert ImageReader((3, 2)).fit(X).transform(large).shape == (1, 3, 2, 1)
    assert ImageReader((3, 2, 4)).fit(X).transform(large).shape == (1, 3, 2, 4)
    with pytest.raises(ValueError, match=r"1 of 1 image files.*8×8 pixels, not 5×4"):
        ImageReader().fit(X).transform(large)
    with pytest.raises(ValueError, match=r"2 sizes.*image_shape=\(5, 4\)"):
        ImageReader().fit([*X, *large])


def test_broken_files_are_an_error_or_skipped(files):
    X, _ = files
    for place in (4, 9):
        with open(X[place], "wb") as file:
            file.write(b"no image")
    with pytest.raises(ValueError, match="2 of 24 image files can't be read"):
        ImageReader().fit(X)
    reader = ImageReader(on_error="skip").fit(X)
    assert [place for place, _, _ in reader.skipped_] == [4, 9]
    assert reader.transform(X[3:6]).shape == (2, 5, 4, 1)
    assert [place for place, _, _ in reader.skipped_] == [1]
    assert reader.transform(X[:3]).shape == (3, 5, 4, 1)
    assert reader.skipped_ == []


def test_it_is_a_step_of_a_searched_pipeline(files):
    X, y = files
    flat = FunctionTransformer(lambda images: images.reshape(len(images), -1))
    pipe = make_pipeline(ImageReader(), flat, LogisticRegression(max_iter=1000))
    grid = {"imagereader__image_shape": [None, (2, 2), (3, 3, 3)]}
    search = GridSearchCV(pipe, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_score_ == 1
    assert search.predict(X).tolist() == y.tolist()


def test_clones_pickles_and_output(files):
    X, _ = files
    reader = ImageReader(image_shape=(3, 2), on_error="skip")
    assert clone(reader).get_params() == reader.get_params()
    fitted = pickle.loads(pickle.dumps(reader.fit(X)))
    np.testing.assert_array_equal(fitted.transform(X), reader.transform(X))
    for output in ("pandas", "default"):
        pipe = make_pipeline(ImageReader()).set_output(transform=output)
        assert isinstance(pipe.fit_transform(X), np.ndarray)
        with config_context(transform_output=output):
            assert isinstance(ImageReader().fit_transform(X), np.ndarray)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"image_shape": 5}, "image_shape"),
        ({"image_shape": "28x28"}, "image_shape"),
        ({"image_shape": (5,)}, "image_shape"),
        ({"image_shape": (5, 0)}, "image_shape"),
        ({"image_shape": (5, 5, 2)}, "image_shape"),
        ({"image_shape": (5, 5, 3, 1)}, "image_shape"),
        ({"image_shape": object()}, "image_shape"),
        ({"on_error": "ignore"}, "on_error"),
        ({"on_error": None}, "on_error"),
    ],
)
def test_bad_parameters_are_named_in_fit(files, parameters, name):
    with pytest.raises(
        ValueError, match=f"The {name!r} parameter of ImageReader must be .* Got"
    ):
        ImageReader(**parameters).fit(files[0])


@pytest.mark.parametrize("X", [np.zeros((3, 4)), [], None, "a.png", [1, 2], [b"a"]])
def test_what_is_no_array_of_paths_is_refused(files, X):
    with pytest.raises(TypeError, match="X of ImageReader must be paths of image"):
        ImageReader().fit(X)
    with pytest.raises(TypeError, match="X of ImageReader must be paths of image"):
        ImageReader().fit(files[0]).transform(X)


def test_it_must_be_fitted(files):
    with pytest.raises(NotFittedError):
        ImageReader().transform(files[0])
