"""Real digits are found, read whole or refused, and never fetched unasked."""

import gzip
import hashlib
import re
import struct

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sknn_mnist.datasets import (
    _locating,
    find_mnist,
    load_dataset,
    load_digits28,
    load_mnist,
)
from sknn_mnist.datasets._mnist_files import read_idx

IDX = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (7, 28, 28), dtype=np.uint8),
        "y_train": rng.integers(0, 10, 7, dtype=np.uint8),
        "x_test": rng.integers(0, 256, (3, 28, 28), dtype=np.uint8),
        "y_test": rng.integers(0, 10, 3, dtype=np.uint8),
    }


@pytest.fixture
def npz(tmp_path, arrays):
    np.savez_compressed(tmp_path / "mnist.npz", **arrays)
    return tmp_path / "mnist.npz"


@pytest.fixture(autouse=True)
def nothing_at_hand(tmp_path, monkeypatch):
    """No MNIST of the machine's own, and no network."""
    monkeypatch.delenv("SKNN_MNIST_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(_locating, "MNIST_URL", "http://127.0.0.1:9/mnist.npz")


def idx_bytes(array):
    head = bytes([0, 0, 8, array.ndim])
    return head + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(folder, arrays, gz, dot):
    folder.mkdir()
    for name, array in zip(IDX, arrays.values(), strict=True):
        name = name.replace("-idx", ".idx") if dot else name
        data = idx_bytes(array)
        if gz:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data))
        else:
            (folder / name).write_bytes(data)
    return folder


def assert_holds(loaded, arrays):
    X_train, X_test, y_train, y_test = loaded
    np.testing.assert_array_equal(
        X_train, arrays["x_train"].reshape(7, 784).astype("float32") / np.float32(255)
    )
    np.testing.assert_array_equal(
        X_test, arrays["x_test"].reshape(3, 784).astype("float32") / np.float32(255)
    )
    np.testing.assert_array_equal(y_train, arrays["y_train"])
    np.testing.assert_array_equal(y_test, arrays["y_test"])


# -- what comes back ----------------------------------------------------------------


def test_npz_comes_back_scaled_to_one(npz, arrays):
    assert_holds(load_mnist(npz, return_X_y=True), arrays)
    assert_holds(load_mnist(str(npz.parent), return_X_y=True), arrays)


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize("dot", [False, True])
def test_idx_folders_come_back_alike(tmp_path, arrays, gz, dot):
    folder = write_idx(tmp_path / "idx", arrays, gz, dot)
    assert_holds(load_mnist(folder, return_X_y=True), arrays)


def test_a_bunch_tells_all(npz, arrays):
    bunch = load_mnist(npz)
    assert bunch.data.shape == (10, 784)
    assert bunch.name == "mnist"
    assert bunch.source == str(npz)
    assert bunch.frame is None
    assert bunch.y_train.dtype == np.int64
    assert bunch.feature_names[1] == "pixel_0_1"
    np.testing.assert_array_equal(bunch.target[:7], arrays["y_train"])
    for part in ("X_train", "X_test"):
        assert np.shares_memory(bunch[part], bunch.data)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layouts_and_dtypes(npz, dtype):
    images = load_mnist(npz, layout="image", dtype=dtype)
    assert images.X_train.shape == (7, 28, 28)
    assert images.X_train.dtype == dtype
    flat = load_mnist(npz, dtype=dtype)
    np.testing.assert_array_equal(images.data.reshape(10, 784), flat.data)


def test_frames(npz):
    bunch = load_mnist(npz, as_frame=True)
    assert isinstance(bunch.X_test, pd.DataFrame)
    assert list(bunch.X_test.columns) == bunch.feature_names
    assert bunch.y_test.name == "target"
    assert bunch.frame.shape == (10, 785)
    np.testing.assert_array_equal(bunch.X_train, load_mnist(npz).X_train)
    with pytest.raises(ValueError, match="must be 'flat' with as_frame=True"):
        load_mnist(npz, as_frame=True, layout="image")


