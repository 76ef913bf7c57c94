"""What each of Keras's losses requires of the target and of the output layer.

Keras computes any loss of any two arrays. Of a target outside a loss's range, or of
outputs that its logarithm can't take, it makes NaN or nonsense; here such pairs are
refused before training, and the output layer is made for the loss.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from sknn_mnist._parameters import PRECISIONS, invalid
from sknn_mnist.estimators._parameters import is_auto
from sknn_mnist.networks._keras_objects import make_loss
from sknn_mnist.networks._keras_private import arguments_in_function

__all__ = [
    "check_loss_of_classes",
    "check_loss_of_numbers",
    "check_number_targets",
    "family_of",
    "is_of_codes",
    "is_of_one_class",
    "output_of_numbers",
    "weights_that_fit",
]

_OF_NO_ESTIMATOR = {
    "ctc": "CTC aligns sequences, and samples are not sequences",
    "circle": "Circle compares the samples' embeddings with each other",
}
_NOT_OF_CLASSES = {
    **_OF_NO_ESTIMATOR,
    "hinge": "hinge expects scores around 0; 'categorical_hinge' takes probabilities",
    "squaredhinge": "squared_hinge expects scores around 0; 'categorical_hinge' takes "
    "probabilities",
    "meanabsolutepercentageerror": "most of the targets are 0, and an error of 0 has "
    "no percentage",
}
_NOT_OF_NUMBERS = {
    **_OF_NO_ESTIMATOR,
    **dict.fromkeys(
        [
            *("hinge", "squaredhinge", "categoricalhinge"),
            *("binaryfocalcrossentropy", "categoricalfocalcrossentropy"),
            *("sparsecategoricalcrossentropy", "categoricalgeneralizedcrossentropy"),
            *("dice", "tversky"),
        ],
        "it is a classification loss, which the classifiers take",
    ),
}


def family_of(loss: Any) -> str:
    """Return the name of Keras's loss that one is or comes from, or its own.

    In lower case without underscores: ``"sparsecategoricalcrossentropy"``.
    """
    known = _of_keras(loss)
    return _letters_of(_object_of(loss) if known is None else known)


def _known_family(loss: Any) -> str:
    """Return `family_of`, "" where nothing is known: a function of the user's own."""
    known = _of_keras(loss)
    return "" if known is None else _letters_of(known)


def _of_keras(loss: Any) -> Any:
    """Return Keras's loss that one is, or whose class it extends; None for others."""
    loss = _object_of(loss)
    if isinstance(loss, keras.losses.Loss):
        loss = type(loss)
    lineage = inspect.getmro(loss) if inspect.isclass(loss) else (loss,)
    of_keras = [each for each in vars(keras.losses).values() if callable(each)]
    return next(
        (
            each
            for each in lineage
            if each is not keras.losses.Loss and any(each is one for one in of_keras)
        ),
        None,
    )


def _object_of(loss: Any) -> Any:
    if isinstance(loss, str | dict) and not is_auto(loss):
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
            return keras.losses.get(copy.deepcopy(loss))
    return loss


def _letters_of(loss: Any) -> str:
    """Return a loss's name in lower case without underscores, however it is given.

    ``"sparse_categorical_crossentropy"``, the class, an object and a config all
    give ``"sparsecategoricalcrossentropy"``.
    """
    if isinstance(loss, dict):
        loss = loss.get("class_name", "")
    elif isinstance(loss, keras.losses.Loss):
        loss = type(loss).__name__
    else:
        if isinstance(loss, str) and not is_auto(loss):
            with contextlib.suppress(ValueError, TypeError, KeyError):
                loss = keras.losses.get(loss)  # "bce" is an alias
        if not isinstance(loss, str):
            loss = getattr(loss, "__name__", type(loss).__name__)
    return loss.replace("_", "").lower()


# -- classes --------------------------------------------------------------------------


def check_loss_of_classes(loss: Any, owner: str) -> None:
    """Refuse a loss that can't train probabilities of classes."""
    reason = _NOT_OF_CLASSES.get(_known_family(loss))
    if reason:
        raise invalid("loss", owner, f"a loss of probabilities ({reason})", loss)


def is_of_codes(family: str) -> bool:
    """Tell whether a loss takes a class as its number."""
    return family.startswith("sparse") or (
        family == "categoricalgeneralizedcrossentropy"
    )


