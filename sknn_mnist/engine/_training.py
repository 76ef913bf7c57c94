"""Training: a recipe, a state and arrays in, the next state out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sknn_mnist._histories import plain_history
from sknn_mnist.engine._batches import epoch_order, rows_at_once
from sknn_mnist.engine._network_state import State, get_state, set_state
from sknn_mnist.engine._plan import Trained, TrainingPlan
from sknn_mnist.engine._pool import borrow, give_up
from sknn_mnist.engine._progress import showing_progress
from sknn_mnist.engine._resuming import train_with_memory
from sknn_mnist.engine._watch import Seen, Watch
from sknn_mnist.memory._callback_states import obstacle_of
from sknn_mnist.memory._stores import say_once
from sknn_mnist.networks._keras_own import is_own
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["split_validation", "train"]

# Callbacks that need `keras.Model.fit` itself.
_KERAS_FIT_CALLBACKS = (keras.callbacks.TensorBoard,)


def train(recipe: NetworkRecipe, state: State | None, plan: TrainingPlan) -> Trained:
    """Train a network of the recipe, from a state.

    What is computed is what `keras.Model.fit` computes on the same batches: same
    losses, metrics, callbacks.

    Parameters
    ----------
    recipe : NetworkRecipe
        The network.
    state : dict or None
        What to start from; None for the seed's initial state.
    plan : TrainingPlan
        On what, how long, and who is told.

    Returns
    -------
    Trained
        State or network, and history.
    """
    if tf.distribute.has_strategy():
        # Keras would distribute the batches in its own way, which differs by version.
        raise ValueError(
            f"{recipe.owner} can't train within the scope of a tf.distribute "
            "strategy. Call fit outside of it."
        )
    plan = replace(plan, batch_size=min(plan.batch_size, len(plan.data.x)))
    if plan.memory is not None:
        obstacle = _obstacle(recipe, state, plan)
        if obstacle is None:
            with _naming_what_does_not_fit(recipe.owner):
                return train_with_memory(recipe, plan, plan.memory)
        say_once(f"{recipe.owner} trains without its memory: {obstacle}.")
    with showing_progress(recipe.owner, plan) as shown:
        if _needs_keras_fit(plan.callbacks):
            return _train_by_keras(recipe, state, shown)
        # A callback of the user's own may keep the network that it sees.
        keep = not all(map(_is_keras_own, plan.callbacks))
        return _train_by_loop(recipe, state, shown, keep)


def split_validation(
    arrays: Sequence[np.ndarray | None], fraction: float, owner: str
) -> tuple[list[Any], list[Any]]:
    """Split off the last `fraction` of the rows, as Keras does, unshuffled."""
    n_rows = len(arrays[0])  # type: ignore[arg-type]
    start = int(np.floor(n_rows * (1.0 - fraction)))
    if start == 0 or start == n_rows:
        raise ValueError(
            f"validation_split={fraction} of {n_rows} samples leaves {owner} none to "
            f"{'train' if start == 0 else 'validate'} on."
        )
    return (
        [None if each is None else each[:start] for each in arrays],
        [None if each is None else each[start:] for each in arrays],
    )


def _train_by_loop(
    recipe: NetworkRecipe, state: State | None, plan: TrainingPlan, keep: bool
) -> Trained:
    with borrow(recipe, state, keep) as fused:
        with _naming_what_does_not_fit(recipe.owner):
            history = fused.fit(plan, recipe.owner)
        if keep:
            return Trained(None, fused.network, history, plan.initial_epoch)
        return Trained(get_state(fused.network), None, history, plan.initial_epoch)


def _obstacle(
    recipe: NetworkRecipe, state: State | None, plan: TrainingPlan
) -> str | None:
    """Say why a training can't go on from a kept state of itself; None if it can."""
    if not plan.seeded:
        return "random_state must be an int for a training to come again"
    if state is not None:
        return "warm_start and partial_fit go on from the estimator itself"
    for callback in plan.callbacks:
        obstacle = obstacle_of(callback)
        if obstacle is not None:
            return obstacle
    if recipe.key is None:
        return (
            "optimizer, loss, metrics or activation are code of your own, which may "
            "have changed"
        )
    if recipe.averages_weights:
        return "its optimizer's use_ema=True changes the weights when training ends"
    if _needs_keras_fit(plan.callbacks):
        return "keras.config limits the epochs or their steps"
    return None


@contextmanager
def _naming_what_does_not_fit(owner: str) -> Iterator[None]:
    """Say in one sentence what TensorFlow finds wrong with a loss or a metric."""
    try:
        yield
    except tf.errors.InvalidArgumentError as err:
        # The last line that is not the name of a node of the graph.
        lines = [
            line
            for line in str(err.message).splitlines()
            if line.strip() and "{{node" not in line
        ]
        raise ValueError(
            f"The 'loss' or 'metrics' parameter of {owner} does not fit the targets: "
            f"{(lines or ['TensorFlow says no more'])[-1].strip()}"
        ) from err


def _needs_keras_fit(callbacks: Sequence[keras.callbacks.Callback]) -> bool:
    limits = ("max_epochs", "max_steps_per_epoch")  # since Keras 3.12
    return any(
        isinstance(callback, _KERAS_FIT_CALLBACKS) for callback in callbacks
    ) or any(getattr(keras.config, name, lambda: None)() for name in limits)


def _train_by_keras(
    recipe: NetworkRecipe, state: State | None, plan: TrainingPlan
) -> Trained:
    """Train by `keras.Model.fit`, on the same batches as the engine takes."""
    network = recipe.new_network()
    give_up()  # it will not be lent, whatever happens
    if state is not None:
        set_state(network, {**get_state(network), **state})
    data = [tf.constant(each) for each in plan.data if each is not None]
    held_out = plan.validation_data

    def batches_of(epoch: tf.Tensor) -> tf.data.Dataset:
        rows = epoch_order(len(plan.data.x), plan.shuffle, plan.seed, epoch)
        return tf.data.Dataset.from_tensor_slices(rows).batch(plan.batch_size)

    def samples_of(rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(tf.gather(each, rows) for each in data)

    dataset = (
        tf.data.Dataset.range(plan.initial_epoch, plan.epochs)
        .flat_map(batches_of)
        .map(samples_of)
        .prefetch(2)
    )
    history = network.fit(
        dataset,
        epochs=plan.epochs,
        initial_epoch=plan.initial_epoch,
        steps_per_epoch=plan.n_batches,
        shuffle=False,  # the dataset has done it
        validation_data=None if held_out is None else tuple(held_out),
        validation_batch_size=rows_at_once(network),
        callbacks=[*plan.callbacks, _watching(network, plan.watch)],
        verbose=plan.verbose,
    )
    return Trained(None, network, plain_history(history.history), plan.initial_epoch)


def _watching(network: keras.Model, watch: Watch) -> keras.callbacks.Callback:
    """Return a callback that tells a watch of each epoch."""
    so_far: dict[str, list[Any]] = {}

    def end(epoch: int, logs: dict[str, Any]) -> None:
        for name, value in logs.items():
            so_far.setdefault(name, []).append(value)
        if watch.end(lambda: Seen(plain_history(so_far), get_state(network))):
            network.stop_training = True

    return keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: watch.begin(), on_epoch_end=end
    )


def _is_keras_own(callback: keras.callbacks.Callback) -> bool:
    return is_own(type(callback))
