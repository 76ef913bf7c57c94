"""
Pictures of the filters
=======================

In scikit-learn a net's weights are its ``coefs_``. A convolutional net has kernels, and
those of the first layer can be looked at: 3×3 weights by which a window of the image is
multiplied are themselves a small image. They show what the net starts from: which
strokes and edges it tells apart, before it combines them. How much of that it has
*learned*, they don't tell. That is a question of its own.

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
from sknn_mnist.inspection import feature_maps
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
# on the other is an edge of that direction; mostly orange answers to ink as such.
display = KernelsDisplay.from_estimator(cnn, layer=0).plot()
save(display.figure_, args, "12_filters_1")

# %%
# What these filters make of one digit, at the same places, each map on a scale of its
# own: bright is where this filter answers most. Compare tile by tile. A filter of an
# edge lights up along the strokes that have such an edge, one that is mostly orange
# where the ink is.
maps = feature_maps(cnn, X_test[:100], "conv_1")
largest = maps[:1].max(axis=(1, 2), keepdims=True)
display = FeatureMapsDisplay(maps[:1] / np.maximum(largest, 1e-6)).plot()
save(display.figure_, args, "12_maps_1")

# %%
# On one scale for all maps some would be nearly dark. Inside a broad stroke all nine
# pixels are ink, and a filter adds up all of its weights.
sums, answers = cnn.kernels_[0].sum(axis=(0, 1, 2)), maps.mean(axis=(0, 1, 2))
alike = np.corrcoef(sums, answers)[0, 1]
print(f"correlation of a filter's sum of weights with its mean answer: {alike:.2f}")
claim("the larger the sum of a filter, the brighter its map", alike > 0.5)

# %%
# The second convolution
# ----------------------
# One column per filter, and one row per map that it reads. A filter is the whole
# column: it adds up what eight kernels make of eight maps. A single tile says which way
# one map is read, and the eight together are beyond the eye. What such a filter answers
# to is better asked of images: see the chapters on deconvolution and on feature maps.
display = KernelsDisplay.from_estimator(cnn, layer=1).plot()
save(display.figure_, args, "12_filters_2")

# %%
# Where it misleads
# -----------------
# Kernels begin as random numbers, and each step moves them a little. After few steps
# the pattern of a kernel is mostly the draw. Here are the same filters before training,
# after it, and what has changed, all on one scale.
untrained = CNNClassifier(epochs=1, learning_rate=1e-9, **options)
untrained.fit(X_train[:500], y_train[:500])
before, after = untrained.kernels_[0], cnn.kernels_[0]
display = KernelsDisplay(np.concatenate([before, after, after - before], axis=2)).plot()
display.ax_.set_yticks(display.ax_.get_yticks(), ["before", "after", "change"])
display.ax_.set_ylabel("")
save(display.figure_, args, "12_filters_change")

# %%
# How alike a pattern is to its beginning is a correlation: 1 where nothing was learned.
# On the bundled digits there are 144 steps, and what you see is almost only the draw.
# What was learned is the last row: pale, and nearly even within a filter. The filters
# have learned how much to answer to ink, not yet to what pattern.
alike = np.corrcoef(before.ravel(), after.ravel())[0, 1]
print(f"correlation of the first layer's weights with their beginning: {alike:.2f}")
claim("the beginning can still be seen in the kernels", alike > 0.2)
if args.dataset == "digits":
    claim("after 144 steps they are mostly as they were drawn", alike > 0.9)
    change = (after - before).reshape(9, 8)
    even, uneven = np.abs(change.mean(axis=0)).mean(), change.std(axis=0).mean()
    print(f"a filter's weights change by {even:.3f}, and differ in it by {uneven:.3f}")
    claim("the change is nearly even within a filter", uneven < 0.8 * even)

# %%
# Nor does it tell anything that the filters have weights of both signs, ink against
# paper as it were. Before training they had them as well: nine random numbers nearly
# always do.
for name, kernels in (("before", before), ("after", after)):
    both = (kernels.min(axis=(0, 1, 2)) < 0) & (kernels.max(axis=(0, 1, 2)) > 0)
    print(f"{name} training: {both.sum()} of 8 filters")
    claim("nearly all have weights of both signs", both.sum() >= 6)

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
