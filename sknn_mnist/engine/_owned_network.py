"""What a fitted estimator owns of its network: the recipe and the arrays.

A `keras.Model` is made when the user asks for it, and is authoritative from then on,
since the user may change it. Where more than its values was changed, recipe and arrays
no longer describe it: it predicts by itself, and what needs them refuses.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from sknn_mnist._messages import one_line
from sknn_mnist.engine import _training
from sknn_mnist.engine._forward import Forward, forward_of
from sknn_mnist.engine._network_state import State, get_state, set_state
from sknn_mnist.engine._plan import Trained, TrainingPlan
from sknn_mnist.engine._pool import borrow
from sknn_mnist.engine._row_blocks import find_sizes, in_blocks
from sknn_mnist.networks._conditions import conditions
from sknn_mnist.networks._forks import check_not_forked
from sknn_mnist.networks._model_changes import Change, Origin, Structure
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["ChangedNetworkError", "OwnedNetwork"]

# Most rows per call of a network that is no longer its recipe's.
ROWS_PER_CALL = 64


class ChangedNetworkError(ValueError, TypeError):
    """A `model_` that the user made into another network than its recipe's.

    Both errors at once: `fit` refuses a value, `save` and `pickle` refuse a type.
    """


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
    """

    def __init__(
        self,
        recipe: NetworkRecipe,
        state: State | None = None,
        model: keras.Model | None = None,
    ) -> None:
        self.recipe = recipe
        # The model has the state, once there is one: both change under the lock.
        self._lock = threading.RLock()
        self._state = state
        self._model = None if model is None else _UserModel(model)
        self._forward: tuple[Any, Forward] | None = None

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
        return OwnedNetwork(self.recipe, trained.state, trained.model), trained

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the outputs for all rows of `x`.

        Raises
        ------
        ChangedNetworkError
            When the network became one that has no such outputs.
        """
        state, model = self._now()
        if model is None and state is None:
            model = self._make_model()
        if model is None:
            assert state is not None
            values = state["network"]
        else:
            change = model.change(self.recipe)
            if change is not None and change.in_outputs:
                return model.predict(x, self.recipe, change)
            values = model.values()
        return self._compiled()(values, x)

    def _compiled(self) -> Forward:
        """Return the recipe's compiled prediction, under the settings of now."""
        now = conditions()
        found = self._forward
        if found is None or found[0] != now:
            self._forward = found = now, forward_of(self.recipe)
        return found[1]

    def is_finite(self) -> bool:
        """Tell whether all weights are finite."""
        state, model = self._now()
        if model is not None:
            return all(np.isfinite(value).all() for value in model.values())
        return state is None or all(
            np.isfinite(value).all() for value in state["network"]
        )

    def _now(self) -> tuple[State | None, _UserModel | None]:
        """Return the state and the model, read together."""
        check_not_forked()  # a lock taken before a fork stays locked
        with self._lock:
            return self._state, self._model

    def _make_model(self) -> _UserModel:
        """Return the model, made on first use."""
        check_not_forked()
        with self._lock:
            if self._model is None:
                model = self.recipe.new_network()
                if self._state is not None:
                    initial = get_state(model)["optimizer"]
                    set_state(model, {"optimizer": initial, **self._state})
                self._model, self._state = _UserModel(model, Structure(model)), None
            return self._model

    def __getstate__(self) -> dict[str, Any]:
        return {"recipe": self.recipe, "state": self.state}

    def __setstate__(self, stored: dict[str, Any]) -> None:
        self.__init__(stored["recipe"], stored["state"])  # type: ignore[misc]


class _UserModel:
    """A model that the user may hold, and what it was when it was made."""

    def __init__(self, model: keras.Model, structure: Structure | None = None) -> None:
        self.model = model
        self._structure = structure
        self._sizes: tuple[Change, tuple[int, ...]] | None = None
        self._origin = Origin.of(model)

    def change(self, recipe: NetworkRecipe) -> Change | None:
        """Return what makes it another network than the recipe's, if anything does."""
        if self._structure is None:
            # The user's own callbacks saw it in fit, and may have changed it.
            self._structure = Structure(recipe.new_network(compiled=False))
        changes = self._structure.changes(self.model, self._origin)
        return changes[0] if changes else None

    def values(self) -> list[np.ndarray]:
        return [np.asarray(variable) for variable in self.model.variables]

    def state(self) -> State:
        """Return the arrays of a model that is its recipe's."""
        if self.model.optimizer is self._origin.optimizer:
            return get_state(self.model)
        # The user has compiled it anew.
        return {"network": [np.array(value) for value in self.values()]}

    def predict(
        self, x: np.ndarray, recipe: NetworkRecipe, change: Change
    ) -> np.ndarray:
        """Return the outputs of a model that is not its recipe's."""
        try:
            outputs = self._outputs(x, change)
        except Exception as err:
            raise _unfit(recipe, change, f"fails ({_said(err)})") from err
        structure = self._structure
        assert structure is not None
        expected = (len(x), structure.n_outputs)
        if getattr(outputs, "shape", None) != expected:
            found = getattr(outputs, "shape", type(outputs).__name__)
            raise _unfit(recipe, change, f"gives {found} for outputs of {expected}")
        outputs = outputs.astype(x.dtype, copy=False)
        # NaN passes these comparisons, as it does elsewhere.
        if structure.is_fraction and ((outputs < -1e-3) | (outputs > 1 + 1e-3)).any():
            raise _unfit(recipe, change, "gives no probabilities")
        if structure.sums_to_one and (abs(outputs.sum(axis=1) - 1) > 1e-2).any():
            raise _unfit(recipe, change, "gives probabilities that don't sum to 1")
        return outputs

    def _outputs(self, x: np.ndarray, change: Change) -> Any:
        """Return the outputs for all rows, or what the model gives instead of an array.

        Not compiled, since the user may go on changing it.
        """
        first = self.model(x[:1], training=False)
        if isinstance(first, list | tuple | dict):
            return first

        def compute(rows: Any) -> np.ndarray:
            return keras.ops.convert_to_numpy(self.model(rows, training=False))

        part = keras.ops.convert_to_numpy(first)
        if part.ndim == 0 or len(part) != 1:
            return part
        if self._sizes is None or self._sizes[0] != change:
            sizes = find_sizes(compute, x.shape[1:], x.dtype.name, ROWS_PER_CALL)
            self._sizes = change, sizes
        return in_blocks(compute, x, self._sizes[1])


def _said(err: Exception) -> str:
    """Return what Keras says on one line, without the colours and the arguments."""
    said = re.sub(r"\x1b\[\d*m", "", str(err)).partition("Arguments received")[0]
    return f"{type(err).__name__}: {one_line(said)}"


def _unfit(recipe: NetworkRecipe, change: Change, what: str) -> ChangedNetworkError:
    return ChangedNetworkError(
        f"The model_ of {recipe.owner} was changed ({change.what}) and {what}: the "
        "estimator can't predict by it. Use model_.predict, undo the change, or fit a "
        "sklearn.base.clone of the estimator to start anew."
    )
