"""
Pictures of the filters
=======================

In scikit-learn, ``coefs_`` tells what a net has learned. In a convolutional net the
kernels do, and those of the first layer can be looked at: 3×3 weights by which a window
of the image is multiplied are themselves a small image. They show what the net starts
from: which strokes and edges it tells apart, before it combines them.

.. code-block:: sh

    python examples/lesson/plot_12_filters.py [--dataset mnist] [--full]
"""

# %%
# Two arrays
# ----------
# A small net, twice eight filters, so that all of them fit in a picture. Keras lays
# kernels out as (height, width, channels, filters): of the first convolution the
# channel is the image's grey, of the second there are eight, the maps of the first.
import numpy as np

from sknn_mnist import CNNClassifier
from sknn_mnist.display import FeatureMapsDisplay, KernelsDisplay
from sknn_mnist.lesson import arguments, claim, load, save

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args, layout="image")
options = {"filters": (8, 8), "random_state": 0}
cnn = CNNClassifier(epochs=5 if args.full else 12, **options).fit(X_train, y_train)
shapes = [kernels.shape for kernels in cnn.kernels_]
print("kernels:", shapes)
claim(
    "8 kernels of 3×3, then 8 for each of 8 maps",
    shapes == [(3, 3, 1, 8), (3, 3, 8, 8)],
)
print(f"accuracy on the test set: {cnn.score(X_test, y_test):.4f}")

# %%
# The first convolution
# ---------------------
# Each tile is a filter. **Orange** weights are positive: ink there excites the filter.
# **Violet** ones are negative: ink there holds it back. Orange on one side and violet
# on the other is an edge of that direction; all orange answers to ink as such.
display = KernelsDisplay.from_estimator(cnn, layer=0).plot(cmap="PuOr_r")
save(display.figure_, args, "12_filters_1")

# %%
# What these filters make of one digit, at the same places. Compare tile by tile: a
# filter of an edge lights up along the strokes that have such an edge.
display = FeatureMapsDisplay.from_estimator(cnn, X_test[:1], layer=0).plot()
save(display.figure_, args, "12_maps_1")

# %%
# To tell ink from paper beside it, a filter needs weights of both signs.
kernels = cnn.kernels_[0].reshape(9, 8)
both = ((kernels > 0).any(axis=0) & (kernels < 0).any(axis=0)).sum()
print(f"filters with weights of both signs: {both} of 8")
claim("most filters weigh ink against paper", both >= 5)

# %%
# The second convolution
# ----------------------
# One column per filter, and one row per map that it reads. A filter is the whole
# column: it adds up what eight kernels make of eight maps. A single tile says which way
# one map is read, and the eight together are beyond the eye. What such a filter answers
# to is better asked of images: see the chapters on deconvolution and on feature maps.
display = KernelsDisplay.from_estimator(cnn, layer=1).plot(cmap="PuOr_r")
save(display.figure_, args, "12_filters_2")

# %%
# Where it misleads
# -----------------
# Kernels begin as random numbers, and small ones stay near to where they began. The
# pattern of a kernel is learned *and* drawn by lot. The same net before training:
untrained = CNNClassifier(epochs=1, learning_rate=1e-9, **options)
untrained.fit(X_train[:500], y_train[:500])
display = KernelsDisplay.from_estimator(untrained, layer=0).plot(cmap="PuOr_r")
save(display.figure_, args, "12_filters_untrained")

# %%
# So look for what has changed, not for what can be seen in noise. How alike a kernel is
# to its beginning is a correlation: 1 where nothing was learned.
alike = np.corrcoef(cnn.kernels_[0].ravel(), untrained.kernels_[0].ravel())[0, 1]
print(f"correlation of the first layer's weights with their beginning: {alike:.2f}")
claim("the beginning can still be seen in the kernels", alike > 0.2)

# %%
# Try it
# ------
# Fit the net with another ``random_state``. Are the filters the same ones in another
# order? Is the accuracy another?
#
# .. dropdown:: Answer
#
#    They are others. To each filter of the first net the most similar of the second
#    has a correlation of about 0.5 (over its nine weights), which is what chance gives.
#    The accuracies are much the same, 0.93 and 0.94 on the bundled digits: many sets of
#    filters do as well, so a single filter means little.
#
# Sources
# -------
# - A. Krizhevsky, I. Sutskever, G. E. Hinton, "ImageNet classification with deep
#   convolutional neural networks", 2012: the first layer's kernels as a picture.
