"""A model that the user holds and may change, and what its estimator makes of that."""

from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np

from sknn_mnist._messages import one_line
from sknn_mnist.engine._forward import up_to_layer
from sknn_mnist.engine._nests import (
    Nest,
    as_tuples,
    each_of,
    is_same_form,
    leaves_of,
    n_rows_of,
    rows_of,
)
from sknn_mnist.engine._network_state import State, get_state
from sknn_mnist.engine._row_blocks import find_sizes, in_blocks
from sknn_mnist.engine._specs import input_spec_of, outputs_of_recipe
from sknn_mnist.networks._model_changes import Change, Origin, Output, Structure
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["ChangedNetworkError", "UserModel"]

# Most rows per call of a network that is no longer its recipe's.
ROWS_PER_CALL = 64


class ChangedNetworkError(ValueError, TypeError):
    """A `model_` that the user made into another network than its recipe's.

    Both errors at once: `fit` refuses a value, `save` and `pickle` refuse a type.
    """


class UserModel:
    """A model that the user may hold, and what it was when it was made."""

    def __init__(self, model: keras.Model, structure: Structure | None = None) -> None:
        self.model = model
        self._structure = structure
        self._sizes: tuple[Any, tuple[int, ...]] | None = None
        self._origin = Origin.of(model)

    def change(self, recipe: NetworkRecipe) -> Change | None:
        """Return what makes it another network than the recipe's, if anything does."""
        if self._structure is None:
            # The user's own callbacks saw it in fit, and may have changed it.
            network = recipe.new_network(compiled=False)
            self._structure = Structure(network, outputs_of_recipe(recipe, network))
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

    def predict(self, x: Nest, recipe: NetworkRecipe, change: Change) -> Nest:
        """Return the outputs of a model that is not its recipe's."""
        outputs = self._computed(self.model, x, recipe, change)
        structure = self._structure
        assert structure is not None
        expected = structure.outputs
        if not is_same_form(outputs, expected):
            raise _unfit(
                recipe,
                change,
                f"gives {_shapes(outputs)} for outputs of "
                f"{_shapes(expected, n_rows_of(x))}",
            )

        def checked(output: np.ndarray, expected: Output) -> np.ndarray:
            return _checked(output, expected, n_rows_of(x), recipe, change)

        found = map(checked, leaves_of(outputs), leaves_of(expected))
        return keras.tree.pack_sequence_as(outputs, list(found))

    def outputs_of(
        self, layer: str | int, x: Nest, recipe: NetworkRecipe, change: Change
    ) -> Nest:
        """Return the outputs of a layer of a model that is not its recipe's."""
        inputs = input_spec_of(recipe, self.model)
        part = up_to_layer(self.model, layer, inputs, recipe.owner)
        return self._computed(part, x, recipe, change, layer)

    def _computed(
        self,
        network: keras.Model,
        x: Nest,
        recipe: NetworkRecipe,
        change: Change,
        layer: str | int | None = None,
    ) -> Nest:
        """Return the outputs for all rows, or what the model gives instead of rows.

        Not compiled, since the user may go on changing it.
        """

        def compute(rows: Nest) -> Nest:
            outputs = network(as_tuples(rows), training=False)
            return each_of(keras.ops.convert_to_numpy, outputs)

        try:
            first = compute(rows_of(x, slice(1)))
            if any(each.ndim == 0 or len(each) != 1 for each in leaves_of(first)):
                return first
            if self._sizes is None or self._sizes[0] != (change, layer):
                sizes = find_sizes(compute, x, ROWS_PER_CALL)
                self._sizes = (change, layer), sizes
            return in_blocks(compute, x, self._sizes[1])
        except Exception as err:
            raise _unfit(recipe, change, f"fails ({_said(err)})") from err


def _checked(
    output: np.ndarray,
    expected: Output,
    n_rows: int,
    recipe: NetworkRecipe,
    change: Change,
) -> np.ndarray:
    """Refuse what is no such output as the network had."""
    shape = (n_rows, *expected.shape)
    if len(output.shape) != len(shape) or any(
        side not in (None, found)
        for side, found in zip(shape, output.shape, strict=True)
    ):
        raise _unfit(recipe, change, f"gives {output.shape} for outputs of {shape}")
    output = output.astype(expected.dtype, copy=False)
    # NaN passes these comparisons, as it does elsewhere.
    if expected.is_fraction and ((output < -1e-3) | (output > 1 + 1e-3)).any():
        raise _unfit(recipe, change, "gives no probabilities")
    if expected.sums_to_one and (abs(output.sum(axis=-1) - 1) > 1e-2).any():
        raise _unfit(recipe, change, "gives probabilities that don't sum to 1")
    return output


def _shapes(outputs: Nest, n_rows: int | None = None) -> Nest:
    """Return shapes in the place of arrays, or of `Output` for so many rows."""
    first = () if n_rows is None else (n_rows,)
    return each_of(lambda each: (*first, *each.shape), outputs)


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
