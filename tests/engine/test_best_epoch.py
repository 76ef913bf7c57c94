"""The rule of early stopping judges as Keras's EarlyStopping does."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sknn_mnist.engine._early_stopping import BestEpoch, StopRule

scores = st.one_of(
    st.floats(-2, 2, width=32), st.sampled_from([0.0, 1.0, np.nan, np.inf, -np.inf])
)


def keras_judges(rule, values):
    """Return the epochs run, and the best one, as keras.Model.fit comes to them."""
    stopping = keras.callbacks.EarlyStopping(
        rule.monitor,
        min_delta=rule.tol,
        patience=rule.n_iter_no_change,
        mode="min",
        restore_best_weights=True,
    )
    network = SimpleNamespace(stop_training=False, get_weights=lambda: [np.ones(1)])
    stopping.set_model(network)
    stopping.on_train_begin()
    for epoch, value in enumerate(values):
        stopping.on_epoch_end(epoch, {rule.monitor: value})
        if network.stop_training:
            break
    return epoch + 1, stopping.best_epoch


@given(st.lists(scores, min_size=1, max_size=30), st.integers(1, 5), st.floats(0, 1))
def test_it_stops_where_keras_does_and_chooses_its_epoch(values, patience, tol):
    rule = StopRule("val_loss", tol, patience)
    best = BestEpoch(rule, "Net", list)
    for epoch, value in enumerate(values):
        if best.see(epoch, {"val_loss": value}, lambda epoch=epoch: epoch):
            break
    assert (best.n_seen, best.epoch) == keras_judges(rule, values)
    assert best.held == best.epoch


@given(st.lists(scores, min_size=2, max_size=30), st.data())
def test_what_it_says_depends_on_the_history_alone(values, data):
    rule = StopRule("val_loss", 0.0, 3)
    whole, parts = (BestEpoch(rule, "Net", list) for _ in range(2))
    for epoch, value in enumerate(values):
        whole.see(epoch, {"val_loss": value})
        if whole.stopped:
            break
    cut = data.draw(st.integers(0, whole.n_seen))
    for epoch, value in enumerate(values[:cut]):
        parts.see(epoch, {"val_loss": value})
    for epoch in range(cut, whole.n_seen):
        parts.see(epoch, {"val_loss": values[epoch]})
    assert (parts.epoch, parts.stopped) == (whole.epoch, whole.stopped)


class Likeness(keras.metrics.BinaryAccuracy):
    """More of it is better, whatever it is called."""


@pytest.mark.parametrize(
    "name", ["val_accuracy", "val_auc", "val_mean_squared_error", "val_no_loss"]
)
def test_metrics_say_which_way_is_better(name):
    metrics = ["accuracy", keras.metrics.AUC(name="auc"), "mean_squared_error"]
    metrics.append(Likeness(name="no_loss"))
    network = keras.Sequential(
        [keras.layers.Input((2,)), keras.layers.Dense(1, activation="sigmoid")]
    )
    network.compile("sgd", "binary_crossentropy", metrics=metrics)
    network.evaluate(np.ones((2, 2)), np.ones((2, 1)), verbose=0)
    best = BestEpoch(StopRule(name, 0.0, 9), "Net", lambda: network.metrics)
    for epoch, value in enumerate([0.5, 0.7, 0.3]):
        best.see(epoch, {name: value})
    assert best.epoch == (2 if "error" in name else 1)
    given_to_keras = keras.callbacks.EarlyStopping(name)
    given_to_keras.set_model(network)
    given_to_keras.on_train_begin()
    given_to_keras.on_epoch_end(0, {name: 0.5})
    assert given_to_keras.monitor_op is (
        keras.ops.less if "error" in name else keras.ops.greater
    )


def test_losses_of_several_outputs_are_losses():
    best = BestEpoch(StopRule("val_kind_loss", 0.0, 9), "Net", list)
    for epoch, value in enumerate([0.5, 0.3, 0.7]):
        best.see(epoch, {"val_kind_loss": value})
    assert best.epoch == 1


def test_what_is_not_there_or_no_number_is_refused():
    best = BestEpoch(StopRule("val_loss", 0.0, 9), "Net", list)
    with pytest.raises(ValueError, match=r"'monitor'.*one of \['loss'\]. Got 'val_l"):
        best.see(0, {"loss": 1.0})
    with pytest.raises(ValueError, match="gives a vector"):
        best.see(0, {"val_loss": np.ones(3)})
    with pytest.raises(ValueError, match=r"whether more is better.*mode='max'"):
        BestEpoch(StopRule("own", 0.0, 9), "Net", list).see(0, {"own": 1.0})
