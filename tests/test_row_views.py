"""Views of rows: indexed as an array is, and read when they are needed."""

import pickle
import tempfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.model_selection import KFold, train_test_split
from sklearn.utils import _safe_indexing

from sknn_mnist._row_views import RowView, blocks_of
from sknn_mnist.estimators._sources import SparseRows
from sknn_mnist.memory._fingerprints import digest

X = np.arange(60, dtype=np.float32).reshape(20, 3)


def views(array):
    return RowView(array), RowView(SparseRows(sparse.csr_array(array)))


KEYS = st.one_of(
    st.slices(20),
    st.lists(st.integers(-20, 19), max_size=30).map(lambda each: np.array(each, int)),
    st.lists(st.booleans(), min_size=20, max_size=20).map(np.array),
)


@given(KEYS, st.slices(7), st.lists(st.integers(0, 2), max_size=4))
def test_it_is_indexed_as_an_array_is(key, again, numbers):
    for view in views(X):
        expected, found = X[key], view[key]
        assert found.shape == expected.shape
        assert len(found) == len(expected)
        np.testing.assert_array_equal(np.asarray(found), expected)
        np.testing.assert_array_equal(np.asarray(found[again]), expected[again])
        if len(expected) > 2:
            np.testing.assert_array_equal(found[numbers].read(), expected[numbers])
        np.testing.assert_array_equal(found.numbers, np.arange(20)[key])


@given(KEYS)
def test_its_key_is_that_of_an_array(key):
    for view in views(X):
        assert digest(view[key]) == digest(np.ascontiguousarray(X[key]))
    assert digest(RowView(X)[:19]) != digest(X)


def test_every_block_is_in_its_key():
    whole = np.zeros((3, 8 * 2**20), np.uint8)  # blocks are of 16 MB
    assert len(list(blocks_of(RowView(whole)))) > 1
    key = digest(RowView(whole))
    assert key == digest(whole)
    whole[-1, -1] = 1
    assert digest(RowView(whole)) == digest(whole) != key


def test_shapes_and_dtypes_change_when_rows_are_read():
    view = RowView(X)
    images = view.reshape(20, 3, 1)[4:]
    assert images.shape == (16, 3, 1)
    np.testing.assert_array_equal(images.read(), X.reshape(20, 3, 1)[4:])
    whole = view.astype(np.float64)
    assert whole.dtype == whole[::3].read().dtype == np.float64
    assert view.dtype == np.float32
    assert (view.ndim, view.nbytes) == (2, X.nbytes)
    with pytest.raises(ValueError, match="can't be given the shape"):
        view.reshape(20, 4)


@pytest.mark.parametrize("key", [(slice(None), 0), (0, 1, 2)])
def test_other_axes_are_not_indexed(key):
    with pytest.raises(IndexError, match="first axis alone"):
        RowView(X)[key]


def test_masks_must_fit():
    with pytest.raises(IndexError, match="does not fit 20 rows"):
        RowView(X)[np.ones(19, dtype=bool)]
    with pytest.raises(IndexError):
        RowView(X)[[20]]
    np.testing.assert_array_equal(RowView(X)[-1], X[-1])


def test_scikit_learn_indexes_it():
    view = RowView(X)
    for train, test in KFold(3).split(view):
        np.testing.assert_array_equal(_safe_indexing(view, train).read(), X[train])
        assert isinstance(_safe_indexing(view, test), RowView)
    one, _ = train_test_split(view, random_state=0)
    other, _ = train_test_split(X, random_state=0)
    np.testing.assert_array_equal(one.read(), other)


def test_a_pickle_opens_the_file_again(tmp_path):
    mapped = np.memmap(tmp_path / "x", np.uint8, "w+", shape=(10_000, 100))
    mapped[:] = np.arange(100)
    mapped.flush()
    pickled = pickle.dumps(RowView(mapped)[5:])
    assert len(pickled) < 2_000
    again = pickle.loads(pickled)
    assert again.shape == (9_995, 100)
    np.testing.assert_array_equal(again.read(), mapped[5:])
    # A part of a map does not say where in the file it begins.
    part = pickle.loads(pickle.dumps(RowView(mapped[3:5])))
    np.testing.assert_array_equal(part.read(), mapped[3:5])
    in_columns = np.memmap(tmp_path / "y", "f8", "w+", shape=(5, 3), order="F")
    in_columns[:] = np.arange(15).reshape(5, 3)
    in_columns.flush()
    again = pickle.loads(pickle.dumps(RowView(in_columns)))
    np.testing.assert_array_equal(again.read(), in_columns)


def test_blocks_are_small():
    blocks = list(blocks_of(RowView(X), n_bytes=48))
    assert [len(each) for each in blocks] == [4] * 5
    np.testing.assert_array_equal(np.concatenate(blocks), X)
    assert [len(each) for each in blocks_of(X, n_bytes=1)] == [1] * 20


def test_what_a_file_does_not_hold_is_pickled(tmp_path):
    np.zeros((5, 3), np.uint8).tofile(tmp_path / "x")
    written = np.memmap(tmp_path / "x", np.uint8, "c", shape=(5, 3))
    written[:] = 7
    again = pickle.loads(pickle.dumps(RowView(written)))
    np.testing.assert_array_equal(again.read(), written)
    with tempfile.TemporaryFile() as file:
        unnamed = np.memmap(file, np.uint8, "w+", shape=(5, 3))
        again = pickle.loads(pickle.dumps(RowView(unnamed)))
        np.testing.assert_array_equal(again.read(), unnamed)


@pytest.mark.parametrize(
    "shape", [(20, -1), (-1, 12), ((20, 12),), ([20, 3, 4],), (20, 4, -1), (-1, 2, 6)]
)
def test_it_is_reshaped_as_an_array_is(shape):
    images = np.arange(240).reshape(20, 3, 4)
    np.testing.assert_array_equal(
        RowView(images).reshape(*shape).read(), images.reshape(*shape)
    )


@pytest.mark.parametrize("shape", [(10, -1), (20, 5), (20,), (-1, -1)])
def test_rows_stay_rows(shape):
    with pytest.raises(ValueError, match="can't be given the shape"):
        RowView(X).reshape(*shape)


@pytest.mark.parametrize("key", [[[0, 1], [2, 3]], [0.5], None, ["a"]])
def test_odd_keys_are_refused(key):
    with pytest.raises(IndexError, match="by a slice, by whole numbers or by a mask"):
        RowView(X)[key]
