"""What a fit is to do, by its parameters, and what it knows when it is done."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from sknn_mnist._loans import Borrower
from sknn_mnist.engine._early_stopping import StopRule
from sknn_mnist.engine._owned_network import OwnedNetwork
from sknn_mnist.engine._plan import Samples, Trained, TrainingPlan
from sknn_mnist.engine._watch import Look, Watch
from sknn_mnist.estimators._callbacks import make_callbacks
from sknn_mnist.estimators._fit_parameters import as_int
from sknn_mnist.estimators._held_out import HoldsOut
from sknn_mnist.estimators._sklearn_callbacks import EpochTasks
from sknn_mnist.memory._stores import open_memory

__all__ = ["PlansTraining"]

# What `keras.Model.fit` takes batch_size=None for.
KERAS_BATCH = 32


class PlansTraining(Borrower, HoldsOut):
    """The plan of a training, and its history."""

    _epoch_tasks: EpochTasks
    _seed: int

    @property
    def _is_in_fit(self) -> bool:
        """Whether `fit` is at work, and not `partial_fit`."""
        return hasattr(self, "_epoch_tasks")

    def _plan(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        initial_epoch: int,
        epochs: int,
    ) -> TrainingPlan:
        """Return what to train on, and how, by the parameters."""
        owner = type(self).__name__
        (X, y, sample_weight), held_out = self._hold_out(X, y, sample_weight)
        batch_size = self._setting("batch_size")
        return TrainingPlan(
            Samples(*self._weighed(X, y, self._weigh(y, sample_weight))),
            epochs=epochs,
            initial_epoch=initial_epoch,
            batch_size=KERAS_BATCH if batch_size is None else batch_size,
            shuffle=self._setting("shuffle"),
            seed=self._seed,
            seeded=isinstance(self._lent("seed", self.random_state), Integral),
            validation_data=held_out,
            validation_batch_size=self._validation_batch_size(),
            callbacks=make_callbacks(self._callbacks_given(), owner),
            verbose=as_int(self._setting("verbose")),
            memory=open_memory(self._lent("memory", self.memory), owner),
            stop_rule=self._stop_rule(),
            watch=self._watching(initial_epoch),
        )

    def _stop_rule(self) -> StopRule | None:
        """Return when to stop; None where all epochs are trained."""
        if not self.early_stopping:
            return None
        return StopRule(self.monitor, float(self.tol), int(self.n_iter_no_change))

    def _validation_batch_size(self) -> int | None:
        """Return the samples per step of the validation; None for the engine's."""
        return None

    def _remember_course(self, trained: Trained, initial_epoch: int) -> None:
        """Set the attributes that tell how training went."""
        self.initial_epoch_ = trained.initial_epoch
        self.history_ = self._whole_history(trained.history, initial_epoch)
        self.n_iter_ = len(self.history_["loss"])
        for name in ("best_epoch_", "best_score_"):
            self.__dict__.pop(name, None)
        if trained.best_epoch is not None:
            self.best_epoch_ = trained.best_epoch
            self.best_score_ = float(self.history_[self.monitor][self.best_epoch_])

    def _whole_history(
        self, added: dict[str, list[Any]], initial_epoch: int
    ) -> dict[str, list[Any]]:
        """Return the history before, if training went on from it, and what came."""
        past = getattr(self, "history_", {}) if initial_epoch else {}
        unknown = [float("nan")]
        return {
            name: past.get(name, unknown * initial_epoch)
            + added.get(name, unknown * len(added["loss"]))
            for name in [*added, *(name for name in past if name not in added)]
        }

    def _watching(self, initial_epoch: int) -> Watch:
        """Return what tells scikit-learn's callbacks of the epochs of `fit`.

        And what ends it when the time of a search is over.
        """
        if not self._is_in_fit:  # partial_fit is one epoch and no task
            return Watch()
        tasks = self._epoch_tasks
        network = self._network

        def after_epoch(look: Look) -> bool:
            def attributes() -> dict[str, Any]:
                history = self._whole_history(look.history, initial_epoch)
                return {
                    "_network": OwnedNetwork(network.recipe, look.state),
                    "history_": history,
                    "initial_epoch_": initial_epoch,
                    "n_iter_": len(history["loss"]),
                    "callbacks_": [],
                }

            return tasks.end(attributes)

        def before_epoch() -> None:
            self._check_time()
            tasks.begin()

        return Watch(before_epoch, after_epoch)
