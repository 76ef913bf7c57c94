"""Fits in threads share what was traced, and small nets take one core each."""

import threading

import joblib
import keras
import numpy as np
import pytest

from sknn_mnist import CNNClassifier, DenseClassifier, KerasClassifier
from sknn_mnist.builders import build_cnn, build_dense
from sknn_mnist.engine import _compiled, _loop
from sknn_mnist.engine._one_thread import has_small_steps, is_beside_others
from sknn_mnist.engine._processes import n_threads

pytestmark = [pytest.mark.exact, pytest.mark.usefixtures("empty_pool")]

RNG = np.random.default_rng(0)
X = RNG.random((90, 64)).astype("float32")
Y = np.arange(90) % 3


@pytest.fixture
def traces(loops_noted):
    """Whether each loop was compiled for one thread, as they are."""
    return loops_noted(lambda *given: given[-1])


def side_by_side(make, seeds):
    """Return nets fitted in as many threads, all at once."""
    barrier = threading.Barrier(len(seeds))

    def fit(seed):
        barrier.wait()
        return make(seed).fit(X, Y)

    with joblib.parallel_config("threading", n_jobs=len(seeds)):
        return joblib.Parallel()(joblib.delayed(fit)(seed) for seed in seeds)


def dense(seed, **options):
    return DenseClassifier(epochs=2, batch_size=16, random_state=seed, **options)


@pytest.mark.parametrize(
    "make",
    [
        dense,
        lambda seed: dense(seed, dropout=0.5, batch_norm=True),
        lambda seed: dense(seed, validation_split=0.2),
        lambda seed: CNNClassifier(
            filters=4, hidden_size=8, batch_size=16, random_state=seed
        ),
    ],
    ids=["dense", "dropout and statistics", "validated", "cnn"],
)
def test_threads_share_a_trace_and_nothing_else(make, traces):
    seeds = [0, 1, 2]
    found = side_by_side(make, seeds)
    n_traced = len(traces)
    assert n_traced == (2 if found[0].validation_split else 1)
    for seed, net in zip(seeds, found, strict=True):
        alone = make(seed).fit(X, Y)
        # To the bit, where both compute on as many threads.
        rtol, atol = (0, 0) if n_threads() == 1 else (1e-4, 1e-6)
        for one, other in zip(weights(net), weights(alone), strict=True):
            np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)
        assert net.score(X, Y) == alone.score(X, Y)


def weights(net):
    return net._network.state["network"]


def test_small_nets_take_one_core_each_in_threads_alone(traces):
    side_by_side(dense, [0, 1])
    dense(0).fit(X, Y)
    assert traces == [True, False]


def test_what_is_no_small_net():
    assert has_small_steps(build_dense((784,), hidden_size=256), 128)
    assert not has_small_steps(build_dense((784,), hidden_size=(1024, 1024)), 128)
    assert not has_small_steps(build_cnn(filters=(8, 8)), 128)


def test_a_frozen_convolution_is_no_small_net():
    base = keras.layers.Conv2D(4, 3)
    base.trainable = False
    layers = [keras.layers.Input((8, 8, 1)), base, keras.layers.Flatten()]
    assert not has_small_steps(keras.Sequential([*layers, keras.layers.Dense(3)]), 16)
    flat = [keras.layers.Input((8, 8)), keras.layers.Flatten(), keras.layers.Dense(3)]
    assert has_small_steps(keras.Sequential(flat), 16)
    rows = [keras.layers.Input((8, 8)), keras.layers.Dense(3)]
    assert not has_small_steps(keras.Sequential(rows), 16)


def embedding(vocabulary=4):
    model = keras.Sequential(
        [
            keras.layers.Input((2,), dtype="int32"),
            keras.layers.Embedding(vocabulary, 4),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside others"])
def test_what_tensorflow_refuses_is_said_in_one_sentence(beside, monkeypatch):
    monkeypatch.setattr(_loop, "is_beside_others", lambda: beside)
    monkeypatch.setattr(_loop, "has_small_steps", lambda *_: True)
    x = np.full((90, 2), 7)
    with pytest.raises(ValueError, match="does not take: indices") as refused:
        KerasClassifier(embedding, random_state=0).fit(x, Y)
    assert "{{" not in str(refused.value)
    assert "[[" not in str(refused.value)
    assert "[Op" not in str(refused.value)


def test_who_is_beside_others():
    assert not is_beside_others()
    threads = joblib.Parallel(n_jobs=2, prefer="threads")
    assert all(threads(joblib.delayed(is_beside_others)() for _ in range(2)))
    one = joblib.Parallel(n_jobs=1, prefer="threads")
    assert one([joblib.delayed(is_beside_others)()]) == [False]
    seen = []
    thread = threading.Thread(target=lambda: seen.append(is_beside_others()))
    thread.start()
    thread.join()
    assert seen == [False]


def recurrent():
    return keras.Sequential(
        [
            keras.layers.Input((64,)),
            keras.layers.Reshape((8, 8)),
            keras.layers.SimpleRNN(4),  # a loop within the step
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


def test_a_step_with_a_loop_is_none_for_one_thread():
    network = recurrent()
    network.compile("adam", "sparse_categorical_crossentropy")
    specs = [_loop.any_rows(X)]

    def step(x):
        return [network(x, training=True)]

    assert _compiled.called_inline(step, specs) is None
    assert _compiled.called_inline(lambda x: [x + 1], specs) is not None
