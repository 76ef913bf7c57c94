"""What a fitted estimator owns of its network: the recipe and the arrays.

A `keras.Model` of the estimator's own is made when somebody asks for it, and is the
truth from then on, since its holder may change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from sknn_mnist import _training
from sknn_mnist._engine import State, get_state, set_state
from sknn_mnist._pool import Forward, forward_of
from sknn_mnist._recipes import NetworkRecipe

__all__ = ["OwnedNetwork"]


class OwnedNetwork:
    """A network as its recipe and the state that training left.

    Parameters
    ----------
    recipe : NetworkRecipe
        How to make it.
    state : dict or None
        What `get_state` gave; None for the seed's initial state. Without
        ``"optimizer"`` the optimizer starts anew.
    model : keras.Model or None
        The network itself, where one was made for this owner alone.
    """

    def __init__(
        self,
        recipe: NetworkRecipe,
        state: State | None = None,
        model: keras.Model | None = None,
    ) -> None:
        self.recipe = recipe
        self._state = state
        self._model = model
        self._forward: Forward | None = None
        self._optimizer = None if model is None else model.optimizer

    @property
    def model(self) -> keras.Model:
        """The network, compiled, with its optimizer's state."""
        if self._model is None:
            model = self.recipe.new_network()
            if self._state is not None:
                set_state(
                    model, {"optimizer": get_state(model)["optimizer"], **self._state}
                )
            self._model, self._state, self._optimizer = model, None, model.optimizer
        return self._model

    @property
    def state(self) -> State | None:
        """The arrays; None before any training."""
        if self._model is None:
            return self._state
        state = get_state(self._model)
        if self._model.optimizer is not self._optimizer:
            del state["optimizer"]  # its holder has compiled it anew
        return state

    def compiled_with(
        self, compile_options: Mapping[str, Any], new_optimizer: bool
    ) -> OwnedNetwork:
        """Return the network with other settings for `compile`, weights kept.

        An optimizer that stays keeps its state, and takes the new learning rate.
        """
        recipe = self.recipe.compiled_with(compile_options)
        state = self.state
        if state is None:
            return OwnedNetwork(recipe)
        if new_optimizer:
            return OwnedNetwork(recipe, {"network": state["network"]})
        if recipe.initial_learning_rate != self.recipe.initial_learning_rate:
            model = recipe.new_network()
            set_state(model, state)
            model.optimizer.learning_rate = recipe.initial_learning_rate
            state = get_state(model)
        return OwnedNetwork(recipe, state)

    def trained(
        self, *arrays: Any, **options: Any
    ) -> tuple[OwnedNetwork, _training.Trained]:
        """Return a network trained further, and what its training left; this stays."""
        trained = _training.train(self.recipe, self.state, *arrays, **options)
        return OwnedNetwork(self.recipe, trained.state, trained.model), trained

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the outputs for all rows of `x`."""
        if self._forward is None:
            self._forward = forward_of(self.recipe)
        values = self.model.variables if self._state is None else self._state["network"]
        return self._forward([np.asarray(value) for value in values], x)

    def is_finite(self) -> bool:
        """Tell whether all weights are finite."""
        state = self.state
        return state is None or all(
            np.isfinite(value).all() for value in state["network"]
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"recipe": self.recipe, "state": self.state}

    def __setstate__(self, stored: dict[str, Any]) -> None:
        self.__init__(stored["recipe"], stored["state"])  # type: ignore[misc]
