"""Training with a memory: goes on from the last kept epoch, and keeps those to come."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import replace
from typing import Any

import keras

from sknn_mnist.engine._batches import Logs
from sknn_mnist.engine._early_stopping import BestEpoch
from sknn_mnist.engine._kept_kinds import kinds_of, remember_kinds
from sknn_mnist.engine._loop import FusedNetwork
from sknn_mnist.engine._network_state import get_state, set_state
from sknn_mnist.engine._plan import Trained, TrainingPlan
from sknn_mnist.engine._pool import borrow
from sknn_mnist.engine._progress import showing_progress
from sknn_mnist.engine._watch import Look, Watch
from sknn_mnist.memory import _callback_states as callback_states
from sknn_mnist.memory._epochs import EpochKeeper
from sknn_mnist.memory._fingerprints import training_key
from sknn_mnist.memory._past_epochs import see_past_epochs
from sknn_mnist.memory._states import KeptState, Kinds
from sknn_mnist.memory._stores import Store
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["train_with_memory"]


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
    if found is None:
        return training.go_on(None, plan, training.best_of({}))
    best = training.best_of(found.history)
    ends = found.stopped or found.epoch == plan.epochs
    n_epochs = found.epoch
    if best is not None and best.stopped:
        n_epochs, ends = best.n_seen, True
    # Where training goes on, the line of progress tells what was found.
    if plan.verbose and (plan.verbose == 2 or ends):
        print(f"Epoch {n_epochs}/{plan.epochs}: found in the memory {memory}")
    for epoch in range(n_epochs):
        plan.watch.begin()
        if plan.watch.end(training.look_at(epoch, found)):
            n_epochs, ends = epoch + 1, True
            best = training.best_of(found.history_until(n_epochs))
            break
    if ends:
        return training.end(found, n_epochs, plan, best)
    return training.go_on(found, plan, best)


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
        changing = callback_states.changing(plan.callbacks)
        # Copied before they begin.
        self._unbegun = callback_states.copies_for_a_replay(changing)
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
        if changing:
            configs = callback_states.configs_of(changing)
            self.key = hashlib.sha256(f"{self.key} {configs!r}".encode()).hexdigest()

    def longest(self, epochs: int) -> KeptState | None:
        """Return what is kept after the most epochs up to `epochs`."""
        found = self._memory.longest(self.key, epochs, self._kinds)
        while found is not None:
            shared = callback_states.epochs_shared(self._plan.callbacks, found.history)
            if shared == found.epoch:
                break
            found = self._memory.longest(self.key, shared, self._kinds)
        return found

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

    def look_at(self, epoch: int, found: KeptState) -> Look:
        """Return what there is to see after an epoch up to that which was found."""
        return Look(
            epoch,
            lambda: found.history_until(epoch + 1),
            lambda: self.at(epoch + 1).state,
        )

    def best_of(self, history: dict[str, list[Any]]) -> BestEpoch | None:
        """Return the rule's judge, which has seen a history; None without a rule."""
        plan, owner = self._plan, self._recipe.owner
        if plan.stop_rule is None:
            return None

        def metrics() -> list[keras.metrics.Metric]:
            with borrow(self._recipe, None) as fused:
                fused.names_in_logs(plan, owner)
                return list(fused.network.metrics)

        best = BestEpoch(plan.stop_rule, owner, metrics)
        for epoch in range(len(history.get("loss", ()))):
            logs = {name: values[epoch] for name, values in history.items()}
            if best.see(epoch, logs):
                break
        return best

    def end(
        self,
        found: KeptState,
        n_epochs: int,
        plan: TrainingPlan,
        best: BestEpoch | None,
    ) -> Trained:
        """Return what a fit of so many epochs leaves, all of which were found."""
        if plan.callbacks:  # they end, which may put other weights back
            plan = replace(plan, epochs=n_epochs, watch=Watch())
            return self.go_on(self.at(n_epochs), plan, best)
        last = found
        if best is not None:
            last = self._best_state(best)
            if found.epoch == n_epochs:
                self._keep_for_good(found)
        elif found.epoch != n_epochs:
            last = self.at(n_epochs)
        self._keep_for_good(last)
        history = found.history_until(n_epochs)
        return Trained(
            last.state, None, history, n_epochs, None if best is None else best.epoch
        )

    def _best_state(self, best: BestEpoch) -> KeptState:
        assert best.epoch is not None  # it has seen one
        found: KeptState = best.held or self.at(best.epoch + 1)
        return found

    def _keep_for_good(self, found: KeptState) -> None:
        """Keep the epoch that a fit ends with, since it may be asked for again."""
        if found.passing is not None:
            self._memory.put(self.key, found, None, [(found.epoch, found.passing)])
        elif found is self._seen:
            self._memory.put(self.key, found)

    def go_on(
        self, found: KeptState | None, plan: TrainingPlan, best: BestEpoch | None
    ) -> Trained:
        """Train from `found` on to the plan's end, and keep what comes."""
        owner = self._recipe.owner
        start = 0 if found is None else found.epoch
        if best is not None and best.epoch is not None:
            # As it was kept; where it was not, it is trained again if it is needed.
            kept = self.longest(best.epoch + 1)
            if kept is not None and kept.epoch == best.epoch + 1:
                best.held = kept
        keeper = EpochKeeper(
            self._memory, self.key, found, None if best is None else best.held
        )
        epochs = _KeptEpochs(found, keeper, plan, best)
        shows = plan.verbose if start < plan.epochs else 0
        try:
            with (
                showing_progress(
                    owner, replace(plan, initial_epoch=start, verbose=shows)
                ) as shown,
                keeper,
                borrow(self._recipe, None if found is None else found.state) as fused,
            ):
                remember_kinds(self._recipe, fused)
                if best is not None and start < plan.epochs:
                    best.prepare(fused.names_in_logs(plan, owner))
                self._train(fused, found, shown, epochs)
                state = get_state(fused.network)
                if best is not None and best.held is not None:
                    keeper.keep_best(best.held)
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
        if best is not None:
            chosen = self._best_state(best)
            if best.held is None:  # nor kept yet
                self._keep_for_good(chosen)
            return Trained(chosen.state, None, last.history, start, best.epoch)
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
        own = callback_states.changing(plan.callbacks)

        def put_state(epoch: int) -> None:
            assert found is not None
            kept = found if epoch == found.epoch else self.at(epoch)
            set_state(fused.network, kept.state)

        def resume() -> Logs | None:
            if found is None:
                return None
            callback_states.go_on(own, found.callbacks)
            if len(own) < len(plan.callbacks):
                fused.names_in_logs(plan, self._recipe.owner)  # builds its metrics
                see_past_epochs(plan.callbacks, past, fused.network, put_state)
            return {name: values[-1] for name, values in past.items()}

        def after_epoch(look: Look) -> bool:
            added = look.history
            whole = {name: past.get(name, []) + each for name, each in added.items()}
            return epochs.add(
                KeptState(
                    len(whole["loss"]),
                    look.state,
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
        plan = self._plan
        validated = plan.validation_data is not None
        changing = callback_states.changing(plan.callbacks)
        return kinds_of(self._recipe, changing, validated)


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
        self,
        found: KeptState | None,
        keeper: EpochKeeper,
        plan: TrainingPlan,
        best: BestEpoch | None,
    ) -> None:
        super().__init__(found)
        self._keeper = keeper
        self._plan = plan
        self._best = best

    def add(self, kept: KeptState) -> bool:
        """Keep the state after one more epoch; stop where watch or rule say so."""
        self.last = kept
        look = Look(kept.epoch - 1, lambda: kept.history, lambda: kept.state)
        best = self._best
        stop = best is not None and best.see(look.epoch, look.logs, lambda: kept)
        is_best = best is not None and best.held is kept
        ends = stop or kept.stopped or kept.epoch == self._plan.epochs
        shared = callback_states.epochs_shared(self._plan.callbacks, kept.history)
        keeps = shared == kept.epoch
        if keeps:
            self._keeper.keep(kept, ends, is_best)
        watched = self._plan.watch.end(look)
        if watched and keeps and not ends:
            self._keeper.keep(kept, True, is_best)
        return stop or watched
