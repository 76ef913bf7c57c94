"""What a fitted network sees: maps, sensitive pixels, what filters look for.

Arrays; the pictures of these are in `sknn_mnist.display`. Knows `estimators` and the
wings below.
"""

from sknn_mnist.inspection._inspection import (
    convolution_kernels,
    feature_maps,
    gradient_saliency,
    images_of,
    looked_at,
    maximize_activation,
    occlusion,
)

__all__ = [
    "convolution_kernels",
    "feature_maps",
    "gradient_saliency",
    "images_of",
    "looked_at",
    "maximize_activation",
    "occlusion",
]
