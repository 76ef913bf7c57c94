"""What is private to Keras and TensorFlow is still where the door looks for it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sknn_mnist.networks import _keras_private as private


def network(**options):
    made = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    made.compile(optimizer=keras.optimizers.Adam(**options), loss="mse")
    made.optimizer.build(made.trainable_variables)
    return made


def test_gradients_are_not_summed_over_replicas():
    optimizer = network().optimizer
    assert callable(optimizer._all_reduce_sum_gradients)
    private.sum_no_replicas(optimizer)
    pairs = [(tf.constant(1.0), None)]
    assert optimizer._all_reduce_sum_gradients(iter(pairs)) == pairs


def test_adam_is_applied_in_place():
    optimizer = network().optimizer
    private.apply_adam_in_place(optimizer)
    assert "apply" in vars(optimizer)


def test_kernels_can_be_forgotten():
    from tensorflow.python.eager import context

    assert callable(context.context().clear_kernel_cache)
    private.forget_kernels()


def test_a_loss_tells_the_arguments_of_its_function():
    assert private.arguments_in_function(keras.losses.Huber(0.3)) == {"delta": 0.3}


def test_an_optimizer_tells_its_learning_rate():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.7)
    assert private.rate_of_optimizer(keras.optimizers.SGD(0.5)) == 0.5
    optimizer = keras.optimizers.SGD(schedule)
    assert private.rate_of_optimizer(optimizer) is schedule
    assert "learning_rate" in private.config_of_optimizer(optimizer)


def test_an_optimizer_tells_what_it_excludes():
    optimizer = keras.optimizers.AdamW()
    assert private.exclude_from_weight_decay(None, like=optimizer) is None
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    other = keras.optimizers.AdamW()
    assert private.exclude_from_weight_decay(other, like=optimizer) == ["bias"]
    assert private.exclude_from_weight_decay(None, like=other) == ["bias"]


def test_an_optimizer_tells_all_its_variables():
    made = network()
    assert len(private.variables_of_optimizer(made)) == 2 + 2 * 2  # Adam's


def test_a_backup_tells_the_epoch_that_it_goes_on_with(tmp_path):
    def backup():
        return keras.callbacks.BackupAndRestore(str(tmp_path), delete_checkpoint=False)

    x = np.zeros((4, 3), "float32")
    network().fit(x, x[:, :2], epochs=2, callbacks=[backup()], verbose=0)
    made, again = network(), backup()
    again.set_model(made)
    again.on_train_begin()
    assert private.take_restored_epoch(made) == 2
    assert private.take_restored_epoch(made) is None


@pytest.mark.parametrize("asked", [private.is_deterministic, private.uses_onednn])
def test_settings_are_told(asked):
    assert asked() in (True, False)


def test_tensorflow_tells_whether_it_has_started():
    tf.zeros(2) + 1
    assert private.has_started()


def test_what_a_network_was_compiled_with_is_found_as_it_was_given():
    def own(y_true, y_pred):
        return keras.ops.mean(y_true - y_pred, axis=-1)

    made = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    made.compile(loss=own, loss_weights=[2.0])
    # Not by way of its config, which has no more than the function's name.
    assert made._compile_config.config["loss"] is own
    settings = private.compile_settings_of(made)
    assert settings["loss"] is own
    assert settings["loss_weights"] == [2.0]


def test_a_functional_network_is_of_the_class():
    inputs = keras.Input((1,))
    assert type(keras.Model(inputs, inputs)) is private.FUNCTIONAL


def test_names_and_generators_are_those_of_a_new_process():
    first = keras.layers.Dense(1).name
    with private.fresh_generators(0) as has_drawn:
        assert keras.layers.Dense(1).name == "dense"
        assert not has_drawn()
        tf.random.normal(())
        assert has_drawn()
    assert keras.layers.Dense(1).name != first