def is_of_one_class(family: str) -> bool:
    """Tell whether a loss takes a row as one class, or a distribution over them."""
    # Of several sigmoids, the last two would have all at 1, or at any scale.
    return family.startswith("categorical") or (
        family in {"kldivergence", "cosinesimilarity"}
    )


# -- numbers --------------------------------------------------------------------------


@dataclass(frozen=True)
class _OfNumbers:
    """The output layer's activation, and which targets are right, in words too."""

    activation: str = "linear"
    wanted: str = ""
    holds: Callable[[np.ndarray], bool] = lambda y: True


def _not_negative(y: np.ndarray) -> bool:
    return bool((y >= 0).all())


def _are_distributions(y: np.ndarray) -> bool:
    return (
        y.ndim == 2
        and _not_negative(y)
        and np.allclose(y.sum(axis=1), 1, rtol=0, atol=1e-3)
    )


_DISTRIBUTIONS = _OfNumbers(
    "softmax",
    "several targets per row, not negative and with a sum of 1",
    _are_distributions,
)
_NUMBERS = {
    # As scikit-learn's MLPRegressor and PoissonRegressor have it.
    "poisson": _OfNumbers("exponential", "y >= 0", _not_negative),
    "meansquaredlogarithmicerror": _OfNumbers("exponential", "y >= 0", _not_negative),
    "meanabsolutepercentageerror": _OfNumbers(
        "linear", "y other than 0", lambda y: bool((y != 0).all())
    ),
    "binarycrossentropy": _OfNumbers(
        "sigmoid", "y from 0 to 1", lambda y: bool(((y >= 0) & (y <= 1)).all())
    ),
    "kldivergence": _DISTRIBUTIONS,
    "categoricalcrossentropy": _DISTRIBUTIONS,
    "cosinesimilarity": _OfNumbers(
        "linear", "several targets per row, of which it sees the direction alone",
        lambda y: y.ndim == 2,
    ),
}  # fmt: skip


def check_loss_of_numbers(loss: Any, owner: str) -> None:
    """Refuse a loss that can't train a regressor."""
    reason = _NOT_OF_NUMBERS.get(_known_family(loss))
    if reason:
        raise invalid("loss", owner, f"a regression loss ({reason})", loss)


def output_of_numbers(loss: Any) -> str:
    """Return the activation of the output layer whose numbers a loss takes."""
    return _NUMBERS.get(_known_family(loss), _OfNumbers()).activation


def check_number_targets(loss: Any, y: np.ndarray, owner: str) -> None:
    """Refuse targets that are out of a loss's range."""
    kind = _NUMBERS.get(_known_family(loss), _OfNumbers())
    if not kind.holds(y):
        said = getattr(loss, "name", getattr(loss, "__name__", loss))
        raise ValueError(
            f"Some value(s) of y are out of the valid range of the loss {said!r}: "
            f"{owner} takes {kind.wanted} for it. Got y of shape {y.shape} with "
            f"values from {y.min()} to {y.max()}."
        )


# -- rows -----------------------------------------------------------------------------


def weights_that_fit(
    loss: Any, weights: np.ndarray | None, owner: str
) -> np.ndarray | None:
    """Return the rows' weights, refused by a loss that has no value for each row.

    Such a loss gets none where all weigh 1.
    """
    if weights is None:
        return None
    # Whether it may be one of logits is not the question here.
    made = make_loss(loss, PRECISIONS["float32"], owner, logits=True)
    if not isinstance(made, keras.losses.Loss):
        return weights
    # Dice and Tversky of older versions of Keras have no such argument.
    overlap = _known_family(made) in {"dice", "tversky"}
    if _of_keras(made) is None:
        return weights  # of one of the user's own, "axis" may mean anything
    known = {**made.get_config(), **arguments_in_function(made)}
    axis = known.get("axis", None if overlap else -1)
    if axis in (-1, 1, (-1,), (1,), [-1], [1]):
        return weights
    if (weights != 1).any():
        raise ValueError(
            f"The loss {loss!r} of {owner} has no value for each row, as its axis is "
            f"{axis!r}, so that rows can't have weights of their own: give it axis=-1, "
            "or no sample_weight and class_weight."
        )
    return None
