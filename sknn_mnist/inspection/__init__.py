"""What a fitted network sees: maps, sensitive pixels, what filters look for.

Arrays; the pictures of these are in `sknn_mnist.display`. Knows `estimators` and the
wings below.
"""

from sknn_mnist.inspection._activation_maximization import maximize_activation
from sknn_mnist.inspection._deconvolution import deconvolution, strongest_patches
from sknn_mnist.inspection._images import images_of
from sknn_mnist.inspection._maps import convolution_kernels, feature_maps
from sknn_mnist.inspection._sensitivity import gradient_saliency, looked_at, occlusion

__all__ = [
    "convolution_kernels",
    "deconvolution",
    "feature_maps",
    "gradient_saliency",
    "images_of",
    "looked_at",
    "maximize_activation",
    "occlusion",
    "strongest_patches",
]
