"""A row is predicted the same, to the bit, whatever company it comes in."""

import numpy as np
import pytest

import sknn_mnist
from sknn_mnist import CNNClassifier, CNNRegressor, DenseClassifier, DenseRegressor
from sknn_mnist.engine import _forward, _row_blocks
from sknn_mnist.engine._row_blocks import LARGE, MIDDLE, SMALL, find_sizes, in_blocks

pytestmark = pytest.mark.exact

RNG = np.random.default_rng(0)


def outputs_of(net):
    names = ["predict", "predict_proba", "predict_log_proba", "decision_function"]
    return [getattr(net, name) for name in names if hasattr(net, name)]


@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_bfloat16"])
@pytest.mark.parametrize("side", [8, 28])
@pytest.mark.parametrize(
    "kind", [DenseClassifier, DenseRegressor, CNNClassifier, CNNRegressor]
)
def test_a_row_is_predicted_alike_in_any_company(kind, side, dtype):
    X = RNG.random((1200, side * side)).astype("float32")
    y = X[:, 0] if kind.__name__.endswith("Regressor") else np.arange(1200) % 10
    net = kind(epochs=1, random_state=0, dtype=dtype).fit(X[:300], y[:300])
    order = RNG.permutation(len(X))
    for outputs in outputs_of(net):
        whole = outputs(X)
        np.testing.assert_array_equal(outputs(X[order]), whole[order])
        for n_rows in (1, 2, 3, 15, 16, 17, 63, 65, 129, 257, 300, 1025):
            np.testing.assert_array_equal(outputs(X[:n_rows]), whole[:n_rows])
    whole = outputs_of(net)[-1](X)
    for row in range(0, 200, 1 if dtype == "float32" else 10):
        alone = outputs_of(net)[-1](X[row : row + 1])
        np.testing.assert_array_equal(alone, whole[row : row + 1])


def test_many_units_few_inputs_and_several_outputs_are_alike_too():
    X = RNG.random((700, 3)).astype("float32")
    for net, y in (
        (DenseRegressor(hidden_size=(500, 500)), X),
        (DenseRegressor(hidden_size=()), X[:, 0]),
        (DenseClassifier(hidden_size=1), np.arange(700) % 2),
        (DenseClassifier(batch_norm=True, dropout=0.5), np.eye(3, dtype=int)[:700]),
    ):
        y = np.resize(y, (700, *np.shape(y)[1:]))
        net.set_params(epochs=1, random_state=0).fit(X, y)
        for outputs in outputs_of(net):
            whole = outputs(X)
            for rows in (slice(0, 1), slice(5, 22), slice(100, 165), slice(1, 700)):
                np.testing.assert_array_equal(outputs(X[rows]), whole[rows])


class Cut:
    """A computation that sums by the size of its block and a row's place in it."""

    def __init__(self, spoils):
        self.spoils = spoils
        self.sizes = []

    def __call__(self, block):
        self.sizes.append(len(block))
        out = block.sum(axis=1, keepdims=True)
        return out + self.spoils(len(block)) * np.arange(len(block))[:, None]


@pytest.mark.parametrize(
    ("spoils", "expected"),
    [
        (lambda size: 0, (SMALL[0], MIDDLE, LARGE[0])),
        (lambda size: size == LARGE[0], (SMALL[0], MIDDLE, LARGE[1])),
        (lambda size: size == MIDDLE, (SMALL[0], LARGE[0])),
        (lambda size: size == SMALL[0], (SMALL[1], MIDDLE, LARGE[0])),
        (lambda size: size in SMALL, (LARGE[-2],)),
        (lambda size: size > 1, (1,)),
    ],
    ids=[
        *("all", "not-the-largest", "not-the-middle", "not-the-smallest"),
        *("large-alone", "none"),
    ],
)
def test_sizes_that_tell_places_apart_are_not_taken(spoils, expected):
    compute = Cut(spoils)
    sizes = find_sizes(compute, np.empty((0, 4)), most_rows=4096)
    assert sizes == expected
    x = RNG.random((333, 4))
    np.testing.assert_array_equal(
        in_blocks(compute, x, sizes), x.sum(axis=1, keepdims=True)
    )


def test_sizes_that_sum_otherwise_are_not_mixed():
    def compute(block):
        out = block.sum(axis=1, keepdims=True)
        return out * (1 + 1e-12) if len(block) > 200 else out

    assert find_sizes(compute, np.empty((0, 4)), most_rows=4096) == (16, 128)


def test_memory_bounds_the_blocks():
    compute = Cut(lambda size: 0)
    assert find_sizes(compute, np.empty((0, 4), "float32"), most_rows=100) == (16, 64)
    assert max(compute.sizes) == 64


@pytest.mark.parametrize("n_rows", [1, 4, 5, 16, 17, 31, 64, 65, 300, 1024, 1025, 3000])
def test_every_row_is_computed_once_and_blocks_are_whole(n_rows):
    compute = Cut(lambda size: 0)
    x = RNG.random((n_rows, 2))
    got = in_blocks(compute, x, (16, 128, 1024))
    np.testing.assert_array_equal(got, x.sum(axis=1, keepdims=True))
    assert set(compute.sizes) <= {16, 128, 1024}
    assert sum(compute.sizes) < 4 * n_rows + 16


def test_where_no_block_passes_rows_go_alone_and_that_is_said(monkeypatch):
    monkeypatch.setattr(_forward, "find_sizes", lambda *args, **kwargs: (1,))
    X = RNG.random((40, 5)).astype("float32")
    net = DenseClassifier(hidden_size=9, epochs=1, random_state=0)
    net.fit(X, np.arange(40) % 3)
    with pytest.warns(UserWarning, match="DenseClassifier predicts row by row"):
        whole = net.predict_proba(X)
    np.testing.assert_array_equal(net.predict_proba(X[7:9]), whole[7:9])
    # What was found is kept with the compiled network; leave none behind.
    sknn_mnist.clear_network_pool()


def test_what_is_tried_sums_like_what_is_trained():
    # A softmax of 0 and 1 alone would hide what is rounded.
    net = CNNClassifier(epochs=1, random_state=0)
    X = RNG.random((40, 784)).astype("float32")
    net.fit(X, np.arange(40) % 10)
    values = _forward._values_to_try(net.model_)
    forward = _forward.forward_of(net._network.recipe)
    outputs = forward(values, X.reshape(-1, 28, 28, 1))
    assert 0.001 < outputs.min() < outputs.max() < 0.999
    assert len(np.unique(outputs)) > 0.9 * outputs.size
    assert _row_blocks.OUTPUTS_COMPARED > 1000
