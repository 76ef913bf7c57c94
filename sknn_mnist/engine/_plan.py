"""What a training is to do, and what it left: one value each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import keras
import numpy as np

from sknn_mnist.engine._early_stopping import StopRule
from sknn_mnist.engine._nests import Nest, as_tuples, each_of, n_rows_of
from sknn_mnist.engine._network_state import State
from sknn_mnist.engine._watch import Watch
from sknn_mnist.memory._stores import Store
from sknn_mnist.networks._model_changes import Structure

__all__ = ["Samples", "Trained", "TrainingPlan"]


class Samples(NamedTuple):
    """Arrays of the same length, as the network and its loss take them.

    `x` and `y` may be nests of arrays, of networks with several inputs or outputs.
    """

    x: Nest
    y: Nest
    sample_weight: np.ndarray | None = None

    @property
    def n_rows(self) -> int:
        """How many samples there are."""
        return n_rows_of(self.x)

    def each(self, function: Callable[[np.ndarray], Any]) -> tuple[Nest, ...]:
        """Return what a function makes of each array, as a training step takes them.

        Weights are left out where there are none, and nests have tuples for lists.
        """
        given = self[:2] if self.sample_weight is None else self
        return tuple(each_of(function, as_tuples(part)) for part in given)


@dataclass(frozen=True)
class TrainingPlan:
    """One training: on what, how long, in which order, and who is told of it.

    Attributes
    ----------
    data : Samples
        What to train on.
    epochs : int
        Number of the epoch to stop before, counted from 0.
    initial_epoch : int, default=0
        Number of the epoch to start with; it takes part in seeding the epoch's order.
    batch_size : int, default=128
        Samples per step; the last batch of an epoch may be smaller.
    shuffle : bool, default=True
        Whether each epoch takes the samples in an order of its own.
    seed : int, default=0
        Seeds the orders.
    seeded : bool, default=True
        Whether the user gave the seed, so that the same training can be run
        again.
    validation_data : Samples or None, default=None
        Evaluated after each epoch.
    validation_batch_size : int or None, default=None
        Samples per step of that; None for as many as are computed well at once.
    callbacks : sequence of keras.callbacks.Callback, default=()
        Called as Keras calls them.
    verbose : {0, 1, 2}, default=0
        As in Keras, but that 1 is one line per fit.
    memory : Store or None, default=None
        Where states are kept, and found again by a later fit of the same training.
    stop_rule : StopRule or None, default=None
        When to stop before the last epoch; the best one is then what is left.
    watch : Watch
        Who is told of each epoch, of those found in the memory too; by default
        nobody.
    """

    data: Samples
    epochs: int
    initial_epoch: int = 0
    batch_size: int = 128
    shuffle: bool = True
    seed: int = 0
    seeded: bool = True
    validation_data: Samples | None = None
    validation_batch_size: int | None = None
    callbacks: Sequence[keras.callbacks.Callback] = ()
    verbose: int = 0
    memory: Store | None = None
    stop_rule: StopRule | None = None
    watch: Watch = field(default_factory=Watch)

    @property
    def n_batches(self) -> int:
        """Steps per epoch."""
        return -(-self.data.n_rows // self.batch_size)


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
        One value per epoch, from the first epoch after the state that was given.
    initial_epoch : int
        The first epoch that was trained; those before were found in the memory.
    best_epoch : int or None
        The epoch whose state it is, counted from 0, where a rule has chosen it.
    structure : Structure or None
        What the network was before any callback saw it, where its recipe runs code of
        the user's own, which may make another one when it is run again.
    """

    state: State | None
    model: keras.Model | None
    history: dict[str, list[Any]]
    initial_epoch: int
    best_epoch: int | None = None
    structure: Structure | None = None
