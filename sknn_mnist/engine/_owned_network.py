"""What a fitted estimator owns of its network: the recipe and the arrays.

A `keras.Model` is made when the user asks for it, and is authoritative from then on,
since the user may change it. Where more than its values was changed, recipe and arrays
no longer describe it: it predicts by itself, and what needs them refuses.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from sknn_mnist.engine import _training
from sknn_mnist.engine._forward import Forward, forward_of
from sknn_mnist.engine._nests import Nest
from sknn_mnist.engine._network_state import State, get_state, set_state
from sknn_mnist.engine._plan import Trained, TrainingPlan
from sknn_mnist.engine._pool import borrow
from sknn_mnist.engine._specs import outputs_of_recipe
from sknn_mnist.engine._user_model import ChangedNetworkError, UserModel
from sknn_mnist.networks._conditions import conditions
from sknn_mnist.networks._forks import check_not_forked
from sknn_mnist.networks._model_changes import Change, Structure
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["ChangedNetworkError", "OwnedNetwork"]


class OwnedNetwork:
    """A network as its recipe and the state that training left.

    Threads may share it: whoever asks first has the model made, once.

    Parameters
    ----------
    recipe : NetworkRecipe
        How to make it.
    state : dict or None
        What `get_state` gave; None for the seed's initial state. Without
        ``"optimizer"`` the optimizer starts anew.
    model : keras.Model or None
        The network itself, where one was made for this owner alone.
    structure : Structure or None
        What that was before anybody could change it; None where the recipe makes it
        again, which is asked only if need be.
    """

    def __init__(
        self,
        recipe: NetworkRecipe,
        state: State | None = None,
        model: keras.Model | None = None,
        structure: Structure | None = None,
    ) -> None:
        if recipe.initial is not None and (state is not None or model is not None):
            # Trained values took their place, and pickles need not have both.
            recipe = replace(recipe, initial=None)
        self.recipe = recipe
        # The model has the state, once there is one: both change under the lock.
        self._lock = threading.RLock()
        self._state = state
        self._model = None if model is None else UserModel(model, structure)
        self._forwards: dict[Any, tuple[Any, Forward]] = {}

    @property
    def model(self) -> keras.Model:
        """The network, compiled, with its optimizer's state."""
        return self._make_model().model

    @property
    def state(self) -> State | None:
        """The arrays; None before any training.

        Raises
        ------
        ChangedNetworkError
            When they are not those of the recipe's network any more.
        """
        state, model = self._now()
        if model is None:
            return state
        change = model.change(self.recipe)
        if change is not None:
            raise ChangedNetworkError(
                f"The model_ of {self.recipe.owner} is no longer the network that its "
                f"parameters make ({change.what}): it predicts as it is now, but the "
                "estimator can't train it further, save, pickle or copy it. Use "
                'model_.fit and model_.save("net.keras"), undo the change, or fit a '
                "sklearn.base.clone of the estimator to start anew."
            )
        return model.state()

    def compiled_with(
        self,
        compile_options: Mapping[str, Any],
        new_optimizer: bool,
        new_rate: bool = False,
    ) -> OwnedNetwork:
        """Return the network with other settings for `compile`, weights kept.

        An optimizer that stays keeps its state, and takes the new learning rate. Where
        a schedule gives that, before or after, it starts anew: it has other variables.
        """
        recipe = self.recipe.compiled_with(compile_options)
        state = self.state
        if state is None:
            return OwnedNetwork(recipe)
        rates = (self.recipe.initial_learning_rate, recipe.initial_learning_rate)
        if new_optimizer or (new_rate and None in rates):
            return OwnedNetwork(recipe, {"network": state["network"]})
        if rates[0] != rates[1]:
            # By a network of the pool, which the next training takes anyway.
            with borrow(recipe, state) as fused:
                fused.network.optimizer.learning_rate = recipe.initial_learning_rate
                state = get_state(fused.network)
        return OwnedNetwork(recipe, state)

    def trained(self, plan: TrainingPlan) -> tuple[OwnedNetwork, Trained]:
        """Return a network trained further, and what its training left; this stays."""
        trained = _training.train(self.recipe, self.state, plan)
        network = OwnedNetwork(
            self.recipe, trained.state, trained.model, trained.structure
        )
        return network, trained

    def predict(self, x: Nest, most_rows: int | None = None) -> Nest:
        """Return the outputs for all rows of `x`.

        Parameters
        ----------
        x : ndarray, or list, tuple or dict of ndarrays
            What the network takes.
        most_rows : int or None, default=None
            Most rows to compute at once, as far as that leaves the outputs' bits as
            they are; None for as many as are computed well.

        Returns
        -------
        ndarray, or list, tuple or dict of ndarrays
            What the network gives.

        Raises
        ------
        ChangedNetworkError
            When the network became one that has no such outputs.
        """
        values, changed = self._values()
        if changed is not None:
            model, change = changed
            return model.predict(x, self.recipe, change)
        return self._compiled()(values, x, most_rows)

    def outputs_of(
        self, layer: str | int, x: Nest, most_rows: int | None = None
    ) -> Nest:
        """Return the outputs of a layer within, for all rows of `x`.

        Parameters
        ----------
        layer : str or int
            Name or number of one of the network's layers.
        x, most_rows : ndarray or nest of ndarrays, int or None
            As in `predict`.

        Returns
        -------
        ndarray, or list, tuple or dict of ndarrays
            What the layer gives where the network calls it first.

        Raises
        ------
        ValueError
            When the network has no such layer, or is no graph of layers.
        """
        values, changed = self._values()
        if changed is not None:
            model, change = changed
            return model.outputs_of(layer, x, self.recipe, change)
        _, held = self._now()
        if held is not None:
            # Keras may number names anew in each network of the recipe.
            names = [each.name for each in held.model.layers]
            layer = names.index(layer) if layer in names else layer
        return self._compiled(layer)(values, x, most_rows)

    def _values(self) -> tuple[list[np.ndarray], tuple[UserModel, Change] | None]:
        """Return the variables' values; and the model, if it is not the recipe's."""
        state, model = self._now()
        if model is None and state is None:
            model = self._make_model()
        if model is None:
            assert state is not None
            return state["network"], None
        change = model.change(self.recipe)
        if change is not None and change.in_outputs:
            return [], (model, change)
        return model.values(), None

    def _compiled(self, layer: str | int | None = None) -> Forward:
        """Return the recipe's compiled prediction, under the settings of now."""
        now = conditions()
        found = self._forwards.get(layer)
        if found is None or found[0] != now:
            self._forwards[layer] = found = now, forward_of(self.recipe, layer)
        return found[1]

    def is_finite(self) -> bool:
        """Tell whether all weights are finite."""
        state, model = self._now()
        if model is not None:
            return all(np.isfinite(value).all() for value in model.values())
        return state is None or all(
            np.isfinite(value).all() for value in state["network"]
        )

    def _now(self) -> tuple[State | None, UserModel | None]:
        """Return the state and the model, read together."""
        check_not_forked()  # a lock taken before a fork stays locked
        with self._lock:
            return self._state, self._model

    def _make_model(self) -> UserModel:
        """Return the model, made on first use."""
        check_not_forked()
        with self._lock:
            if self._model is None:
                model = self.recipe.new_network()
                if self._state is not None:
                    initial = get_state(model)["optimizer"]
                    set_state(model, {"optimizer": initial, **self._state})
                structure = Structure(model, outputs_of_recipe(self.recipe, model))
                self._model, self._state = UserModel(model, structure), None
            return self._model

    def __getstate__(self) -> dict[str, Any]:
        return {"recipe": self.recipe, "state": self.state}

    def __setstate__(self, stored: dict[str, Any]) -> None:
        self.__init__(stored["recipe"], stored["state"])  # type: ignore[misc]
