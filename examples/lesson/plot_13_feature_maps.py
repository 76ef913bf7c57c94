"""
What a convolutional net sees
=============================

Feature maps of an image through the layers, what each filter looks for, and which
pixels a decision hangs on.

.. code-block:: sh

    python examples/lesson/plot_13_feature_maps.py [--dataset mnist] [--full]
"""

# %%
# A small net, so that all of its maps can be looked at.
from sknn_mnist import CNNClassifier
from sknn_mnist.display import (
    ActivationMaximizationDisplay,
    FeatureMapsDisplay,
    MistakesDisplay,
    SensitivityDisplay,
)
from sknn_mnist.lesson import arguments, load, save

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args, layout="image")
cnn = CNNClassifier(filters=(8, 16), epochs=5 if args.full else 15, random_state=0)
cnn.fit(X_train, y_train)
print(f"accuracy on the test set: {cnn.score(X_test, y_test):.4f}")

# %%
# The first convolution finds edges of each direction; of the second, after pooling,
# less is to be seen.
for layer in ("conv_1", "pool_1", "conv_2"):
    display = FeatureMapsDisplay.from_estimator(cnn, X_test[:4], layer).plot()
    save(display.figure_, args, f"13_feature_maps_{layer}")

# %%
# What a filter looks for: images made to excite it most.
for layer in (0, 1):
    display = ActivationMaximizationDisplay.from_estimator(cnn, layer).plot()
    save(display.figure_, args, f"13_looked_for_{layer + 1}")

# %%
# Which regions a decision hangs on: hide a patch and see what the probability loses, or
# ask for the gradient.
for method in ("occlusion", "gradient"):
    display = SensitivityDisplay.from_estimator(cnn, X_test[:8], method=method)
    save(display.plot().figure_, args, f"13_{method}")

# %%
# And what it gets wrong.
display = MistakesDisplay.from_estimator(cnn, X_test, y_test).plot()
save(display.figure_, args, "13_mistakes")
