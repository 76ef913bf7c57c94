"""Training with a memory: goes on from the last kept epoch, and keeps those to come."""

from __future__ import annotations

import copy
import hashlib
import inspect
import threading
from collections import OrderedDict
from dataclasses import replace
from functools import partial
from typing import Any

import keras

from sknn_mnist._array_kinds import kind_of
from sknn_mnist.engine._batches import Logs
from sknn_mnist.engine._loop import FusedNetwork
from sknn_mnist.engine._network_state import get_state
from sknn_mnist.engine._plan import Trained, TrainingPlan
from sknn_mnist.engine._pool import borrow
from sknn_mnist.engine._progress import showing_progress
from sknn_mnist.engine._watch import Look, Seen, Watch
from sknn_mnist.memory import _callback_states as callback_states
from sknn_mnist.memory._epochs import EpochKeeper
from sknn_mnist.memory._fingerprints import training_key
from sknn_mnist.memory._states import KeptState, Kinds
from sknn_mnist.memory._stores import Store
from sknn_mnist.networks._compile_settings import is_by_output, made_metrics
from sknn_mnist.networks._recipes import NetworkRecipe, array_kinds_of

__all__ = ["train_with_memory"]

# Most networks whose kinds of arrays are remembered; some hundred bytes per variable.
MAX_KINDS = 256


def train_with_memory(
    recipe: NetworkRecipe, plan: TrainingPlan, memory: Store
) -> Trained:
    """Train from the last kept state of the same training, and keep epochs of it.

    Parameters
    ----------
    recipe : NetworkRecipe
        The network; its key must not be None.
    plan : TrainingPlan
        From the first epoch on, with callbacks that `_callback_states.obstacle_of` has
        nothing against.
    memory : Store
        Where states are kept.

    Returns
    -------
    Trained
        Its history is whole, from the first epoch on.
    """
    training = _Training(recipe, plan, memory)
    found = training.longest(plan.epochs)
    start = 0 if found is None else found.epoch
    ends = found is not None and (found.stopped or start == plan.epochs)
    # Where training goes on, the line of progress tells what was found.
    shows_line = plan.verbose == 1 and not ends
    if found is not None and plan.verbose and not shows_line:
        print(f"Epoch {start}/{plan.epochs}: found in the memory {memory}")
    for epoch in range(1, start + 1):
        plan.watch.begin()
        if plan.watch.end(partial(training.seen_at, epoch)):
            found, ends = training.at(epoch), True
            break
    if found is None or not ends:
        return training.go_on(found, plan)
    training.keep_for_good(found)
    if plan.callbacks:  # they end, which may put other weights back
        return training.go_on(found, replace(plan, epochs=found.epoch, watch=Watch()))
    return Trained(found.state, None, found.history, found.epoch)


