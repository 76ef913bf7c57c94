"""What the arrays of a training's states are like, by which kept ones are judged."""

from __future__ import annotations

import inspect
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import keras

from sknn_mnist._array_kinds import kind_of
from sknn_mnist.engine._loop import FusedNetwork
from sknn_mnist.engine._pool import borrow
from sknn_mnist.memory import _callback_states as callback_states
from sknn_mnist.memory._states import Kinds
from sknn_mnist.networks._compile_settings import is_by_output, made_metrics
from sknn_mnist.networks._recipes import NetworkRecipe, array_kinds_of

__all__ = ["kinds_of", "remember_kinds"]

# Most networks whose kinds of arrays are remembered; some hundred bytes per variable.
MAX_KINDS = 256

_lock = threading.Lock()
_kinds: OrderedDict[Any, Kinds] = OrderedDict()


def kinds_of(
    recipe: NetworkRecipe,
    callbacks: Sequence[keras.callbacks.Callback],
    validated: bool,
) -> Kinds:
    """Return what the states of a training are like.

    Parameters
    ----------
    recipe : NetworkRecipe
        Its network.
    callbacks : sequence of keras.callbacks.Callback
        Those whose states are kept with it.
    validated : bool
        Whether its epochs are evaluated on held-out samples.
    """
    key = recipe.key
    with _lock:
        known = _kinds.get(key)
    if known is None:
        with borrow(recipe, None) as fused:
            known = remember_kinds(recipe, fused)
    return replace(
        known,
        match_callbacks=partial(callback_states.match, callbacks),
        **_names_in_history(recipe, validated),
    )


def remember_kinds(recipe: NetworkRecipe, fused: FusedNetwork) -> Kinds:
    """Remember what the arrays of such a network are like, the last used at the end."""
    network = fused.network
    known = Kinds(array_kinds_of(network), [kind_of(each) for each in network.weights])
    with _lock:
        _kinds[recipe.key] = known
        _kinds.move_to_end(recipe.key)
        while len(_kinds) > MAX_KINDS:
            _kinds.popitem(last=False)
    return known


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
