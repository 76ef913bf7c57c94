"""Training: a recipe, a state and arrays in, the next state out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sknn_mnist.engine._early_stopping import BestEpoch
from sknn_mnist.engine._keras_fit import fit_by_keras
from sknn_mnist.engine._nests import Nest, n_rows_of, rows_of
from sknn_mnist.engine._network_state import State, get_state, set_state
from sknn_mnist.engine._plan import Trained, TrainingPlan
from sknn_mnist.engine._pool import borrow, trains_by_keras
from sknn_mnist.engine._progress import showing_progress
from sknn_mnist.engine._resuming import train_with_memory
from sknn_mnist.engine._specs import outputs_of_recipe
from sknn_mnist.engine._watch import Look, Watch
from sknn_mnist.memory._callback_states import obstacle_of
from sknn_mnist.memory._stores import say_once
from sknn_mnist.networks._keras_own import is_own
from sknn_mnist.networks._model_changes import Structure
from sknn_mnist.networks._recipes import BUILDERS, NetworkRecipe

__all__ = ["split_validation", "train"]

# In TensorFlow's messages, whatever names operations and nodes of graphs.
_NAMES_OF_NODES = re.compile(
    r"\{\{function_node .*?\}\}|\[\[.*?\]\]|\[Op:\w+\]( name:.*)?"
)

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
    plan = replace(plan, batch_size=min(plan.batch_size, plan.data.n_rows))
    if plan.memory is not None:
        obstacle = _obstacle(recipe, state, plan)
        if obstacle is None:
            with _naming_what_does_not_fit(recipe):
                return train_with_memory(recipe, plan, plan.memory)
        say_once(f"{recipe.owner} trains without its memory: {obstacle}.")
    with showing_progress(recipe.owner, plan) as shown:
        by_keras = _needs_keras_fit(plan.callbacks)
        # A callback of the user's own may keep the network that it sees.
        keep = by_keras or not all(map(_is_keras_own, plan.callbacks))
        return _train(recipe, state, shown, keep, by_keras)


def split_validation(
    arrays: Sequence[Nest | None], fraction: float, owner: str
) -> tuple[list[Any], list[Any]]:
    """Split off the last `fraction` of the rows, as Keras does, unshuffled."""
    n_rows = n_rows_of(arrays[0])
    start = int(np.floor(n_rows * (1.0 - fraction)))
    if start == 0 or start == n_rows:
        raise ValueError(
            f"validation_split={fraction} of {n_rows} samples leaves {owner} none to "
            f"{'train' if start == 0 else 'validate'} on."
        )
    return (
        [None if each is None else rows_of(each, slice(start)) for each in arrays],
        [
            None if each is None else rows_of(each, slice(start, None))
            for each in arrays
        ],
    )


def _train(
    recipe: NetworkRecipe,
    state: State | None,
    plan: TrainingPlan,
    keep: bool,
    by_keras: bool,
) -> Trained:
    with borrow(recipe, state, keep) as fused:
        network = fused.network
        by_keras = by_keras or fused.needs_keras_fit
        keep = keep or by_keras
        structure = None
        if keep and not recipe.own:
            structure = Structure(network, outputs_of_recipe(recipe, network))
        with _naming_what_does_not_fit(recipe):
            best = None
            if plan.stop_rule is not None:
                best = BestEpoch(plan.stop_rule, recipe.owner, lambda: network.metrics)
                if not by_keras and all(map(_is_keras_own, plan.callbacks)):
                    # Others may add to the logs, and what Keras trains is not known.
                    best.prepare(fused.names_in_logs(plan, recipe.owner))
                plan = replace(plan, watch=_judging(best, plan.watch))
            if by_keras:
                history = fit_by_keras(network, plan)
            else:
                history = fused.fit(plan, recipe.owner)
        if best is not None:
            set_state(network, best.held)
        chosen = None if best is None else best.epoch
        if keep:
            return Trained(
                None, network, history, plan.initial_epoch, chosen, structure
            )
        return Trained(get_state(network), None, history, plan.initial_epoch, chosen)


def _judging(best: BestEpoch, watch: Watch) -> Watch:
    """Return a watch that has each epoch judged as well."""

    def after_epoch(look: Look) -> bool:
        stopped = best.see(look.epoch, look.logs, lambda: look.state)
        return watch.end(look) or stopped

    return replace(watch, after_epoch=after_epoch)


def _obstacle(
    recipe: NetworkRecipe, state: State | None, plan: TrainingPlan
) -> str | None:
    """Say why a training can't go on from a kept state of itself; None if it can."""
    if not plan.seeded:
        return "random_state must be an int for a training to come again"
    if state is not None:
        return "warm_start and partial_fit go on from the estimator itself"
    obstacle = obstacle_of(plan.callbacks)
    if obstacle is not None:
        return obstacle
    if not recipe.own:
        return "its network runs code of your own, which may have changed"
    if recipe.key is None:
        return (
            "optimizer, loss, metrics or activation are code of your own, which may "
            "have changed"
        )
    if recipe.averages_weights:
        return "its optimizer's use_ema=True changes the weights when training ends"
    if _needs_keras_fit(plan.callbacks):
        return "keras.config limits the epochs or their steps"
    if trains_by_keras(recipe):
        return (
            "run_eagerly, jit_compile or steps_per_execution leave its epochs to Keras"
        )
    return None


@contextmanager
def _naming_what_does_not_fit(recipe: NetworkRecipe) -> Iterator[None]:
    """Say in one sentence what TensorFlow finds wrong with a loss or a metric."""
    try:
        yield
    except tf.errors.InvalidArgumentError as err:
        said = _said_by(err)
        if "indices[" in said and "is not in [0," in said:
            raise ValueError(
                f"X of {recipe.owner} holds numbers that an Embedding of its network "
                f"does not take: {said}"
            ) from err
        if recipe.builder in BUILDERS:
            what = f"'loss' or 'metrics' parameter of {recipe.owner} does not fit the"
        else:
            what = f"network, loss or metrics of {recipe.owner} do not fit X or the"
        raise ValueError(f"The {what} targets: {said}") from err


def _said_by(err: tf.errors.OpError) -> str:
    """Return the last line of TensorFlow's message, without names of its own."""
    lines = [
        _NAMES_OF_NODES.sub("", line).strip()
        for line in str(err.message).splitlines()
        if "{{node" not in line
    ]
    return ([line for line in lines if line] or ["TensorFlow says no more"])[-1]


def _needs_keras_fit(callbacks: Sequence[keras.callbacks.Callback]) -> bool:
    limits = ("max_epochs", "max_steps_per_epoch")  # since Keras 3.12
    return any(
        isinstance(callback, _KERAS_FIT_CALLBACKS) for callback in callbacks
    ) or any(getattr(keras.config, name, lambda: None)() for name in limits)


def _is_keras_own(callback: keras.callbacks.Callback) -> bool:
    return is_own(type(callback))
