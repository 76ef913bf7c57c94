"""
Pictures of the filters
=======================

What the kernels of both convolutions have become. Those of the first are edges and
spots, which can be read; those of the second combine 32 maps, which can't.

.. code-block:: sh

    python examples/lesson/plot_12_filters.py [--dataset mnist] [--full]
"""

# %%
# Kernels are in the fitted net, as `coefs_` are in scikit-learn's: (height, width,
# channels, filters), one array per convolution.
from sknn_mnist import CNNClassifier
from sknn_mnist.display import KernelsDisplay
from sknn_mnist.lesson import arguments, load, save

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args, layout="image")
cnn = CNNClassifier(epochs=5 if args.full else 12, random_state=0)
cnn.fit(X_train, y_train)
print("kernels:", [kernels.shape for kernels in cnn.kernels_])
print(f"accuracy on the test set: {cnn.score(X_test, y_test):.4f}")

# %%
# The first convolution: one channel, so each tile is a filter.
display = KernelsDisplay.from_estimator(cnn, layer=0).plot()
save(display.figure_, args, "12_filters_1")

# %%
# The second: one column per filter, one row per input map.
display = KernelsDisplay.from_estimator(cnn, layer=1).plot()
save(display.figure_, args, "12_filters_2")
