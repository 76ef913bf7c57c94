"""Training: a recipe, a state and arrays in, the next state out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sknn_mnist.engine._batches import epoch_order, rows_at_once
from sknn_mnist.engine._network_state import State, get_state, set_state
from sknn_mnist.engine._pool import borrow, give_up
from sknn_mnist.engine._progress import showing_progress
from sknn_mnist.engine._resuming import train_on
from sknn_mnist.engine._watch import Watch, Watcher, floats_of
from sknn_mnist.memory._callback_states import obstacle_of
from sknn_mnist.memory._stores import States, say_once
from sknn_mnist.networks._keras_own import is_own
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["Trained", "split_validation", "train"]

# It reaches into the `fit` of Keras itself.
_KERAS_FIT_CALLBACKS = (keras.callbacks.TensorBoard,)


@dataclass(frozen=True)
class Trained:
    """What training left.

    Attributes
    ----------
    state : dict or None
        The state after training; None when `model` has it.
    model : keras.Model or None
        The network, when it must not be used for anything else: a callback of the
        user's own may have kept it.
    history : dict of str to list of float
        One value an epoch, from the first epoch after the state that was given.
    initial_epoch : int
        The first epoch that was trained; those before were found in the memory.
    """

    state: State | None
    model: keras.Model | None
    history: dict[str, list[Any]]
    initial_epoch: int


def train(
    recipe: NetworkRecipe,
    state: State | None,
    x: np.ndarray,
    y: np.ndarray,
    sample_weight: np.ndarray | None = None,
    *,
    epochs: int,
    initial_epoch: int = 0,
    batch_size: int = 128,
    shuffle: bool = True,
    seed: int = 0,
    validation_data: Sequence[np.ndarray | None] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 0,
    memory: States | None = None,
    seeded: bool = True,
    before_epoch: Callable[[], None] | None = None,
    after_epoch: Watcher | None = None,
) -> Trained:
    """Train a network of the recipe, from a state.

    What is computed is what `keras.Model.fit` computes on the same batches: same
    losses, metrics, callbacks.

    Parameters
    ----------
    recipe : NetworkRecipe
        The network.
    state : dict or None
        What to start from; None for the seed's initial state.
    x, y : ndarray of shape (n_samples, ...)
        What the network and its loss take.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights in the loss.
    epochs : int
        Epoch to stop before, counted from 0 with `initial_epoch`.
    initial_epoch : int, default=0
        Epoch to start with; its number takes part in its permutation.
    batch_size : int, default=128
        Samples a step; the last batch of an epoch may be smaller.
    shuffle : bool, default=True
        Whether each epoch takes the samples in an order of its own.
    seed : int, default=0
        Seeds the orders.
    validation_data : (x, y, sample_weight) or None
        Evaluated after each epoch.
    callbacks : sequence of keras.callbacks.Callback
        Called as Keras calls them.
    verbose : {0, 1, 2}, default=0
        As in Keras.
    memory : States or None
        Where states are kept, to start later from the last one that is the same
        training's.
    seeded : bool, default=True
        Whether the user gave the seed, so that the training can come again.
    before_epoch, after_epoch : callable or None
        Called around each epoch, those found in the memory too. The second takes a
        function that gives the history so far and the state after the epoch, and
        returns whether to stop.

    Returns
    -------
    Trained
        State or network, and history.
    """
    options: dict[str, Any] = {
        "epochs": epochs,
        "initial_epoch": initial_epoch,
        "batch_size": min(batch_size, len(x)),
        "shuffle": shuffle,
        "seed": seed,
        "validation_data": validation_data,
        "callbacks": list(callbacks),
        "verbose": verbose,
    }
    watch = Watch(before_epoch, after_epoch)
    if tf.distribute.has_strategy():
        # Keras would spread the batches of its own, differently by version.
        raise ValueError(
            f"{recipe.owner} can't train within the scope of a tf.distribute "
            "strategy. Call fit outside of it."
        )
    if memory is not None:
        obstacle = _obstacle(recipe, state, callbacks, seeded)
        if obstacle is None:
            del options["initial_epoch"]  # 0, or there would be a state
            with _naming_what_does_not_fit(recipe.owner):
                resumed = train_on(
                    recipe, memory, (x, y, sample_weight), watch, **options
                )
            return Trained(resumed[0], None, *resumed[1:])
        say_once(f"{recipe.owner} trains without its memory: {obstacle}.")
    with showing_progress(recipe.owner, options):
        if _needs_keras_fit(callbacks):
            network = recipe.new_network()
            give_up()  # whatever comes, it is not lent
            if state is not None:
                set_state(network, {**get_state(network), **state})
            history = _keras_fit(network, x, y, sample_weight, watch, **options)
            return Trained(None, network, floats_of(history), initial_epoch)
        # A callback of the user's own may keep the network that it sees.
        keep = not all(map(_is_keras_own, callbacks))
        with borrow(recipe, state, keep) as fused:

            def look(history: dict[str, list[Any]]) -> bool:
                return watch.end(lambda: (floats_of(history), get_state(fused.network)))

            with _naming_what_does_not_fit(recipe.owner):
                history = fused.fit(
                    x,
                    y,
                    sample_weight,
                    **options,
                    before_epoch=watch.begin,
                    after_epoch=look,
                )
            if keep:
                return Trained(None, fused.network, floats_of(history), initial_epoch)
            return Trained(
                get_state(fused.network), None, floats_of(history), initial_epoch
            )


def _obstacle(
    recipe: NetworkRecipe,
    state: State | None,
    callbacks: Sequence[keras.callbacks.Callback],
    seeded: bool,
) -> str | None:
    """Say why a training can't go on from a kept state of itself; None if it can."""
    if not seeded:
        return "random_state must be an int for a training to come again"
    if state is not None:
        return "warm_start and partial_fit go on from the estimator itself"
    for callback in callbacks:
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
    if _needs_keras_fit(callbacks):
        return "keras.config limits the epochs or their steps"
    return None


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