class _Training:
    """One training, whatever epochs of it are asked for.

    Parameters
    ----------
    recipe : NetworkRecipe
        The network.
    plan : TrainingPlan
        What identifies the training, its epochs and its watch aside.
    memory : Store
        Where states are kept.
    """

    def __init__(
        self, recipe: NetworkRecipe, plan: TrainingPlan, memory: Store
    ) -> None:
        self._recipe = recipe
        self._plan = plan
        self._memory = memory
        # Copied before they begin.
        self._unbegun = callback_states.copies_for_a_replay(plan.callbacks)
        self._seen: KeptState | None = None  # trained again to be seen, and not kept
        self.key = training_key(
            recipe,
            plan.data,
            plan.validation_data,
            batch_size=plan.batch_size,
            shuffle=plan.shuffle,
            seed=plan.seed,
            validation_batch_size=None
            if plan.validation_data is None
            else plan.validation_batch_size,
        )
        if plan.callbacks:
            configs = callback_states.configs_of(plan.callbacks)
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
        again = replace(
            self._plan,
            epochs=epoch,
            callbacks=copy.deepcopy(self._unbegun),
            verbose=0,
            watch=Watch(),
        )
        epochs = _Epochs(None)
        with borrow(self._recipe, None if kept is None else kept.state) as fused:
            self._train(fused, kept, again, epochs)
        self._seen = epochs.last
        assert self._seen is not None  # at least one epoch was missing
        return self._seen

    def seen_at(self, epoch: int) -> Seen:
        """Return history and state after `epoch` epochs."""
        kept = self.at(epoch)
        return Seen(kept.history, kept.state)

    def keep_for_good(self, found: KeptState) -> None:
        """Keep the epoch that a fit ends with, since it may be asked for again."""
        if found.passing is not None:
            self._memory.put(self.key, found, None, [(found.epoch, found.passing)])
        elif found is self._seen:
            self._memory.put(self.key, found)

    def go_on(self, found: KeptState | None, plan: TrainingPlan) -> Trained:
        """Train from `found` on to the plan's end, and keep what comes."""
        owner = self._recipe.owner
        start = 0 if found is None else found.epoch
        keeper = EpochKeeper(self._memory, self.key, found)
        epochs = _KeptEpochs(found, keeper, plan)
        shows = plan.verbose if start < plan.epochs else 0
        try:
            with (
                showing_progress(
                    owner, replace(plan, initial_epoch=start, verbose=shows)
                ) as shown,
                keeper,
                borrow(self._recipe, None if found is None else found.state) as fused,
            ):
                _remember_kinds(self._recipe, fused)
                self._train(fused, found, shown, epochs)
                state = get_state(fused.network)
        except KeyboardInterrupt:
            if plan.verbose:
                print(
                    f"{owner}: interrupted. {keeper.kept} of {plan.epochs} epochs are "
                    f"kept in the memory {self._memory}; the same fit goes on from "
                    "there.",
                    flush=True,
                )
            raise
        last = epochs.last
        assert last is not None  # epochs is at least 1
        # Without callbacks the memory's own arrays, so that they exist once.
        state = state if plan.callbacks else last.state
        return Trained(state, None, last.history, start)

    def _train(
        self,
        fused: FusedNetwork,
        found: KeptState | None,
        plan: TrainingPlan,
        epochs: _Epochs,
    ) -> None:
        """Train from `found` on to the plan's end, and hand each epoch to `epochs`."""
        past = {} if found is None else found.history
        own = plan.callbacks[: len(self._plan.callbacks)]  # one more may show progress

        def resume() -> Logs | None:
            if found is None:
                return None
            callback_states.go_on(own, found.callbacks, past)
            return {name: values[-1] for name, values in past.items()}

        def after_epoch(look: Look) -> bool:
            added, state = look()
            whole = {name: past.get(name, []) + each for name, each in added.items()}
            return epochs.add(
                KeptState(
                    len(whole["loss"]),
                    state,
                    whole,
                    callback_states.states_of(own),
                    bool(fused.network.stop_training),
                )
            )

        fused.fit(
            replace(
                plan,
                initial_epoch=0 if found is None else found.epoch,
                watch=replace(plan.watch, after_epoch=after_epoch),
            ),
            self._recipe.owner,
            resume,
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
            match_callbacks=partial(callback_states.match, self._plan.callbacks),
            **_names_in_history(self._recipe, self._plan.validation_data is not None),
        )


class _Epochs:
    """The epochs of a training as they come; the last is remembered."""

    def __init__(self, last: KeptState | None) -> None:
        self.last = last

    def add(self, kept: KeptState) -> bool:
        """Take the state after one more epoch; return whether to stop."""
        self.last = kept
        return False


class _KeptEpochs(_Epochs):
    """The epochs of a fit as they come, kept in the memory and shown to its watch."""

    def __init__(
        self, found: KeptState | None, keeper: EpochKeeper, plan: TrainingPlan
    ) -> None:
        super().__init__(found)
        self._keeper = keeper
        self._plan = plan

    def add(self, kept: KeptState) -> bool:
        """Keep the state after one more epoch; stop where the watch says so."""
        self.last = kept
        ends = kept.stopped or kept.epoch == self._plan.epochs
        self._keeper.keep(kept, ends)
        stop = self._plan.watch.end(lambda: Seen(kept.history, kept.state))
        if stop and not ends:
            self._keeper.keep(kept, True)
        return stop


def _names_in_history(recipe: NetworkRecipe, validated: bool) -> dict[str, Any]:
    """Return `names` and `scalars` of `Kinds`, where they are known."""
    given = recipe.compile_options
    assert given is not None  # the recipe has a key
    metrics = made_metrics(given["metrics"], recipe.owner) or []
    # Keras names those of several outputs by these, and counts weighted ones as well.
    several = not isinstance(metrics, list) or any(
        isinstance(each, list) for each in metrics
    )
    if several or is_by_output(given["loss"]) or isinstance(given["loss"], list):
        return {}
    if given.get("weighted_metrics"):
        return {}
    names = ["loss", *(_name_of(each) for each in metrics)]
    of_objects = [_name_of(each) for each in metrics if _is_object(each)]
    known = {"scalars": frozenset(names).difference(of_objects)}
    if len(set(names)) < len(names):  # of equal ones Keras renames some
        return known
    every = names + [f"val_{name}" for name in names if validated]
    return {**known, "names": frozenset(every)}


def _is_object(metric: Any) -> bool:
    """Tell whether a metric may give a vector; of a function Keras takes the mean."""
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
    network = fused.network
    known = Kinds(array_kinds_of(network), [kind_of(each) for each in network.weights])
    with _lock:
        _kinds[recipe.key] = known
        _kinds.move_to_end(recipe.key)
        while len(_kinds) > MAX_KINDS:
            _kinds.popitem(last=False)
    return known