def test_real_mnist(mnist_file):
    bunch = load_mnist(mnist_file)
    assert bunch.X_train.shape == (60_000, 784)
    assert bunch.X_test.shape == (10_000, 784)
    assert bunch.X_train.min() == 0
    assert bunch.X_train.max() == 1
    assert list(bunch.y_test[:5]) == [7, 2, 1, 0, 4]
    assert np.bincount(bunch.y_train).tolist()[:3] == [5923, 6742, 5958]


# -- bundled digits -----------------------------------------------------------------


def test_bundled_digits_have_mnists_shape():
    X_train, X_test, y_train, y_test = load_digits28(return_X_y=True)
    assert X_train.shape == (1437, 784)
    assert X_test.shape == (360, 784)
    assert X_train.dtype == np.float32
    assert X_train.min() == 0
    assert X_train.max() == 1
    shares = [np.bincount(y) / len(y) for y in (y_train, y_test)]
    np.testing.assert_allclose(*shares, atol=0.01)


def test_bundled_digits_are_framed_and_look_like_themselves():
    from sklearn.datasets import load_digits

    images = load_digits28(layout="image").data
    assert images[:, :4].max() == images[:, -4:].max() == 0
    assert images[:, :, :4].max() == images[:, :, -4:].max() == 0
    original = load_digits().images / 16
    # Ink stays: each small pixel becomes 2.5 × 2.5 large ones.
    np.testing.assert_allclose(
        np.sort(images.sum(axis=(1, 2))),
        np.sort(original.sum(axis=(1, 2)) * 6.25),
        rtol=0.02,
    )
    centres = images[:, 4:24, 4:24].reshape(-1, 4, 5, 4, 5).mean(axis=(2, 4))
    coarse = original.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4))
    order = [np.abs(centres - each).sum(axis=(1, 2)).argmin() for each in coarse[:20]]
    np.testing.assert_array_equal(
        load_digits28().target[order], load_digits().target[:20]
    )


def test_bundled_digits_split_by_seed():
    default = load_digits28().y_test
    np.testing.assert_array_equal(default, load_digits28(random_state=0).y_test)
    assert not np.array_equal(default, load_digits28(random_state=1).y_test)
    assert len(load_digits28(test_size=0.5).y_test) == 899


# -- where it is looked for ---------------------------------------------------------


def test_a_path_comes_before_the_variable_before_the_cache(
    tmp_path, npz, arrays, monkeypatch
):
    cache = tmp_path / "keras" / "datasets"
    cache.mkdir(parents=True)
    (cache / "mnist.npz").write_bytes(npz.read_bytes())
    assert find_mnist() == cache / "mnist.npz"
    by_variable = write_idx(tmp_path / "variable", arrays, False, False)
    monkeypatch.setenv("SKNN_MNIST_DATA", str(by_variable))
    assert find_mnist() == by_variable
    assert find_mnist(npz) == npz


def test_a_wrong_place_is_no_reason_to_look_elsewhere(tmp_path, npz, monkeypatch):
    monkeypatch.setenv("SKNN_MNIST_DATA", str(npz))
    with pytest.raises(FileNotFoundError, match="Looked at path="):
        load_mnist(tmp_path / "nowhere")
    monkeypatch.setenv("SKNN_MNIST_DATA", str(tmp_path / "nowhere"))
    for load in (load_mnist, load_dataset):
        with pytest.raises(FileNotFoundError, match="Looked at SKNN_MNIST_DATA="):
            load(download=False)


def test_the_error_names_each_place_and_what_to_do(tmp_path):
    cached = tmp_path / "keras" / "datasets" / "mnist.npz"
    with pytest.raises(
        FileNotFoundError,
        match=re.escape(
            f"MNIST was not found. Looked at SKNN_MNIST_DATA (not set); the Keras "
            f"cache, {cached}. Give the path of mnist.npz or of a folder with the IDX "
            "files, set SKNN_MNIST_DATA to it, or ask for the download with "
            "download=True; load_digits28 needs no file."
        ),
    ):
        load_mnist()


