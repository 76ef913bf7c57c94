"""Arrays of images, in archives, .npy pairs and IDX files, come back as they are."""

import gzip
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sknn_mnist.datasets import load_images, load_mnist

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (20, 6, 5), dtype=np.uint8)
Y = np.arange(20) % 2


def pixels_of(bunch):
    """Return images and labels of both parts, in the order of the images' bytes."""
    images = np.concatenate([bunch.X_train, bunch.X_test]).reshape(20, -1)
    labels = np.concatenate([bunch.y_train, bunch.y_test])
    order = np.lexsort(images.T[::-1])
    return images[order], labels[order]


def assert_same(bunch, X=X, Y=Y):
    images, labels = pixels_of(bunch)
    order = np.lexsort(X.reshape(20, -1).T[::-1])
    np.testing.assert_array_equal(images, X.reshape(20, -1)[order])
    np.testing.assert_array_equal(labels, Y[order])
    assert images.dtype == X.dtype


# -- .npz ---------------------------------------------------------------------------

NAMES = [
    ("X", "y"),
    ("x", "y"),
    ("X", "Y"),
    ("data", "target"),
    ("data", "labels"),
    ("images", "labels"),
    ("images", "target"),
    ("features", "labels"),
    ("arr_0", "arr_1"),
    ("x_train", "y_train"),
    ("X_train", "y_train"),
    ("train_images", "train_labels"),
]


@pytest.mark.parametrize(("images", "labels"), NAMES)
def test_archives_under_the_usual_names(tmp_path, images, labels):
    np.savez(tmp_path / "a.npz", **{images: X, labels: Y, "other": np.arange(3)})
    bunch = load_images(tmp_path / "a.npz")
    assert_same(bunch)
    assert bunch.X_train.shape == (16, 6, 5)
    assert bunch.image_shape == (6, 5, 1)
    assert bunch.name == "a"
    assert bunch.files_train is None


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("X_train", "y_train", "X_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("images_train", "labels_train", "images_test", "labels_test"),
    ],
)
def test_archives_with_a_split(tmp_path, names):
    values = (X, Y, X[:3], Y[:3])
    np.savez_compressed(tmp_path / "a.npz", **dict(zip(names, values, strict=True)))
    bunch = load_images(tmp_path / "a.npz")
    np.testing.assert_array_equal(bunch.X_train, X)
    np.testing.assert_array_equal(bunch.X_test, X[:3])
    np.testing.assert_array_equal(bunch.y_test, Y[:3])
    with pytest.raises(ValueError, match="The 'test_size' parameter of load_images"):
        load_images(tmp_path / "a.npz", test_size=0.5)
    with pytest.raises(ValueError, match="The 'test_data' parameter of load_images"):
        load_images(tmp_path / "a.npz", test_data=tmp_path / "a.npz")


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int8", "uint16", "int64", "float32", "float64", ">i4"]
)
@pytest.mark.parametrize("shape", [(36,), (6, 6), (6, 6, 1), (4, 3, 3), (3, 3, 4)])
def test_dtypes_and_shapes_stay(tmp_path, dtype, shape):
    images = RNG.integers(0, 2 if dtype == "bool" else 100, (20, *shape)).astype(dtype)
    np.savez(tmp_path / "a.npz", X=images, y=Y)
    bunch = load_images(tmp_path / "a.npz")
    assert bunch.X_train.shape == (16, *shape)
    native = images.dtype.newbyteorder("=")  # which is the only one that networks take
    assert bunch.X_train.dtype == native
    assert_same(bunch, images.astype(native))
    assert bunch.image_shape == {1: (6, 6, 1), 2: (6, 6, 1)}.get(len(shape), shape)


def test_the_seed_draws_the_split_and_zero_leaves_all(tmp_path):
    np.savez(tmp_path / "a.npz", X=X, y=Y)
    parts = [load_images(tmp_path / "a.npz", random_state=n).X_test for n in (0, 0, 1)]
    np.testing.assert_array_equal(parts[0], parts[1])
    assert not np.array_equal(parts[0], parts[2])
    bunch = load_images(tmp_path / "a.npz", test_size=0)
    np.testing.assert_array_equal(bunch.X_train, X)
    assert bunch.X_test.shape == (0, 6, 5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n=st.integers(8, 40), share=st.floats(0.3, 0.7), seed=st.integers(0, 2**32 - 1))
