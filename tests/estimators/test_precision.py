"""`dtype`: which parts of a net compute in how many bits."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import sknn_mnist
from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor, build_dense
from sknn_mnist.engine import _processes

pytestmark = pytest.mark.exact

MIXED = ["mixed_bfloat16", "mixed_float16"]
NETS = [
    DenseClassifier(batch_norm=True, dropout=0.1, epochs=3),
    CNNClassifier(filters=(4, 4), batch_norm=True, epochs=2),
    DenseRegressor(epochs=3),
]


@pytest.mark.parametrize("dtype", MIXED)
@pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)
def test_hidden_layers_compute_in_16_bits(net, dtype, digits, tmp_path):
    X, _, y, _ = digits
    net = type(net)(**net.get_params()).set_params(
        dtype=dtype, learning_rate=0.01, random_state=0, memory=tmp_path / "states"
    )
    net.fit(X, y)
    *hidden, output = net.model_.layers
    assert {each.compute_dtype for each in hidden} == {dtype.removeprefix("mixed_")}
    assert output.compute_dtype == "float32"
    assert {str(each.dtype) for each in net.model_.weights} <= {"float32", "uint32"}
    whole = type(net)(**net.get_params()).set_params(dtype="float32").fit(X, y)
    assert net.score(X, y) > whole.score(X, y) - 0.1
    if hasattr(net, "predict_proba"):
        assert net.predict_proba(X).dtype == np.float32
        np.testing.assert_allclose(net.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    # Kept states and files hold the loss's scale as well.
    more = type(net)(**net.get_params()).set_params(epochs=net.epochs + 1).fit(X, y)
    assert more.initial_epoch_ == net.epochs
    net.save(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net").partial_fit(X, y)
    for one, other in zip(
        again.model_.get_weights(), more.model_.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", MIXED)
def test_what_is_computed_is_what_keras_computes(dtype, digits):
    X, _, y, _ = digits
    net = DenseClassifier(
        dtype=dtype, shuffle=False, epochs=2, batch_size=32, random_state=0
    ).fit(X, y)
    # The net itself, in its initial state.
    network = build_dense(64, 10, hidden_size=32, dtype=dtype, seed=net._seed)
    optimizer = keras.optimizers.Adam()
    if dtype == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    network.compile(optimizer, "sparse_categorical_crossentropy")
    network.fit(X, y, batch_size=32, epochs=2, shuffle=False, verbose=0)
    for one, other in zip(net.model_.get_weights(), network.get_weights(), strict=True):
        # 8 bits of mantissa, and sums in another order.
        np.testing.assert_allclose(one, other, atol=0.005)


def test_a_dtype_that_is_none():
    with pytest.raises(ValueError, match="'dtype' parameter") as caught:
        DenseClassifier(dtype="float16").fit(np.eye(4), [0, 1, 0, 1])
    for dtype in ("float32", "float64", *MIXED):
        assert repr(dtype) in str(caught.value)


class Config:
    """What TensorFlow would be told of GPUs, of which this machine has none."""

    def __init__(self, monkeypatch, n_gpus, process):
        self.visible, self.growing = None, []
        self.gpus = [f"GPU:{number}" for number in range(n_gpus)]
        monkeypatch.setattr(
            tf.config, "list_physical_devices", lambda kind: list(self.gpus)
        )
        monkeypatch.setattr(tf.config, "set_visible_devices", self.see)
        monkeypatch.setattr(
            tf.config.experimental,
            "set_memory_growth",
            lambda gpu, grows: self.growing.append((gpu, grows)),
        )
        current = type("Process", (), {"name": process})
        monkeypatch.setattr(
            _processes.multiprocessing, "current_process", lambda: current
        )

    def see(self, gpus, kind):
        self.visible = gpus


@pytest.mark.parametrize(
    ("n_gpus", "process", "visible"),
    [
        (0, "LokyProcess-1", None),
        (1, "LokyProcess-2", None),
        (2, "MainProcess", None),
        (2, "LokyProcess-1", ["GPU:1"]),
        (2, "LokyProcess-2", ["GPU:0"]),
    ],
)
def test_a_gpu_a_worker(n_gpus, process, visible, monkeypatch):
    config = Config(monkeypatch, n_gpus, process)
    _processes.take_share_of_gpus()
    assert config.visible == visible
    mine = visible or config.gpus
    assert config.growing == [(gpu, True) for gpu in mine]


def test_gpus_that_are_set_up_already_are_left_alone(monkeypatch):
    config = Config(monkeypatch, 2, "LokyProcess-1")

    def see(gpus, kind):
        raise RuntimeError("Visible devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config, "set_visible_devices", see)
    _processes.take_share_of_gpus()
    assert config.growing == []
