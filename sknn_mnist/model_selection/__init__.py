"""Searches over nets: which candidates go on, how many epochs, and how to refit.

Knows the ground floor alone: it asks estimators for what they say of themselves.
"""

from sknn_mnist.model_selection._best_epochs import best_epoch_scoring
from sknn_mnist.model_selection._hyperband import HyperbandSearchCV
from sknn_mnist.model_selection._ranges import Range
from sknn_mnist.model_selection._refits import refit_best

__all__ = [
    "HyperbandSearchCV",
    "Range",
    "best_epoch_scoring",
    "refit_best",
]
