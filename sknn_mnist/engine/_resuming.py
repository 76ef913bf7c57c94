"""Training with a memory: from the last kept epoch on, and those to come are kept."""

from __future__ import annotations

import copy
import hashlib
import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np

from sknn_mnist.engine._batches import Logs
from sknn_mnist.engine._loop import FusedNetwork
from sknn_mnist.engine._network_state import State, get_state
from sknn_mnist.engine._pool import borrow
from sknn_mnist.engine._progress import showing_progress
from sknn_mnist.engine._watch import Seen, Watch, floats_of
from sknn_mnist.memory import _callback_states as callback_states
from sknn_mnist.memory._epochs import EpochKeeper
from sknn_mnist.memory._fingerprints import training_key
from sknn_mnist.memory._states import KeptState, Kinds
from sknn_mnist.memory._stores import States
from sknn_mnist.networks._keras_objects import make_metrics
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["Resumed", "train_on"]

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray | None]

# Networks whose kinds of arrays are known; some hundred bytes a variable.
MAX_KINDS = 256

# Of a state that was trained again to be seen, and is kept nowhere.
_NOWHERE = "nowhere"

# State, whole history, and the first epoch that was trained.
Resumed = tuple[State, dict[str, list[Any]], int]


def train_on(
    recipe: NetworkRecipe,
    memory: States,
    arrays: Arrays,
    watch: Watch,
    *,
    epochs: int,
    callbacks: list[keras.callbacks.Callback],
    verbose: int,
    **options: Any,
) -> Resumed:
    """Train from the last kept state of the same training, and keep epochs of it.

    Parameters
    ----------
    recipe : NetworkRecipe
        The network; its key must not be None.
    memory : States
        Where states are kept.
    arrays : (x, y, sample_weight)
        What to train on.
    watch : Watch
        Who sees the epochs, those found too.
    epochs : int
        Epochs in all.
    callbacks : list of keras.callbacks.Callback
        Such that `_callback_states.obstacle_of` has nothing against them.
    verbose : {0, 1, 2}
        As in Keras.
    **options : dict
        The others of `_training.train`.

    Returns
    -------
    Resumed
        State, history, and the first epoch that was trained.
    """
    training = _Training(recipe, memory, arrays, callbacks, options)
    found = training.longest(epochs)
    start = 0 if found is None else found.epoch
    ends = found is not None and (found.stopped or start == epochs)
    # With 1, the line of progress says so, unless there is nothing to train.
    if found is not None and verbose > (not ends):
        print(f"Epoch {start}/{epochs}: found in the memory {memory}")
    for epoch in range(1, start + 1):
        watch.begin()
        if watch.end(partial(training.seen_at, epoch)):
            found, ends = training.at(epoch), True
            break
    if found is None or not ends:
        return training.go_on(found, epochs, watch, verbose)
    if found.passing is not None:  # asked for, it may be asked for again
        memory.put(training.key, found, None, [(found.epoch, found.passing)])
    if callbacks:  # which end, maybe with other weights than those of the last epoch
        return training.go_on(found, found.epoch, Watch(None, None), verbose)
    return found.state, found.history, found.epoch