def test_a_split_loses_and_doubles_no_row(tmp_path, n, share, seed):
    images = np.arange(n * 4, dtype=np.int32).reshape(n, 2, 2)
    labels = np.arange(n) % 2
    np.savez(tmp_path / "a.npz", X=images, y=labels)
    X_train, X_test, y_train, y_test = load_images(
        tmp_path / "a.npz", test_size=share, random_state=seed, return_X_y=True
    )
    rows = np.concatenate([X_train, X_test])[:, 0, 0] // 4
    assert sorted(rows) == list(range(n))
    np.testing.assert_array_equal(rows % 2, np.concatenate([y_train, y_test]))
    assert np.shares_memory(X_train, X_train.base)  # both are views of one array
    assert X_train.base is X_test.base


def test_channels_come_last(tmp_path):
    first = RNG.integers(0, 256, (20, 3, 7, 8), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", X=first, y=Y)
    bunch = load_images(tmp_path / "a.npz")
    assert bunch.image_shape == (7, 8, 3)
    assert_same(bunch, np.moveaxis(first, 1, -1))


def test_images_are_resized(tmp_path):
    flat = np.repeat(np.arange(20, dtype=np.uint8), 36).reshape(20, 36)
    for dtype in ("uint8", "float32", "int64", "bool"):
        images = (flat * (dtype != "bool")).astype(dtype)
        np.savez(tmp_path / "a.npz", X=images, y=Y)
        bunch = load_images(tmp_path / "a.npz", image_shape=(3, 2), test_size=0)
        assert bunch.X_train.shape == (20, 3, 2, 1)
        assert bunch.X_train.dtype == dtype
        np.testing.assert_array_equal(bunch.X_train[:, 1, 1, 0], images[:, 0])
    colour = np.zeros((20, 6, 6, 3), np.uint8) + np.array([1, 2, 3], np.uint8)
    np.savez(tmp_path / "a.npz", X=colour, y=Y)
    bunch = load_images(tmp_path / "a.npz", image_shape=(2, 2))
    assert (bunch.X_train == [1, 2, 3]).all()
    with pytest.raises(
        ValueError, match=r"holds images of 3 channels, where image_sha"
    ):
        load_images(tmp_path / "a.npz", image_shape=(2, 2, 1))


def test_arrays_are_resized_as_files_are(tmp_path):
    from PIL import Image

    for label in (0, 1):
        (tmp_path / "f" / str(label)).mkdir(parents=True)
    big = RNG.integers(0, 256, (4, 30, 20), dtype=np.uint8)
    for place, image in enumerate(big):
        Image.fromarray(image).save(tmp_path / "f" / str(place % 2) / f"{place}.png")
    np.savez(tmp_path / "a.npz", X=big, y=np.arange(4) % 2)
    options = {"image_shape": (7, 6), "test_size": 0}
    files = load_images(tmp_path / "f", **options)
    order = np.argsort([file[-5] for file in files.files_train])
    np.testing.assert_array_equal(
        files.X_train[order], load_images(tmp_path / "a.npz", **options).X_train
    )


def test_rows_become_the_images_that_are_asked_for(tmp_path):
    rows = RNG.integers(0, 256, (20, 24), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", X=rows, y=Y)
    assert load_images(tmp_path / "a.npz").image_shape is None
    for shape in ((4, 6), (4, 6, 1), (2, 4, 3)):
        bunch = load_images(tmp_path / "a.npz", image_shape=shape)
        assert bunch.X_train.shape == (16, *shape, 1)[:4]
        assert_same(bunch, rows)
    with pytest.raises(ValueError, match="has rows of 24 numbers, which are neither"):
        load_images(tmp_path / "a.npz", image_shape=(5, 5))


def test_labels_are_counted_from_zero_and_named(tmp_path):
    def loaded(labels):
        np.savez(tmp_path / "a.npz", X=X, y=labels)
        bunch = load_images(tmp_path / "a.npz", test_size=0)
        names = bunch.target_names
        return bunch.y_train.tolist(), None if names is None else names.tolist()

    codes = (Y * 1).tolist()
    assert loaded(Y * 8 + 2) == (codes, ["2", "10"])
    assert loaded((Y * 8 + 2).astype("uint64")) == (codes, ["2", "10"])
    assert loaded((Y * 8 + 2).astype(float)) == (codes, ["2", "10"])
    assert loaded((Y * 8 + 2).reshape(20, 1)) == (codes, ["2", "10"])
    assert loaded((Y * 8 + 2).astype(str)) == (codes, ["2", "10"])
    assert loaded(np.where(Y, "ö", "o")) == (codes, ["o", "ö"])
    assert loaded(np.where(Y, b"b", b"a")) == (codes, ["a", "b"])
    assert loaded(Y.astype(bool)) == (codes, ["False", "True"])
    assert loaded(Y + 0.5) == ((Y + 0.5).tolist(), None)


def test_numbers_to_predict_are_split_unstratified(tmp_path):
    np.savez(tmp_path / "a.npz", X=X, y=np.linspace(0, 1, 20))
    bunch = load_images(tmp_path / "a.npz")
    assert bunch.target_names is None
    assert len(bunch.y_test) == 4
    assert bunch.y_train.dtype == np.float64
    np.savez(
        tmp_path / "b.npz", x_train=X, y_train=np.linspace(0, 1, 20), x_test=X, y_test=Y
    )
    assert load_images(tmp_path / "b.npz").y_test.dtype == np.float64


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("it was unpickled",))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": X}, "holds 'X', and no images and labels under a usual name: X and y"),
        ({"a": X, "b": Y}, "holds 'a', 'b', and no images and labels"),
        ({}, "holds nothing, and no images"),
        (
            {"X": X, "y": Y, "images": X, "labels": Y},
            "holds 'X' and 'images', each of which may be the images",
        ),
        (
            {"data": X, "target": Y, "labels": Y},
            "holds 'labels' and 'target', each of which may be the labels",
        ),
        ({"X": X, "y": Y[:-1]}, "holds 19 labels for 20 images"),
        ({"X": X, "y": np.eye(20)}, r"has labels of shape (20, 20); they must be one"),
        ({"X": X[:0], "y": Y[:0]}, "holds no images"),
        ({"X": X, "y": Y + np.nan}, "has the label nan in row 1"),
        ({"X": X, "y": Y * 1j}, "has labels of complex128, not numbers or text"),
        ({"X": X * 1j, "y": Y}, "holds images of complex128; they must be numbers"),
        ({"X": X.astype(str), "y": Y}, "they must be numbers"),
        ({"X": Y, "y": Y}, "holds images of shape (20,); it must be (n, features), ("),
        ({"X": X[:, :0], "y": Y}, "holds images of shape (20, 0, 5)"),
        ({"X": np.zeros((20, 9, 9, 9)), "y": Y}, "with 9 channels"),
        ({"X": np.zeros((20, 2, 2, 2, 1)), "y": Y}, "holds images of shape (20, 2, 2,"),
        ({"X": np.array([Trap()] * 20), "y": Y}, "Python objects, which are not"),
        ({"X": X, "y": np.array([Trap()] * 20)}, "Python objects, which are not"),
    ],
)
def test_wrong_archives_are_refused(tmp_path, arrays, message):
    import re

    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        load_images(tmp_path / "bad.npz")
    assert "bad.npz" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_test_labels_must_be_known(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=X, y_train=Y, x_test=X[:2], y_test=[1, 7])
    with pytest.raises(ValueError, match="labels that no training sample has: '7'"):
        load_images(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", x_train=X, y_train=Y, x_test=X[:2], y_test=["1", "0"])
    assert load_images(tmp_path / "a.npz").y_test.tolist() == [1, 0]
    np.savez(tmp_path / "a.npz", x_train=X, y_train=Y, x_test=X[:2, :5], y_test=Y[:2])
    with pytest.raises(
        ValueError, match=r"several shapes, \(6, 5, 1\) and \(5, 5, 1\)"
    ):
        load_images(tmp_path / "a.npz")


def npy_header(shape, dtype="|u1"):
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def test_huge_sizes_in_headers_cost_nothing(tmp_path):
    huge = npy_header((10**12, 28, 28)) + bytes(100)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("X.npy", huge)
        archive.writestr("y.npy", npy_header((1,)) + b"\0")
    with pytest.raises(ValueError, match=r"states 784\d* bytes of 'X' and holds 100"):
        load_images(tmp_path / "a.npz")
    (tmp_path / "X.npy").write_bytes(huge)
    np.save(tmp_path / "y.npy", Y)
    with pytest.raises(ValueError, match=r"can't be read as an \.npy array"):
        load_images(tmp_path / "X.npy")


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"PK\x05\x06" + bytes(18), pickle.dumps(Trap())]
)
def test_what_is_no_archive_is_refused(tmp_path, data):
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.npz' "):
        load_images(tmp_path / "a.npz")
    (tmp_path / "X.npy").write_bytes(data)
    np.save(tmp_path / "y.npy", Y)
    with pytest.raises(ValueError, match=r"X\.npy' can't be read as an \.npy array"):
        load_images(tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from(["npz", "npy"]))
