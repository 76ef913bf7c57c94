"""The same pixels, in whatever form they come, give the same predictions."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sknn_mnist import CNNClassifier, DenseClassifier
from sknn_mnist.datasets import load_images
from sknn_mnist.images._reading import read_images

pytestmark = pytest.mark.exact


@pytest.fixture(scope="module")
def pixels(digits):
    """Training and test images in 8 bits, sorted by class, as folders have them."""
    X_train, X_test, y_train, y_test = digits
    found = []
    for X, y in ((X_train[:300], y_train[:300]), (X_test[:100], y_test[:100])):
        order = np.argsort(y, kind="stable")
        images = np.rint(X[order] * 255).astype(np.uint8).reshape(-1, 8, 8)
        found += [images, y[order]]
    return found


@pytest.fixture(scope="module")
def folder(pixels, tmp_path_factory):
    """The same images in each form."""
    folder = tmp_path_factory.mktemp("forms")
    X_train, y_train, X_test, y_test = pixels
    for part, X, y in (("train", X_train, y_train), ("test", X_test, y_test)):
        for number, (image, label) in enumerate(zip(X, y, strict=True)):
            place = folder / "pngs" / part / str(label)
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{number:04d}.png")
        table = pd.DataFrame(X.reshape(len(X), -1)).rename(columns=str)
        table.insert(0, "label", y)
        table.to_csv(folder / f"{part}.csv", index=False)
        table.to_parquet(folder / f"{part}.parquet")
        (folder / part).mkdir()
        np.save(folder / part / "X.npy", X)
        np.save(folder / part / "y.npy", y)
    names = ("x_train", "y_train", "x_test", "y_test")
    np.savez(folder / "images.npz", **dict(zip(names, pixels, strict=True)))
    floats = [each / 255 if each.ndim == 3 else each for each in pixels]
    np.savez(folder / "floats.npz", **dict(zip(names, floats, strict=True)))
    return folder


def loaded(form, folder):
    if form in ("csv", "parquet"):
        return load_images(folder / f"train.{form}", test_data=folder / f"test.{form}")
    if form == "npy":
        return load_images(folder / "train", test_data=folder / "test")
    return load_images(folder / form)


@pytest.fixture(scope="module", params=["cnn", "dense"])
def net(request, pixels):
    kind = CNNClassifier(4) if request.param == "cnn" else DenseClassifier()
    X, y = pixels[:2]
    X = X if request.param == "cnn" else X.reshape(len(X), -1)
    return kind.set_params(epochs=3, random_state=0).fit(X, y)


def in_order(X, y):
    """An order that does not depend on how the rows came."""
    return sorted(range(len(X)), key=lambda row: (y[row], X[row].tobytes()))


def shaped(net, X):
    return X if isinstance(net, CNNClassifier) else X.reshape(len(X), -1)


@pytest.mark.parametrize("form", ["pngs", "csv", "parquet", "images.npz", "npy"])
def test_files_of_every_form(form, net, pixels, folder):
    X, y = pixels[2:]
    bunch = loaded(form, folder)
    np.testing.assert_array_equal(bunch.y_test, y)
    np.testing.assert_array_equal(
        net.predict_proba(shaped(net, bunch.X_test)), net.predict_proba(shaped(net, X))
    )
    assert isinstance(bunch.X_test, np.memmap) == (form == "npy")
    # And where a net is fitted on them: training files of folders are shuffled.
    again = type(net)(**net.get_params())
    order = in_order(bunch.X_train, bunch.y_train)
    again.fit(shaped(net, bunch.X_train[order]), bunch.y_train[order])
    same = in_order(*pixels[:2])
    like = type(net)(**net.get_params())
    like.fit(shaped(net, pixels[0][same]), pixels[1][same])
    np.testing.assert_array_equal(
        again.predict_proba(shaped(net, X)), like.predict_proba(shaped(net, X))
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats(dtype, net, pixels, folder):
    X, y = pixels[:2]
    floats = type(net)(**net.get_params()).fit(shaped(net, (X / 255).astype(dtype)), y)
    X = loaded("floats.npz", folder).X_test.astype(dtype)
    np.testing.assert_array_equal(
        floats.predict_proba(shaped(net, X)),
        net.predict_proba(shaped(net, pixels[2])),
    )


def test_paths(pixels, folder):
    X, y, X_test, _ = pixels
    net = CNNClassifier(4, epochs=3, random_state=0).fit(X, y)
    bunch = load_images(folder / "pngs", as_paths=True)
    np.testing.assert_array_equal(
        net.predict_proba(bunch.X_test), net.predict_proba(X_test)
    )
    np.testing.assert_array_equal(read_images(bunch.X_test, (8, 8, 1))[..., 0], X_test)
