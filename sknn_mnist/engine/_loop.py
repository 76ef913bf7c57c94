"""The fused loop: many training steps in one compiled call.

`keras.Model.fit` goes back to Python for each batch, which costs a small network
more than its arithmetic. Here the samples lie ready as tensors, and a compiled loop
takes the batches by a permutation and runs Keras's own `train_step` on each: the
loss, the metrics, the optimizer and all that they hold are Keras's, so what is
computed is what `fit` computes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import tensorflow as tf

from sknn_mnist._histories import plain_history, plain_logs
from sknn_mnist.engine._batch_listeners import batch_listeners, may_miss_batches
from sknn_mnist.engine._batches import Logs, compiled_loop, epoch_order
from sknn_mnist.engine._compiled import CompiledFunction, Traces, can_be_direct
from sknn_mnist.engine._feeds import bytes_of_row, feed_of
from sknn_mnist.engine._keras_fit import needs_keras_fit
from sknn_mnist.engine._metrics import (
    build_metrics,
    naming_uncompilable,
    reset_metrics,
)
from sknn_mnist.engine._nests import Nest, each_of, leaves_of
from sknn_mnist.engine._network_state import get_state
from sknn_mnist.engine._one_thread import has_small_steps, is_beside_others
from sknn_mnist.engine._plain_steps import NotPlainError, plain_step_of
from sknn_mnist.engine._plan import TrainingPlan
from sknn_mnist.engine._specs import rows_at_once
from sknn_mnist.engine._tensor_cache import cached_tensor
from sknn_mnist.engine._watch import Look
from sknn_mnist.networks._input_specs import any_rows
from sknn_mnist.networks._keras_private import (
    apply_adam_in_place,
    sum_no_replicas,
    take_restored_epoch,
)

__all__ = [
    "FusedNetwork",
]


# A compiled call can't be interrupted, so it should not run much longer than this.
SECONDS_PER_CALL = 0.25
FIRST_STEPS = 16

# Of the samples gathered at once: they should stay in the processor's cache.
BYTES_PER_BLOCK = 4 * 2**20


class FusedNetwork:
    """A compiled network with compiled loops over its `train_step` and `test_step`.

    Parameters
    ----------
    network : keras.Model
        Compiled, its optimizer built, not trained yet.
    kept : bool, default=False
        Whether it will never go to the pool, so that its optimizer is left as Keras
        made it.
    own : bool, default=False
        Whether all that it runs is Keras's own code.
    traces : Traces or None, default=None
        Loops of networks that compute and train the same; None for none.

    Attributes
    ----------
    needs_keras_fit : bool
        Whether `keras.Model.fit` must train it, and no loop of ours may.
    """

    def __init__(
        self,
        network: keras.Model,
        kept: bool = False,
        own: bool = False,
        traces: Traces | None = None,
    ) -> None:
        self.needs_keras_fit = needs_keras_fit(network)
        if not self.needs_keras_fit:
            sum_no_replicas(network.optimizer)
            if not kept:
                apply_adam_in_place(network.optimizer)
        self.network = network
        self.initial = get_state(network)
        self._own = own
        self._loops: dict[Any, Callable[..., Logs]] = {}
        self._traces = traces or Traces()
        self._seconds: dict[Any, float] = {}
        self._logs_of_last: dict[str, tf.TensorSpec] | None = None
        self._has_metrics = False
        self._half_made = False

    @property
    def is_whole(self) -> bool:
        """Whether no part of it was left half made."""
        return not self._half_made

    @property
    def n_bytes(self) -> int:
        """Bytes of the arrays that the network and its optimizer hold."""
        # Twice: the variables, and their initial values.
        return 2 * sum(each.nbytes for part in self.initial.values() for each in part)

    def fit(
        self,
        plan: TrainingPlan,
        owner: str,
        resume: Callable[[], Logs | None] | None = None,
    ) -> dict[str, list[Any]]:
        """Train as `keras.Model.fit` does.

        Parameters
        ----------
        plan : TrainingPlan
            Its memory is not used. There may be no epoch to train.
        owner : str
            Name of the estimator, for messages.
        resume : callable or None
            Called when the callbacks know that training begins: puts them back to
            what they knew after the epoch before, and returns its logs.

        Returns
        -------
        dict of str to list
            The history.
        """
        network = self.network
        data = plan.data.each(cached_tensor)
        if plan.initial_epoch < plan.epochs:
            self._build_metrics(data, owner)
        history = keras.callbacks.History()
        hooks = _hooks(network, plan, history)
        training = _Pass(network, owner, "train", data, plan.batch_size, hooks)
        validation = None
        if plan.validation_data is not None:
            held_out = plan.validation_data.each(cached_tensor)
            n_rows = plan.validation_batch_size or rows_at_once(network, held_out[0])
            validation = _Pass(network, owner, "test", held_out, n_rows, hooks)
        network.stop_training = False
        take_restored_epoch(network)  # left by a fit that failed before it began
        hooks.on_train_begin()
        logs = None if resume is None else resume()
        start = take_restored_epoch(network) or plan.initial_epoch
        for epoch in range(start, plan.epochs):
            reset_metrics(network, self._own)
            plan.watch.begin()
            hooks.on_epoch_begin(epoch)
            rows = epoch_order(plan.data.n_rows, plan.shuffle, plan.seed, epoch)
            logs = plain_logs(self._run(training, rows))
            if validation is not None:
                for name, value in self._evaluate(validation).items():
                    logs[f"val_{name}"] = value
            hooks.on_epoch_end(epoch, logs)
            stop = plan.watch.end(
                Look(epoch, lambda: history.history, lambda: get_state(network))
            )
            if stop or network.stop_training:
                break
        network.optimizer.finalize_variable_values(network.trainable_weights)
        hooks.on_train_end(logs)
        # Epochs trained before what BackupAndRestore found are not known here.
        missing = [float("nan")] * (start - plan.initial_epoch)
        return plain_history(
            {name: missing + values for name, values in history.history.items()}
        )

    def names_in_logs(self, plan: TrainingPlan, owner: str) -> list[str]:
        """Return the names that the network gives to an epoch's losses and metrics.

        Where it was not trained yet, its metrics are built, by which they are known.
        """
        self._build_metrics(plan.data.each(cached_tensor), owner)
        names = list(self._logs_of_last or self.network.get_metrics_result())
        validated = plan.validation_data is not None
        return names + [f"val_{name}" for name in names if validated]

    def _evaluate(self, validation: _Pass) -> Logs:
        self.network.stop_evaluating = False
        validation.hooks.on_test_begin()
        reset_metrics(self.network, self._own)
        rows = tf.range(len(validation.data[0]))
        logs = plain_logs(self._run(validation, rows))
        validation.hooks.on_test_end(logs)
        return logs

    def _run(self, run: _Pass, rows: tf.Tensor) -> Logs:
        """Run a pass over the batches of `rows`, in calls of bounded length."""
        loop, key = self._loop_of(run), run.key
        listeners = batch_listeners(run.hooks, run.phase)
        one_by_one = not all(map(may_miss_batches, listeners))
        n_steps, block = -(-len(rows) // run.batch_size), run.block_size
        first, logs = 0, {}
        with feed_of(run.data, rows, run.batch_size) as feed:
            while first < n_steps:
                wanted = first + self._steps_per_call(key, one_by_one)
                given = feed.steps(first, min(wanted, n_steps))
                last = first + given.n_steps
                if listeners:
                    getattr(run.hooks, f"on_{run.phase}_batch_begin")(first)
                start = time.perf_counter()
                begin, end = given.begin, given.begin + given.n_steps
                logs = loop(begin, given.rows, end, run.batch_size, block, *given.data)
                self._seconds[key] = (time.perf_counter() - start) / given.n_steps
                if listeners:
                    getattr(run.hooks, f"on_{run.phase}_batch_end")(last - 1, logs)
                if run.is_stopped:
                    break
                first = last
        return logs

    def _loop_of(self, run: _Pass) -> Callable[..., Logs]:
        """Return the compiled loop of a pass, made on first use."""
        network = self.network
        key = run.key, run.on_one_thread, repr(self._logs_of_last)
        if key in self._loops:
            return self._loops[key]

        def trace() -> CompiledFunction:
            settings = run.samples, self._logs_of_last, run.on_one_thread
            plain = None
            if self._own and run.phase == "train":
                plain = plain_step_of(network, run.samples)
            with suppress(NotPlainError):
                return compiled_loop(network, plain or run.step, *settings)
            return compiled_loop(network, run.step, *settings)

        # Errors of the user's own code reach the user as they are.
        naming = naming_uncompilable(run.owner) if self._own else nullcontext()
        with self._making(), naming:
            self._loops[key] = self._traces.find(key, network, trace)
        return self._loops[key]

    def _steps_per_call(self, key: Any, one_by_one: bool) -> int:
        # How the steps are cut into calls does not change what they compute.
        if one_by_one:
            return 1
        if key not in self._seconds:
            return FIRST_STEPS
        return max(1, int(SECONDS_PER_CALL / max(self._seconds[key], 1e-6)))

    def _build_metrics(self, data: tuple[Nest, ...], owner: str) -> None:
        if not self._has_metrics:
            with self._making():
                self._logs_of_last = build_metrics(self.network, data, owner, self._own)
            self._has_metrics = True

    @contextmanager
    def _making(self) -> Iterator[None]:
        # Where it raises, layers and metrics may hold tensors of a dead graph.
        self._half_made = True
        yield
        self._half_made = False


@dataclass(frozen=True)
class _Pass:
    """Training or validation: which samples, in which batches, and who hears of it.

    Attributes
    ----------
    network : keras.Model
        The network.
    owner : str
        Name of the estimator, for messages.
    phase : {"train", "test"}
        As in the names of Keras's steps and of callbacks' methods.
    samples : tuple of nests of tf.Tensor
        Samples, targets, and weights if there are any.
    batch_size : int
        Samples per step.
    hooks : keras.callbacks.CallbackList
        Who hears of the batches.
    """

    network: keras.Model
    owner: str
    phase: str
    samples: tuple[Nest, ...]
    batch_size: int
    hooks: keras.callbacks.CallbackList

    @cached_property
    def data(self) -> list[tf.Tensor]:
        """The tensors, as the compiled loop takes them."""
        return leaves_of(self.samples)

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """Equal where the compiled loop is the same, of one network."""
        form = repr(each_of(lambda _: None, self.samples))
        return self.phase, form, *map(any_rows, self.data)

    @cached_property
    def on_one_thread(self) -> bool:
        """Whether it takes one core, beside others that do."""
        return (
            is_beside_others()
            and can_be_direct()
            and has_small_steps(self.network, self.batch_size)
        )

    @property
    def step(self) -> Callable[..., Any]:
        """Keras's own."""
        network = self.network
        return network.train_step if self.phase == "train" else network.test_step

    @property
    def block_size(self) -> int:
        """Batches whose samples are gathered at once."""
        bytes_per_row = sum(map(bytes_of_row, self.data))
        return max(1, BYTES_PER_BLOCK // (self.batch_size * bytes_per_row))

    @property
    def is_stopped(self) -> bool:
        """Whether a callback has asked to stop."""
        if self.phase == "train":
            return bool(self.network.stop_training)
        return bool(self.network.stop_evaluating)


def _hooks(
    network: keras.Model, plan: TrainingPlan, history: keras.callbacks.History
) -> keras.callbacks.CallbackList:
    return keras.callbacks.CallbackList(
        [*plan.callbacks, history],
        add_progbar=plan.verbose == 2,
        verbose=plan.verbose,
        epochs=plan.epochs,
        steps=plan.n_batches,
        model=network,
    )
