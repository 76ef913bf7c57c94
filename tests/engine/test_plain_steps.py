"""A classifier's plain step is Keras's own to the bit; others are left to Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sknn_mnist.builders import build_cnn, build_dense
from sknn_mnist.engine import _loop
from sknn_mnist.engine._loop import FusedNetwork
from sknn_mnist.engine._network_state import get_state
from sknn_mnist.engine._plain_steps import plain_step_of
from sknn_mnist.engine._plan import Samples, TrainingPlan

pytestmark = pytest.mark.exact

RNG = np.random.default_rng(0)
X = RNG.random((150, 36)).astype("float32")  # 150 = 4 batches of 32 and one of 22
Y = (np.arange(150) % 3).astype("int32")
ONE_HOT = np.eye(3, dtype="float32")[Y]
WEIGHTS = RNG.random(150).astype("float32")
SPARSE = keras.losses.SparseCategoricalCrossentropy
CATEGORICAL = keras.losses.CategoricalCrossentropy


def dense(**options):
    return build_dense((36,), n_outputs=3, seed=0, **{"hidden_size": 8, **options})


def cnn(**options):
    options = {"filters": (4, 4), "hidden_size": 8, **options}
    return build_cnn((6, 6, 1), n_outputs=3, seed=0, **options)


def fused(network, loss, optimizer, own, metrics=("accuracy",), **options):
    network.compile(optimizer, loss, metrics=list(metrics), **options)
    network.optimizer.build(network.trainable_variables)
    return FusedNetwork(network, own=own)


def trained(fused_network, y, sample_weight=None, x=X):
    x = x.reshape(-1, *fused_network.network.inputs[0].shape[1:])
    data = Samples(x, y, sample_weight)
    history = fused_network.fit(TrainingPlan(data, epochs=3, batch_size=32), "net")
    return history, get_state(fused_network.network)


def is_plain(network, y, weights=None):
    x = X.reshape(-1, *network.inputs[0].shape[1:])
    samples = [tf.constant(each) for each in (x, y, weights) if each is not None]
    return plain_step_of(network, samples) is not None


def assert_same_bits(one, other):
    (history, state), (other_history, other_state) = one, other
    assert history == other_history
    for part, values in state.items():
        for value, other_value in zip(values, other_state[part], strict=True):
            np.testing.assert_array_equal(value, other_value)


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside others"])
@pytest.mark.parametrize(
    ("make", "optimizer"),
    [
        (dense, keras.optimizers.Adam),
        (lambda: dense(hidden_size=(8, 6), dropout=0.4), keras.optimizers.Adam),
        (lambda: dense(batch_norm=True), keras.optimizers.RMSprop),
        (dense, lambda: keras.optimizers.SGD(0.1, momentum=0.9, clipnorm=0.1)),
        (dense, lambda: keras.optimizers.AdamW(schedule(), weight_decay=0.1)),
        (dense, lambda: keras.optimizers.Adam(gradient_accumulation_steps=2)),
        (cnn, keras.optimizers.Adam),
        (lambda: cnn(batch_norm=True, dropout=0.3), keras.optimizers.Adam),
    ],
    ids=[
        *["dense", "dropout", "batch norm", "momentum", "schedule", "accumulation"],
        *["cnn", "cnn batch norm"],
    ],
)
@pytest.mark.parametrize(
    ("loss", "y"), [(SPARSE, Y), (CATEGORICAL, ONE_HOT)], ids=["sparse", "one-hot"]
)
def test_both_ways_compute_the_same(make, optimizer, loss, y, beside, monkeypatch):
    monkeypatch.setattr(_loop, "is_beside_others", lambda: beside)
    ways = [fused(make(), loss(), optimizer(), own) for own in (True, False)]
    results = [trained(each, y) for each in ways]
    assert is_plain(ways[0].network, y)
    assert_same_bits(*results)


def schedule():
    return keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.7)


def test_without_metrics_there_is_nothing_to_count():
    ways = [fused(dense(), SPARSE(), "adam", own, metrics=()) for own in (True, False)]
    results = [trained(each, Y) for each in ways]
    assert list(results[0][0]) == ["loss"]
    assert is_plain(ways[0].network, Y)
    assert_same_bits(*results)


def regularised():
    return keras.Sequential(
        [
            keras.layers.Input((36,)),
            keras.layers.Dense(8, kernel_regularizer="l2"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.mark.parametrize(
    ("make", "loss", "y", "options"),
    [
        (dense, CATEGORICAL(label_smoothing=0.1), ONE_HOT, {}),
        (dense, SPARSE(ignore_class=2), Y, {}),
        (dense, SPARSE(reduction="sum"), Y, {}),
        (lambda: dense(output_activation=None), SPARSE(from_logits=True), Y, {}),
        (dense, keras.losses.CategoricalHinge(), ONE_HOT, {}),
        (
            dense,
            SPARSE(),
            Y,
            {"metrics": ["accuracy", "sparse_top_k_categorical_accuracy"]},
        ),
        (dense, SPARSE(), Y, {"weighted_metrics": ["accuracy"]}),
        (dense, SPARSE(), Y, {"loss_weights": 0.5}),
        (lambda: dense(dtype="mixed_bfloat16"), SPARSE(), Y, {}),
        (dense, SPARSE(), Y[:, None], {}),
    ],
    ids=[
        *["smoothing", "ignored class", "sum", "logits", "hinge"],
        *["metrics", "weighted metrics", "loss weights", "bfloat16", "column"],
    ],
)
def test_what_is_not_plain_is_left_to_keras(make, loss, y, options):
    network = fused(make(), loss, "adam", True, **options)
    trained(network, y)
    assert not is_plain(network.network, y)


def test_weighted_rows_are_left_to_keras():
    ways = [fused(dense(), SPARSE(), "adam", own) for own in (True, False)]
    results = [trained(each, Y, WEIGHTS) for each in ways]
    assert not is_plain(ways[0].network, Y, WEIGHTS)
    assert_same_bits(*results)


def test_a_penalty_on_weights_counts():
    ways = []
    for own in (True, False):
        keras.utils.set_random_seed(0)
        ways.append(trained(fused(regularised(), SPARSE(), "adam", own), Y))
    assert_same_bits(*ways)


def masked_rows():
    inner = [keras.layers.Input((36,)), keras.layers.Masking()]
    layers = [
        keras.layers.Dense(8, kernel_initializer="ones"),
        keras.layers.Dense(3, "softmax", kernel_initializer="ones"),
    ]
    return keras.Sequential(
        [keras.layers.Input((36,)), keras.Sequential(inner), *layers]
    )


def test_masked_rows_of_a_network_within_count():
    x = X.copy()
    x[::3] = 0  # rows that Masking leaves out of the loss
    ways = [fused(masked_rows(), SPARSE(), "sgd", own) for own in (True, False)]
    assert_same_bits(*[trained(each, Y, x=x) for each in ways])


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_a_frozen_network_is_evaluated_as_by_keras():
    ways = []
    for own in (True, False):
        network = dense()
        network.trainable = False
        ways.append(trained(fused(network, SPARSE(), "adam", own), Y))
    assert_same_bits(*ways)


@pytest.fixture(params=["float16", "float64"])
def floatx(request):
    before = keras.config.floatx()
    keras.config.set_floatx(request.param)
    yield request.param
    keras.config.set_floatx(before)


def test_metrics_of_another_precision_are_left_to_keras(floatx):
    loss = SPARSE(dtype="float32")
    ways = [fused(dense(), loss, "adam", own) for own in (True, False)]
    assert_same_bits(*[trained(each, Y) for each in ways])
