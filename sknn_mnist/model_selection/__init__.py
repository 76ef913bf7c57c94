"""Searches of scikit-learn's over nets: how many epochs, and for how long to refit.

Knows the ground floor alone: it asks estimators for what they say of themselves.
"""

from sknn_mnist.model_selection._best_epochs import best_epoch_scoring
from sknn_mnist.model_selection._refits import refit_best

__all__ = [
    "best_epoch_scoring",
    "refit_best",
]
