"""A network's metrics: made before a compiled loop needs them, and put back to zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import keras
import tensorflow as tf

from sknn_mnist._messages import first_line
from sknn_mnist.engine._keras_fit import overrides
from sknn_mnist.engine._nests import Nest, each_of
from sknn_mnist.engine._plain_steps import has_plain_metrics, reset_means
from sknn_mnist.engine._specs import output_spec_of
from sknn_mnist.networks._input_specs import any_rows

__all__ = ["build_metrics", "naming_uncompilable", "reset_metrics"]


def build_metrics(
    network: keras.Model, data: tuple[Nest, ...], owner: str, own: bool
) -> dict[str, tf.TensorSpec] | None:
    """Have Keras make the variables of a network's metrics.

    It does when they see their first batch, and so for those that track the losses of
    several outputs; which must not be within a compiled loop.

    Parameters
    ----------
    network : keras.Model
        Compiled.
    data : tuple of nests of tensors
        Samples, targets, and weights if there are any.
    owner : str
        Name of the estimator, for messages.
    own : bool
        Whether the network is Keras's own code.

    Returns
    -------
    dict of str to TensorSpec or None
        What a `compute_metrics` of the user's own returns, where that is not what the
        metrics tell: as in Keras, the logs are then what the last step returned.
    """
    x, y, *weights = each_of(any_rows, data)
    with naming_uncompilable(owner) if own else nullcontext():
        outputs = output_spec_of(network, x)
    if own and has_plain_metrics(network) and _see_nothing(network, y, outputs):
        return None
    # Traced, not run: a metric of the user's own sees no batches but those of `fit`.
    with _naming("metrics", owner, y):
        traced = _traced(network.compute_metrics, x, y, outputs, *weights)
    if any(map(keras.tree.is_nested, (outputs, network.loss))):
        with _naming("loss", owner, y):
            _traced(network.compute_loss, x, y, outputs, *weights)
    if not overrides(network, "compute_metrics"):
        return None
    returned: dict[str, tf.TensorSpec] = traced.structured_outputs
    names = network.get_metrics_result().keys()
    return None if returned.keys() == names else returned


def reset_metrics(network: keras.Model, own: bool) -> None:
    """Do what `keras.Model.reset_metrics` does, in a tenth of the time if possible.

    Parameters
    ----------
    network : keras.Model
        Whose metrics are built.
    own : bool
        Whether the network is Keras's own code.
    """
    if own and has_plain_metrics(network):
        reset_means(network)
    else:
        network.reset_metrics()


@contextmanager
def naming_uncompilable(owner: str) -> Iterator[None]:
    """Say in one sentence that Keras's own code can't be compiled as it is set."""
    try:
        yield
    except (TypeError, ValueError, NotImplementedError) as err:
        # Keras's own Muon raises one in float64.
        raise ValueError(
            f"The 'optimizer', 'loss', 'metrics' or 'activation' parameter of {owner} "
            f"can't be compiled for this dtype and these targets: {first_line(err)}"
        ) from err


def _see_nothing(network: keras.Model, *specs: Nest) -> bool:
    """Have metrics made by a row of zeros, which costs less than a trace of them.

    Returns whether they took it; a trace tells what is wrong with what they don't take.
    """
    if any(map(keras.tree.is_nested, specs)):
        return False
    y, outputs = (tf.zeros([1, *each.shape[1:]], each.dtype) for each in specs)
    try:
        network.compute_metrics(None, y, outputs)
    except (ValueError, TypeError, KeyError, tf.errors.OpError):
        return False
    network.reset_metrics()
    return True


def _traced(function: Callable[..., Any], *specs: Nest) -> Any:
    traced = tf.function(function, autograph=False)
    return traced.get_concrete_function(*specs)


@contextmanager
def _naming(parameter: str, owner: str, targets: Nest) -> Iterator[None]:
    """Say in one sentence that losses or metrics are none for these targets."""
    try:
        yield
    except (ValueError, TypeError, KeyError) as err:
        what = "metrics" if parameter == "metrics" else "losses"
        shapes = each_of(lambda each: (None, *each.shape[1:]), targets)
        raise ValueError(
            f"The {parameter!r} parameter of {owner} must name {what} for the targets "
            f"as the {'loss' if what == 'metrics' else 'network'} takes them, of shape "
            f"{shapes}. Got one that says: {first_line(err)}"
        ) from err