def test_auto_is_mnist_where_it_is_at_hand(npz, monkeypatch):
    assert load_dataset("auto").name == "digits"
    assert load_dataset("auto", path=npz).name == "mnist"
    monkeypatch.setenv("SKNN_MNIST_DATA", str(npz))
    assert load_dataset("auto").name == "mnist"
    assert load_dataset("digits").name == "digits"
    with pytest.raises(ValueError, match="The 'path' parameter of load_dataset must"):
        load_dataset("digits", path=npz)
    with pytest.raises(
        ValueError, match=r"must be one of \{'auto', 'mnist', 'digits'\}"
    ):
        load_dataset("cifar")


# -- downloads ----------------------------------------------------------------------


@pytest.fixture
def served(npz, monkeypatch, tmp_path):
    """The file at a file:// address, with its own hash; returns the calls made."""
    import keras

    calls = []
    get_file = keras.utils.get_file
    monkeypatch.setattr(_locating, "MNIST_URL", npz.as_uri())
    digest = hashlib.sha256(npz.read_bytes()).hexdigest()
    monkeypatch.setattr(_locating, "MNIST_SHA256", digest)
    monkeypatch.setattr(
        keras.utils,
        "get_file",
        lambda *args, **kwargs: calls.append(args) or get_file(*args, **kwargs),
    )
    return calls


def test_a_download_is_made_once_and_only_when_asked_for(served, arrays):
    with pytest.raises(FileNotFoundError):
        load_mnist()
    assert served == []
    assert_holds(load_mnist(download=True, return_X_y=True), arrays)
    assert_holds(load_mnist(download=True, return_X_y=True), arrays)
    assert_holds(load_mnist(return_X_y=True), arrays)
    assert len(served) == 1


def test_a_download_with_another_hash_is_refused(served, monkeypatch):
    monkeypatch.setattr(_locating, "MNIST_SHA256", "0" * 64)
    with pytest.raises(OSError, match="MNIST could not be downloaded"):
        load_mnist(download=True)


def test_a_failed_download_says_where_the_file_belongs(tmp_path):
    with pytest.raises(OSError, match=r"put it at .*mnist\.npz"):
        load_mnist(download=True)
    assert not list((tmp_path / "keras").rglob("*.npz"))


# -- bad files ----------------------------------------------------------------------


def broken(arrays, **changes):
    return {**arrays, **changes}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: {"x_train": a["x_train"][:, :27]}, "images of shape (n, 28, 28)"),
        (lambda a: {"x_train": a["x_train"] / 255.0}, "not (7, 28, 28) and float64"),
        (lambda a: {"y_train": a["y_train"][:-1]}, "holds 6 labels for 7 images"),
        (lambda a: {"y_test": a["y_test"] + 200}, "which is no digit"),
        (lambda a: {"y_test": a["x_test"]}, "labels of shape (n,)"),
        (lambda a: {"x_test": a["x_test"][:0]}, "holds no images"),
        (lambda a: {"y_test": a["y_test"].astype(object)}, "can't be read"),
    ],
    ids=["rows", "floats", "length", "label", "swapped", "empty", "pickle"],
)
def test_a_wrong_npz_is_refused(tmp_path, arrays, change, message):
    np.savez(tmp_path / "bad.npz", **broken(arrays, **change(arrays)))
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        load_mnist(tmp_path / "bad.npz")
    assert "bad.npz" in str(caught.value)


def test_other_files_are_refused(tmp_path, arrays):
    for name, data in {
        "empty.npz": b"",
        "text.npz": b"hello",
        "zip.npz": b"PK\x05\x06" + bytes(18),
        "pickle.npz": b"\x80\x04N.",
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError, match=f"MNIST file '.*{name}' "):
            load_mnist(tmp_path / name)
    np.save(tmp_path / "array.npy", arrays["x_train"])
    with pytest.raises(ValueError, match=r"is not an \.npz archive"):
        load_mnist(tmp_path / "array.npy")
    np.savez(tmp_path / "part.npz", x_train=arrays["x_train"])
    with pytest.raises(ValueError, match="lacks y_train, x_test, y_test"):
        load_mnist(tmp_path / "part.npz")