def _keras_fit(
    network: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    sample_weight: np.ndarray | None,
    watch: Watch,
    *,
    initial_epoch: int,
    epochs: int,
    batch_size: int,
    shuffle: bool,
    seed: int,
    validation_data: Sequence[np.ndarray | None] | None,
    callbacks: list[keras.callbacks.Callback],
    **options: Any,
) -> dict[str, list[float]]:
    """Train by `keras.Model.fit`, on the same batches as the engine takes."""
    resident = [tf.constant(each) for each in (x, y, sample_weight) if each is not None]

    def batches_of(epoch: tf.Tensor) -> tf.data.Dataset:
        rows = epoch_order(len(x), shuffle, seed, epoch)
        return tf.data.Dataset.from_tensor_slices(rows).batch(batch_size)

    def samples_of(rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(tf.gather(each, rows) for each in resident)

    dataset = (
        tf.data.Dataset.range(initial_epoch, epochs)
        .flat_map(batches_of)
        .map(samples_of)
        .prefetch(2)
    )
    so_far: dict[str, list[Any]] = {}

    def after_epoch(epoch: int, logs: dict[str, Any]) -> None:
        for name, value in logs.items():
            so_far.setdefault(name, []).append(value)
        if watch.end(lambda: (floats_of(so_far), get_state(network))):
            network.stop_training = True

    watching = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: watch.begin(), on_epoch_end=after_epoch
    )
    history = network.fit(
        dataset,
        epochs=epochs,
        initial_epoch=initial_epoch,
        steps_per_epoch=-(-len(x) // batch_size),
        shuffle=False,  # the dataset has done it
        validation_data=None if validation_data is None else tuple(validation_data),
        validation_batch_size=rows_at_once(network),
        callbacks=[*callbacks, watching],
        **options,
    )
    return history.history


def _is_keras_own(callback: keras.callbacks.Callback) -> bool:
    return is_own(type(callback))
