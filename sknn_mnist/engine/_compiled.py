"""Compiled functions: called for less, and by others with variables of their own.

Calling a `tf.function` costs some 200 µs in Python, and the operation that it comes to
a tenth. That operation takes the variables as arguments, so that networks which are
alike share one compiled function, each with its own variables.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from sknn_mnist.networks._keras_private import variables_of_optimizer

__all__ = ["CompiledFunction", "Traces", "called_inline", "can_be_direct"]

# Operations that hold others, which the inline executor does not run.
_HOLDING_OTHERS = {
    *("While", "StatelessWhile", "If", "StatelessIf", "Case", "StatelessCase"),
    *("PartitionedCall", "StatefulPartitionedCall", "MapDefun", "SymbolicGradient"),
    *("PyFunc", "PyFuncStateless", "EagerPyFunc"),
}


class CompiledFunction:
    """A concrete function, called with its leaves.

    Parameters
    ----------
    function : tf.types.experimental.ConcreteFunction
        What was traced.
    on_one_thread : bool, default=False
        Whether its operations, and what they call, compute on one thread.
    """

    def __init__(self, function: Any, on_one_thread: bool = False) -> None:
        self._function = function
        self._outputs = function.structured_outputs
        self._types = [each.dtype for each in function.outputs]
        self._shapes = [each.shape for each in function.outputs]
        self.captured = list(function.captured_inputs)
        self.is_direct = can_be_direct()
        self._on_one_thread = on_one_thread and self.is_direct

    def __call__(self, *leaves: Any, captured: Sequence[Any] | None = None) -> Any:
        """Return the function's outputs, in their structure.

        Parameters
        ----------
        *leaves : tensors or numbers
            What the function takes.
        captured : sequence of tensors or None, default=None
            What to compute with instead of what it was traced with.
        """
        if captured is None:
            captured = self.captured
        if self._on_one_thread:
            first, *others = leaves
            found = tf.raw_ops.MapDefun(
                arguments=[tf.expand_dims(first, 0)],
                captured_inputs=[*others, *captured],
                output_types=self._types,
                output_shapes=self._shapes,
                f=self._function,
                max_intra_op_parallelism=1,
            )
            found = [each[0] for each in found]
        elif self.is_direct:
            found = tf.raw_ops.StatefulPartitionedCall(
                args=[*leaves, *captured], Tout=self._types, f=self._function
            )
        else:
            taken = self._function.structured_input_signature[0]
            return self._function(*tf.nest.pack_sequence_as(taken, leaves))
        return tf.nest.pack_sequence_as(self._outputs, found)


def can_be_direct() -> bool:
    """Tell whether functions may be called as operations.

    Not where there is a GPU, nor under settings that the operation does not know of.
    """
    return not (
        tf.config.get_visible_devices("GPU")
        or tf.config.optimizer.get_jit()
        or any(tf.config.optimizer.get_experimental_options().values())
    )


class Traces:
    """Compiled loops of networks that compute and train the same.

    Threads that want the same one wait for the first of them to trace it.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._known: dict[Any, tuple[CompiledFunction, list[int | None]]] = {}

    def find(
        self,
        key: Any,
        network: keras.Model,
        trace: Callable[[], CompiledFunction],
    ) -> Callable[..., Any]:
        """Return a loop that trains or tests a network, traced if need be.

        Parameters
        ----------
        key : hashable
            Names the loop.
        network : keras.Model
            Whose variables it is to work on.
        trace : callable
            Traces the loop of this network.
        """
        # Metrics are as many, and of the kinds, that the first targets asked for.
        key = key, *(type(each) for each in network.metrics), len(_handles_of(network))
        with self._lock:
            found = self._known.get(key)
            if found is None:
                made = trace()
                places = _places_of(made.captured, network)
                if places is None or not made.is_direct:
                    return made  # of this network alone
                self._known[key] = made, places
                return made
        function, places = found
        own = _handles_of(network)
        captured = [
            held if place is None else own[place]
            for held, place in zip(function.captured, places, strict=True)
        ]

        def loop(*leaves: Any) -> Any:
            return function(*leaves, captured=captured)

        return loop


def called_inline(
    function: Callable[..., list[tf.Tensor]], specs: Sequence[tf.TensorSpec]
) -> Callable[..., list[tf.Tensor]] | None:
    """Return a function whose operations run one after the other, none in a queue.

    For small operations: handing one to another thread takes as long as running it.

    Parameters
    ----------
    function : callable
        Takes tensors, and returns a list of them.
    specs : sequence of TensorSpec
        What it takes.

    Returns
    -------
    callable or None
        For use within another function; None where the function has branches or
        loops, or calls others.
    """
    traced = tf.function(function, autograph=False).get_concrete_function(*specs)
    operations = {each.type for each in traced.graph.get_operations()}
    if operations & _HOLDING_OTHERS:
        return None
    types = [each.dtype for each in traced.outputs]

    def inline(*leaves: tf.Tensor) -> list[tf.Tensor]:
        found = tf.raw_ops.StatefulPartitionedCall(
            args=[*leaves, *traced.captured_inputs],
            Tout=types,
            f=traced,
            executor_type="SINGLE_THREADED_EXECUTOR",
        )
        return list(found) if types else []

    return inline


def _places_of(
    captured: Sequence[Any], network: keras.Model
) -> list[int | None] | None:
    """Return which of a network's variables each captured tensor is; None for values.

    None where it holds something that is no variable of the network's: a table, a
    variable of the layer's own.
    """
    known = {id(handle): place for place, handle in enumerate(_handles_of(network))}
    places = [known.get(id(each)) for each in captured]
    unknown = [
        each
        for each, place in zip(captured, places, strict=True)
        if place is None and each.dtype in (tf.resource, tf.variant)
    ]
    return None if unknown else places


def _handles_of(network: keras.Model) -> list[Any]:
    variables = [
        *network.variables,
        *variables_of_optimizer(network),
        *network.metrics_variables,
    ]
    return [each.value.handle for each in variables]