def test_damage_is_refused_or_read(tmp_path, data, kind):
    np.savez(tmp_path / "a.npz", X=X, y=Y)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", Y)
    path = tmp_path / ("a.npz" if kind == "npz" else "X.npy")
    damaged = bytearray(path.read_bytes())
    head = data.draw(st.sampled_from([200, len(damaged)]))
    damaged[data.draw(st.integers(0, head - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged)
    try:
        bunch = load_images(path)
    except ValueError as err:
        if str(path) not in str(err) and "class" not in str(err):
            raise
    else:
        if kind == "npz":  # which has checksums
            assert_same(bunch)


# -- .npy ---------------------------------------------------------------------------


def save_pair(folder, names=("X", "y"), X=X, Y=Y):
    folder.mkdir(exist_ok=True)
    np.save(folder / f"{names[0]}.npy", X)
    np.save(folder / f"{names[1]}.npy", Y)
    return folder


@pytest.mark.parametrize("names", [each for each in NAMES if each[0] != "arr_0"])
def test_pairs_of_npy_files(tmp_path, names):
    folder = save_pair(tmp_path / "pair", names)
    assert_same(load_images(folder))
    assert_same(load_images(folder / f"{names[0]}.npy"))


def test_arrays_that_stay_whole_stay_on_the_disk(tmp_path):
    folder = save_pair(tmp_path / "pair", ("x_train", "y_train"))
    bunch = load_images(folder, test_size=0)
    assert isinstance(bunch.X_train, np.memmap)
    assert type(load_images(folder).X_train) is np.ndarray
    save_pair(folder, ("x_test", "y_test"), X[:5], Y[:5])
    for place in (folder, folder / "x_train.npy"):
        bunch = load_images(place)
        assert isinstance(bunch.X_train, np.memmap)
        assert isinstance(bunch.X_test, np.memmap)
        np.testing.assert_array_equal(bunch.X_test, X[:5])
    alone = load_images(folder / "x_test.npy", test_size=0)
    np.testing.assert_array_equal(alone.X_train, X[:5])
    beside = load_images(folder / "x_test.npy", test_data=folder / "x_test.npy")
    assert isinstance(beside.X_train, np.memmap)


def test_pairs_in_train_and_test_folders(tmp_path):
    save_pair(tmp_path / "train")
    save_pair(tmp_path / "test", X=X[:5], Y=Y[:5])
    bunch = load_images(tmp_path)
    assert isinstance(bunch.X_train, np.memmap)
    assert len(bunch.X_test) == 5
    save_pair(tmp_path / "test", ("x_train", "y_train"))
    (tmp_path / "test" / "X.npy").unlink()
    save_pair(tmp_path / "test", ("x_test", "y_test"))
    with pytest.raises(ValueError, match="holds training and test images where one"):
        load_images(tmp_path)


def test_wrong_pairs_are_refused(tmp_path):
    np.save(tmp_path / "X.npy", X)
    with pytest.raises(ValueError, match="holds 'X', and no images and labels under"):
        load_images(tmp_path)
    with pytest.raises(
        ValueError, match="holds 'X', and no labels to it under a usual"
    ):
        load_images(tmp_path / "X.npy")
    np.save(tmp_path / "y.npy", np.array([Trap()] * 20), allow_pickle=True)
    with pytest.raises(ValueError, match=r"y\.npy' holds Python objects, which are"):
        load_images(tmp_path)
    with pytest.raises(
        ValueError, match="The 'as_paths' parameter of load_images must"
    ):
        load_images(save_pair(tmp_path), as_paths=True)
    with pytest.raises(ValueError, match="The 'target' parameter of load_images must"):
        load_images(tmp_path, target="y")


# -- IDX ----------------------------------------------------------------------------

CODES = {"uint8": 8, "int8": 9, ">i2": 11, ">i4": 12, ">f4": 13, ">f8": 14}


def write_idx(path, array, dtype="uint8"):
    array = np.asarray(array).astype(dtype)
    head = bytes([0, 0, CODES[dtype], array.ndim])
    data = head + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def write_idx_set(folder, name="", ending="", test="t10k", dot="-", dtype="uint8"):
    for part, rows in (("train", slice(0, 16)), (test, slice(16, 20))):
        for what, array, kind in (("images", X, "idx3"), ("labels", Y, "idx1")):
            file = f"{name}{part}-{what}{dot}{kind}-ubyte{ending}"
            write_idx(
                folder / file, array[rows], dtype if what == "images" else "uint8"
            )
    return folder


@pytest.mark.parametrize("name", ["", "emnist-letters-", "k49-"])
@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("test", ["t10k", "test"])
@pytest.mark.parametrize("dot", ["-", "."])
def test_sets_in_mnists_form(tmp_path, name, ending, test, dot):
    folder = write_idx_set(tmp_path / "set", name, ending, test, dot)
    file = folder / f"{name}train-images{dot}idx3-ubyte{ending}"
    for place in (folder, file):
        bunch = load_images(place)
        np.testing.assert_array_equal(bunch.X_train, X[:16])
        np.testing.assert_array_equal(bunch.X_test, X[16:])
        np.testing.assert_array_equal(bunch.y_train, Y[:16])
        assert bunch.image_shape == (6, 5, 1)
        bunch.X_train[0] = 0  # and may be written to


@pytest.mark.parametrize("dtype", CODES)
def test_all_types_of_idx(tmp_path, dtype):
    write_idx_set(tmp_path / "set", dtype=dtype)
    got = load_images(tmp_path / "set").X_train
    np.testing.assert_array_equal(got, X[:16].astype(dtype))
    assert got.dtype == np.dtype(dtype).newbyteorder("=")


def test_one_of_several_sets_is_chosen_by_its_file(tmp_path):
    write_idx_set(tmp_path / "set", "emnist-letters-")
    write_idx_set(tmp_path / "set", "emnist-digits-")
    with pytest.raises(ValueError, match="'emnist-digits', 'emnist-letters'; give a f"):
        load_images(tmp_path / "set")
    file = tmp_path / "set" / "emnist-letters-train-labels-idx1-ubyte"
    assert len(load_images(file).X_test) == 4


def test_sets_that_are_not_whole_are_refused(tmp_path):
    folder = write_idx_set(tmp_path / "set")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(
        ValueError, match="holds 't10k-images-idx3-ubyte' and lacks the"
    ):
        load_images(folder)
    (folder / "t10k-images-idx3-ubyte").unlink()
    assert len(load_images(folder).X_test) == 4  # of the 16
    (folder / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + b"\xff" * 12)
    with pytest.raises(
        ValueError, match=r"IDX file .* states .* bytes of data and hol"
    ):
        load_images(folder)
    (folder / "train-images-idx3-ubyte").write_bytes(b"\0\0\x07\x03" + b"\xff" * 12)
    with pytest.raises(ValueError, match="is not an IDX file"):
        load_images(folder)
    (folder / "train-images-idx3-ubyte").unlink()
    (folder / "train-labels-idx1-ubyte").unlink()
    write_idx(folder / "t10k-images-idx3-ubyte", X)
    write_idx(folder / "t10k-labels-idx1-ubyte", Y)
    with pytest.raises(ValueError, match="lacks train-images-idx3-ubyte"):
        load_images(folder)


@pytest.mark.parametrize("form", ["npz", "idx"])
def test_mnists_own_files_are_read_as_well(tmp_path, form):
    images = RNG.integers(0, 256, (20, 28, 28), dtype=np.uint8)
    names = ("x_train", "y_train", "x_test", "y_test")
    values = (images, Y.astype(np.uint8), images[:4], Y[:4].astype(np.uint8))
    if form == "npz":
        place = tmp_path / "mnist.npz"
        np.savez(place, **dict(zip(names, values, strict=True)))
    else:
        place = tmp_path / "idx"
        files = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3")
        for file, value in zip((*files, "t10k-labels-idx1"), values, strict=True):
            write_idx(place / f"{file}-ubyte", value)
    ours, theirs = load_images(place), load_mnist(place, layout="image")
    for part in ("train", "test"):
        np.testing.assert_array_equal(
            ours[f"X_{part}"] / np.float32(255), theirs[f"X_{part}"]
        )
        np.testing.assert_array_equal(ours[f"y_{part}"], theirs[f"y_{part}"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    images=arrays(
        st.sampled_from([np.uint8, np.int16, np.float32]),
        st.tuples(st.just(4), st.integers(1, 5), st.integers(1, 5)),
        elements=st.integers(0, 100),
    )
)
def test_any_array_comes_back(tmp_path, images):
    np.savez(tmp_path / "a.npz", X=images, y=[0, 1, 0, 1])
    bunch = load_images(tmp_path / "a.npz", test_size=0)
    np.testing.assert_array_equal(bunch.X_train, images)
    assert bunch.X_train.dtype == images.dtype
