"""Settings of the process reach the pool, the memory and the predictions."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import sknn_mnist
from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor
from sknn_mnist.networks._conditions import conditions

RNG = np.random.default_rng(0)
X = RNG.random((60, 9)).astype("float32")
Y = np.arange(60) % 2

# Ways to set something, and what it was before.
SETTINGS = {
    "epsilon": (keras.config.set_epsilon, 0.2, keras.config.epsilon),
    "floatx": (keras.config.set_floatx, "float64", keras.config.floatx),
    "image_data_format": (
        keras.config.set_image_data_format,
        "channels_first",
        keras.config.image_data_format,
    ),
    "dtype_policy": (
        keras.config.set_dtype_policy,
        "mixed_bfloat16",
        keras.config.dtype_policy,
    ),
    "tensor_float_32": (
        tf.config.experimental.enable_tensor_float_32_execution,
        False,
        tf.config.experimental.tensor_float_32_execution_enabled,
    ),
}


@pytest.fixture(autouse=True)
def as_before():
    sknn_mnist.clear_network_pool()
    sknn_mnist.clear_memory(":memory:")
    before = {name: read() for name, (_, _, read) in SETTINGS.items()}
    yield
    for name, (write, _, read) in SETTINGS.items():
        if read() != before[name]:
            write(before[name])
    sknn_mnist.clear_network_pool()
    sknn_mnist.clear_memory(":memory:")


def net(kind=DenseClassifier, **parameters):
    return kind(epochs=2, random_state=0, memory=":memory:", **parameters)


@pytest.mark.parametrize(
    "kind", [DenseClassifier, pytest.param(CNNClassifier, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_changed_between_fits_counts(name, kind):
    write, value, _ = SETTINGS[name]
    metrics = ["accuracy", keras.metrics.BinaryCrossentropy]
    before = net(kind, metrics=metrics).fit(X, Y)
    kept = before.predict_proba(X)
    here = conditions()
    write(value)
    assert conditions() != here
    after = net(kind, metrics=metrics).fit(X, Y)
    assert after.initial_epoch_ == 0
    sknn_mnist.clear_network_pool()
    sknn_mnist.clear_memory(":memory:")
    alone = net(kind, metrics=metrics).fit(X, Y)
    assert after.history_ == alone.history_
    np.testing.assert_array_equal(after.predict_proba(X), alone.predict_proba(X))
    # A net of before predicts with what it has, by a pass of its own time.
    assert np.isfinite(kept).all()
    again = net(kind, metrics=metrics).fit(X, Y)
    assert again.initial_epoch_ == 2


def test_epsilon_reaches_the_loss_of_a_pooled_network():
    def loss():
        sknn_mnist.clear_memory(":memory:")
        # It divides by targets, or by epsilon where they are smaller.
        fitted = net(DenseRegressor, loss="mean_absolute_percentage_error")
        return fitted.fit(X, X[:, 0]).history_["loss"]

    plain = loss()
    keras.config.set_epsilon(0.49)
    clipped = loss()
    assert clipped[0] < plain[0] / 2
    sknn_mnist.clear_network_pool()
    assert loss() == clipped


def test_a_fitted_net_predicts_under_the_settings_of_now():
    def floored(x):
        return keras.ops.relu(x) + keras.config.epsilon()

    fitted = DenseClassifier(activation=floored, epochs=1, random_state=0).fit(X, Y)
    before = fitted.predict_proba(X)
    keras.config.set_epsilon(0.3)
    after = fitted.predict_proba(X)
    assert not np.array_equal(after, before)
    np.testing.assert_allclose(
        after[:, 1:], fitted.model_.predict(X, verbose=0), rtol=1e-4
    )


def test_the_conditions_are_cheap_and_hashable():
    assert hash(conditions()) == hash(conditions())
    assert conditions() == conditions()


TELL = """
import json, os
{first}
from sknn_mnist import DenseClassifier
from sknn_mnist.networks._conditions import conditions
from sknn_mnist.networks._keras_private import uses_onednn
print(json.dumps([
    uses_onednn(), os.environ.get("TF_ENABLE_ONEDNN_OPTS"), str(conditions())
]))
"""


def told(first="", **environment):
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TF_", "ONEDNN_", "DNNL_"))
    }
    done = subprocess.run(
        [sys.executable, "-c", TELL.format(first=first)],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_onednn_is_on_unless_the_user_says_otherwise():
    on, variable, plain = told()
    assert on is True
    assert variable == "1"  # which workers inherit
    off, _, without = told(TF_ENABLE_ONEDNN_OPTS="0")
    assert off is False
    assert without != plain  # so that nothing is shared between the two
    assert told(ONEDNN_MAX_CPU_ISA="AVX2")[2] != plain
    assert told(ONEDNN_DEFAULT_FPMATH_MODE="BF16")[2] != plain
    _, untouched, _ = told(first="import tensorflow")
    assert untouched is None
