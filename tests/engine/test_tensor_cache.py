"""Arrays that come again are told from others, and do not pile up."""

import numpy as np
import pytest

from sknn_mnist import DenseClassifier, clear_network_pool
from sknn_mnist.engine import _tensor_cache
from sknn_mnist.engine._tensor_cache import cached_tensor


@pytest.fixture(autouse=True)
def empty():
    clear_network_pool()


def numbers(megabytes, seed=0):
    return np.random.default_rng(seed).random(megabytes * 2**17)


def test_the_same_numbers_are_one_tensor():
    array = numbers(2)
    first = cached_tensor(array)
    np.testing.assert_array_equal(first.numpy(), array)
    assert cached_tensor(array.copy()) is first
    for other in (
        array.reshape(2, -1),
        array.view("int64"),
        array[::-1],
        array.astype("float32"),
    ):
        tensor = cached_tensor(other)
        assert tensor is not first
        np.testing.assert_array_equal(tensor.numpy(), other)


def test_a_changed_array_is_another():
    array = numbers(2)
    cached_tensor(array)
    array[7] = 2.0
    assert cached_tensor(array).numpy()[7] == 2.0


def test_small_and_large_ones_do_not_stay(monkeypatch):
    monkeypatch.setattr(_tensor_cache, "MAX_BYTES", 6 * 2**20)
    for array in (numbers(2)[:100], numbers(4)):
        assert cached_tensor(array) is not cached_tensor(array)
    assert not _tensor_cache._cache


def test_the_least_recently_used_goes(monkeypatch):
    monkeypatch.setattr(_tensor_cache, "MAX_BYTES", 7 * 2**20)
    arrays = [numbers(2, seed) for seed in range(4)]
    first, second, _ = (cached_tensor(each) for each in arrays[:3])
    assert cached_tensor(arrays[0]) is first
    cached_tensor(arrays[3])
    assert len(_tensor_cache._cache) == 3
    assert cached_tensor(arrays[0]) is first
    assert cached_tensor(arrays[1]) is not second
    clear_network_pool()
    assert not _tensor_cache._cache


def test_fits_and_predictions_see_changed_data():
    X = np.random.default_rng(0).random((4000, 80)).astype("float32")
    y = np.arange(4000) % 2
    assert X.nbytes > _tensor_cache.MIN_BYTES
    net = DenseClassifier(4, epochs=1, random_state=0).fit(X, y)
    before = net.predict_proba(X)
    np.testing.assert_array_equal(net.predict_proba(X.copy()), before)
    X[5] = 1 - X[5]
    after = net.predict_proba(X)
    changed = (after != before).any(axis=1)
    assert changed[5]
    assert changed.sum() == 1