class _Training:
    """One training, whatever epochs of it are asked for."""

    def __init__(
        self,
        recipe: NetworkRecipe,
        memory: States,
        arrays: Arrays,
        callbacks: list[keras.callbacks.Callback],
        options: dict[str, Any],
    ) -> None:
        self._recipe = recipe
        self._memory = memory
        self._arrays = arrays
        self._callbacks = callbacks
        self._options = options
        # Copied before they begin.
        self._unbegun = callback_states.copies_for_a_replay(callbacks)
        self._seen: KeptState | None = None
        self.key = training_key(
            recipe,
            arrays,
            options["validation_data"],
            batch_size=options["batch_size"],
            shuffle=options["shuffle"],
            seed=options["seed"],
        )
        if callbacks:
            configs = callback_states.configs_of(callbacks)
            self.key = hashlib.sha256(f"{self.key} {configs!r}".encode()).hexdigest()

    def longest(self, epochs: int) -> KeptState | None:
        """Return what is kept after the most epochs up to `epochs`."""
        return self._memory.longest(self.key, epochs, self._kinds)

    def at(self, epoch: int) -> KeptState:
        """Return the training after `epoch` epochs, trained again if need be."""
        kept = self.longest(epoch)
        if kept is not None and kept.epoch == epoch:
            return kept
        seen = self._seen
        if seen is not None and seen.epoch == epoch:
            return seen
        if seen is not None and seen.epoch < epoch:
            # Whoever looks at one epoch looks at the next: on from there.
            kept = seen if kept is None or kept.epoch < seen.epoch else kept
        came: list[KeptState] = []

        def after_epoch(kept: KeptState) -> bool:
            came.append(kept)
            return False

        with borrow(self._recipe, None if kept is None else kept.state) as fused:
            self._train(
                fused,
                kept,
                epoch,
                copy.deepcopy(self._unbegun),
                after_epoch=after_epoch,
                verbose=0,
            )
        self._seen = replace(came[-1], passing=_NOWHERE)
        return self._seen

    def seen_at(self, epoch: int) -> Seen:
        """Return history and state after `epoch` epochs."""
        kept = self.at(epoch)
        return kept.history, kept.state

    def go_on(
        self, found: KeptState | None, epochs: int, watch: Watch, verbose: int
    ) -> Resumed:
        """Train from `found` on to `epochs`, and keep what comes."""
        start = 0 if found is None else found.epoch
        keeper = EpochKeeper(self._memory, self.key, found)
        last = found

        def after_epoch(kept: KeptState) -> bool:
            nonlocal last
            last = kept
            end = kept.stopped or kept.epoch == epochs
            keeper.keep(kept, end)
            stop = watch.end(lambda: (kept.history, kept.state))
            if stop and not end:
                keeper.keep(kept, True)
            return stop

        shown: dict[str, Any] = {
            "epochs": epochs,
            "initial_epoch": start,
            "callbacks": self._callbacks,
            "verbose": verbose if start < epochs else 0,
        }
        try:
            with (
                showing_progress(self._recipe.owner, shown),
                keeper,
                borrow(self._recipe, None if found is None else found.state) as fused,
            ):
                _remember_kinds(self._recipe, fused)
                self._train(
                    fused,
                    found,
                    epochs,
                    shown["callbacks"],
                    before_epoch=watch.begin,
                    after_epoch=after_epoch,
                    verbose=shown["verbose"],
                )
                state = get_state(fused.network)
        except KeyboardInterrupt:
            if verbose:
                print(
                    f"{self._recipe.owner}: interrupted. {keeper.kept} of {epochs} "
                    f"epochs are kept in the memory {self._memory}; the same fit goes "
                    "on from there.",
                    flush=True,
                )
            raise
        assert last is not None  # epochs is at least 1
        # Without callbacks the memory's own arrays, so that they are there once.
        return state if self._callbacks else last.state, last.history, start

    def _train(
        self,
        fused: FusedNetwork,
        found: KeptState | None,
        epochs: int,
        callbacks: list[keras.callbacks.Callback],
        *,
        before_epoch: Callable[[], None] | None = None,
        after_epoch: Callable[[KeptState], bool],
        verbose: int,
    ) -> None:
        past = {} if found is None else found.history
        own = callbacks[: len(self._callbacks)]  # one more may show progress

        def begun() -> Logs | None:
            if found is None:
                return None
            callback_states.go_on(own, found.callbacks, past)
            return {name: values[-1] for name, values in past.items()}

        def look(history: dict[str, list[Any]]) -> bool:
            whole = {
                name: past.get(name, []) + values
                for name, values in floats_of(history).items()
            }
            return after_epoch(
                KeptState(
                    len(whole["loss"]),
                    get_state(fused.network),
                    whole,
                    callback_states.states_of(own),
                    bool(fused.network.stop_training),
                )
            )

        fused.fit(
            *self._arrays,
            **self._options,
            epochs=epochs,
            initial_epoch=0 if found is None else found.epoch,
            callbacks=callbacks,
            verbose=verbose,
            begun=begun,
            before_epoch=before_epoch,
            after_epoch=look,
        )

    def _kinds(self) -> Kinds:
        key = self._recipe.key
        with _lock:
            known = _kinds.get(key)
        if known is None:
            with borrow(self._recipe, None) as fused:
                known = _remember_kinds(self._recipe, fused)
        return replace(
            known,
            fit_callbacks=partial(callback_states.fit, self._callbacks),
            **_names_in_history(
                self._recipe, self._options["validation_data"] is not None
            ),
        )


def _names_in_history(recipe: NetworkRecipe, validated: bool) -> dict[str, Any]:
    """Return `names` and `scalars` of `Kinds`."""
    metrics = make_metrics(recipe.compile_options["metrics"], recipe.owner)
    names = ["loss", *(_name_of(each) for each in metrics)]
    of_objects = [_name_of(each) for each in metrics if _is_object(each)]
    known = {"scalars": frozenset(names).difference(of_objects)}
    if len(set(names)) < len(names):  # of which Keras changes some
        return known
    every = names + [f"val_{name}" for name in names if validated]
    return {**known, "names": frozenset(every)}


def _is_object(metric: Any) -> bool:
    """Tell whether a metric may give a vector; a function's mean is a number."""
    if isinstance(metric, str):
        return inspect.isclass(getattr(keras.metrics, metric, None))
    return isinstance(metric, keras.metrics.Metric)


def _name_of(metric: Any) -> str:
    if isinstance(metric, str):
        return metric
    return str(getattr(metric, "name", None) or metric.__name__)


_lock = threading.Lock()
_kinds: OrderedDict[Any, Kinds] = OrderedDict()


def _remember_kinds(recipe: NetworkRecipe, fused: FusedNetwork) -> Kinds:
    """Remember what the arrays of such a network are like, the last used at the end."""
    known = Kinds.of(fused.initial, fused.network)
    with _lock:
        _kinds[recipe.key] = known
        _kinds.move_to_end(recipe.key)
        while len(_kinds) > MAX_KINDS:
            _kinds.popitem(last=False)
    return known
