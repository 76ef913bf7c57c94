"""The pictures of the lesson, in scikit-learn's Display style.

Each class holds what it shows; ``from_estimator``, ``from_search`` and
``from_history`` make it, ``plot`` draws it and leaves ``ax_`` and ``figure_``.
Matplotlib is imported when something is drawn; the extra ``plot`` has it.
"""

from sknn_mnist._display_history import HistoryDisplay
from sknn_mnist._display_layers import (
    ActivationMaximizationDisplay,
    FeatureMapsDisplay,
    KernelsDisplay,
)
from sknn_mnist._display_samples import MistakesDisplay, SensitivityDisplay
from sknn_mnist._display_search import SearchDisplay

__all__ = [
    "ActivationMaximizationDisplay",
    "FeatureMapsDisplay",
    "HistoryDisplay",
    "KernelsDisplay",
    "MistakesDisplay",
    "SearchDisplay",
    "SensitivityDisplay",
]
