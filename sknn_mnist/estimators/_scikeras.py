"""The one door to SciKeras: what is inherited of its frame, and what is left out.

SciKeras's `BaseWrapper` gives the frame of a fit, in `_fit`: validate, encode the
target and the features, build, compile, train. Each step is a method, and
`sknn_mnist.estimators._base.KerasEstimator` fills them in. tests/estimators/
test_scikeras.py tells when one of them moves.

The frame is not `BaseWrapper` itself but a copy without the members that `REPAIRED`
lists. Most of them could be overridden; `_more_tags` could not, since scikit-learn
refuses any class in an estimator's MRO that defines it without `__sklearn_tags__`, and
changing SciKeras for the whole process is no way out.
"""

from __future__ import annotations

import numpy as np
from scikeras.wrappers import BaseWrapper

from sknn_mnist.networks._keras_pickles import mend_pickling

__all__ = ["REPAIRED", "ScikerasFrame"]

# SciKeras has put its own way to pickle in place of Keras's, which loses arguments.
mend_pickling()

# Members of BaseWrapper left out of the copy, and what takes their place.
REPAIRED = {
    "__init__": "sets attributes from **kwargs; ours name every parameter",
    "__repr__": "not scikit-learn's; BaseEstimator's is",
    "_get_param_names": "reads the instance, so that parameters vary; "
    "BaseEstimator reads the signature",
    "_more_tags": "the tags of before scikit-learn 1.6; __sklearn_tags__ is inherited",
    "_tags": "likewise",
    "initialize": "leaves an estimator that predicts and was never fitted",
    "score": "hides the mixin's",
    "scorer": "used by that score alone",
    "set_params": "accepts any name with a routing prefix; BaseEstimator's refuses it",
}


def _repaired(wrapper: type) -> type:
    kept = {
        name: member
        for name, member in vars(wrapper).items()
        if name not in {*REPAIRED, "__dict__", "__weakref__"}
    }
    return type(wrapper)(wrapper.__name__, wrapper.__bases__, kept)


class ScikerasFrame(_repaired(BaseWrapper)):  # type: ignore[misc]
    """SciKeras's frame of a fit, without the steps that have nothing to do here."""

    def _ensure_compiled_model(self) -> None:
        """Nothing to do: the recipe compiles."""

    @property
    def initialized_(self) -> bool:
        """Whether the estimator is fitted."""
        # SciKeras asks for `model_`, which would make one.
        return "_network" in vars(self)

    def _check_model_compatibility(self, y: np.ndarray) -> None:
        """Nothing to check: the output layer is made for the target and the loss."""