def test_a_damaged_npy_header_is_refused(tmp_path, arrays):
    np.savez(tmp_path / "whole.npz", **arrays)
    whole = (tmp_path / "whole.npz").read_bytes()
    # No Python any more.
    (tmp_path / "damaged.npz").write_bytes(whole.replace(b", }", b", y"))
    with pytest.raises(ValueError, match=r"can't be read as an \.npz archive"):
        load_mnist(tmp_path / "damaged.npz")


@pytest.mark.parametrize("gz", [False, True])
def test_wrong_idx_files_are_refused(tmp_path, arrays, gz):
    pack = gzip.compress if gz else bytes
    good = idx_bytes(arrays["y_train"])
    for name, data, message in [
        ("short", good[:-1], "states 7 bytes of data and holds 6"),
        ("long", good + b"\0", "states 7 bytes of data and holds more"),
        ("magic", b"\1" + good[1:], "is not an IDX file of unsigned bytes"),
        ("type", good[:2] + b"\x0d" + good[3:], "is not an IDX file of unsigned"),
        ("head", good[:6], "ends within its header"),
        ("huge", good[:4] + b"\xff" * 4 + good[8:], "bytes of data and holds 7"),
        ("empty", b"", "is not an IDX file"),
    ]:
        (tmp_path / name).write_bytes(pack(data))
        with pytest.raises(ValueError, match=message) as caught:
            read_idx(tmp_path / name)
        assert name in str(caught.value)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(good)[:-9])
    with pytest.raises(ValueError, match="is truncated or corrupt"):
        read_idx(tmp_path / "cut.gz")


def test_swapped_idx_files_are_refused(tmp_path, arrays):
    folder = write_idx(tmp_path / "idx", arrays, False, False)
    images, labels = folder / IDX[0], folder / IDX[1]
    data = images.read_bytes()
    images.write_bytes(labels.read_bytes())
    labels.write_bytes(data)
    with pytest.raises(ValueError, match=r"should hold images of shape \(n, 28, 28\)"):
        load_mnist(folder)


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), kind=st.sampled_from(["npz", "idx", "idx.gz"]))
def test_a_damaged_file_is_refused_or_read_rightly(tmp_path, npz, arrays, data, kind):
    whole = {
        "npz": npz.read_bytes(),
        "idx": idx_bytes(arrays["x_train"]),
        "idx.gz": gzip.compress(idx_bytes(arrays["x_train"])),
    }[kind]
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        damaged = whole[:place]
    else:
        damaged = bytearray(whole)
        damaged[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path / f"damaged.{kind}"
    path.write_bytes(damaged)
    try:
        if kind == "npz":
            assert_holds(load_mnist(path, return_X_y=True), arrays)
        else:
            got = read_idx(path)
            if kind == "idx.gz":
                np.testing.assert_array_equal(got, arrays["x_train"])
            else:  # a changed pixel can't be told in a file without a checksum
                assert got.shape == arrays["x_train"].shape or got.size == 7 * 784
    except ValueError as error:
        if "MNIST file" not in str(error):
            raise


@given(
    shape=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    gz=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_idx_round_trip(tmp_path, shape, gz, seed):
    array = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    data = idx_bytes(array)
    (tmp_path / "array").write_bytes(gzip.compress(data) if gz else data)
    np.testing.assert_array_equal(read_idx(tmp_path / "array"), array)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"layout": "square"},
            "The 'layout' parameter of load_mnist must be one of {'flat', 'image'}. "
            "Got 'square' instead.",
        ),
        ({"dtype": "int8"}, "The 'dtype' parameter of load_mnist must be one of"),
        ({"return_X_y": 1}, "The 'return_X_y' parameter of load_mnist must be a bool"),
    ],
)
def test_bad_parameters_are_named(npz, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        load_mnist(npz, **arguments)
