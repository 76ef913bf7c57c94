"""The pictures of the lesson, in scikit-learn's Display style.

Each class holds what it shows; ``from_estimator``, ``from_search`` and
``from_history`` make it, ``plot`` draws it and leaves ``ax_`` and ``figure_``.
Matplotlib is imported when something is drawn; the extra ``plot`` has it.

Knows `inspection`, whose arrays it draws, and the ground floor.
"""

from sknn_mnist.display._activation_maximization import ActivationMaximizationDisplay
from sknn_mnist.display._brackets import BracketsDisplay
from sknn_mnist.display._deconvolution import DeconvolutionDisplay
from sknn_mnist.display._feature_maps import FeatureMapsDisplay
from sknn_mnist.display._history import HistoryDisplay
from sknn_mnist.display._kernels import KernelsDisplay
from sknn_mnist.display._mistakes import MistakesDisplay
from sknn_mnist.display._search import SearchDisplay
from sknn_mnist.display._sensitivity import SensitivityDisplay

__all__ = [
    "ActivationMaximizationDisplay",
    "BracketsDisplay",
    "DeconvolutionDisplay",
    "FeatureMapsDisplay",
    "HistoryDisplay",
    "KernelsDisplay",
    "MistakesDisplay",
    "SearchDisplay",
    "SensitivityDisplay",
]
