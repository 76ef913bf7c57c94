"""
Batch normalisation: small and large nets
=========================================

A layer learns from what the layers before it give, and these change at each step. Batch
normalisation takes some of this restlessness away: each channel is brought to mean 0
and variance 1 over the images of a batch, and then scaled and shifted by two numbers
that are learned. Whatever the layers before do, the next one gets numbers of about the
same size. Nets with it learn in fewer epochs, and bear larger learning rates.

In prediction there may be no batch, so running averages of mean and variance stand in
for it. They lag behind, and this can make a good net look bad. First the lag, then
nets of two sizes, with and without.

.. code-block:: sh

    python examples/lesson/plot_14_batch_normalization.py [--dataset mnist] [--full]

S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network training by
reducing internal covariate shift", 2015. Why it helps is still argued about: S.
Santurkar and others, "How does batch normalization help optimization?", 2018.
"""

# %%
# What it computes
# ----------------
# A layer that is new scales by 1 and shifts by 0. What comes out is what went in, less
# the mean of its channel, by its standard deviation.
from math import ceil

import matplotlib.pyplot as plt
import numpy as np

from sknn_mnist import CNNClassifier, KerasClassifier
from sknn_mnist.display import HistoryDisplay, KernelsDisplay
from sknn_mnist.lesson import arguments, claim, load, save

# isort: split
import keras  # after sknn_mnist, which starts TensorFlow without its chatter
from keras import layers

maps = np.random.default_rng(0).gamma(2.0, [1.0, 30.0], size=(64, 26, 26, 2))
normalised = np.asarray(layers.BatchNormalization()(maps, training=True))
of_channel = {"axis": (0, 1, 2)}
for place, when in ((maps, "before"), (normalised, "after")):
    means, deviations = place.mean(**of_channel), place.std(**of_channel)
    print(f"{when}: means {means.round(2)}, standard deviations {deviations.round(2)}")
by_hand = (maps - maps.mean(**of_channel)) / maps.std(**of_channel)
claim("Keras gives what we compute by hand", np.allclose(normalised, by_hand, atol=0.1))

# %%
# Why the held-out curve can lag
# ------------------------------
# In training each batch is normalised by its own mean and variance. A prediction must
# not depend on which other images are asked about, so Keras keeps running averages for
# it. They begin at mean 0 and variance 1, and at each step keep ``momentum=0.99`` of
# their old value. That is slow where an epoch has few steps: what they began with is
# still there after hundreds of them.
#
# So we judge the same weights twice: by the running averages, as `score` does, and by
# the statistics of the test images themselves, as in training. With ``memory`` each fit
# goes on from the last one, so the loop trains its last net and no more.
args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args, layout="image")
X_train, X_test = X_train[..., None], X_test[..., None]
batch_size = 128 if args.full else 32
steps = ceil(len(X_train) / batch_size)
print(f"{steps} steps an epoch; after one, the averages are still")
for momentum in (0.99, 0.9):
    print(f"  {momentum**steps:.0%} what they began with, for momentum={momentum}")

checked = (1, 2, 3, 4) if args.dataset == "mnist" else (1, 2, 4, 6, 8)
net = CNNClassifier(
    filters=(8, 8),
    hidden_size=64,
    batch_norm=True,
    batch_size=batch_size,
    memory=":memory:",
    random_state=0,
)
by_averages, by_images, variances = [], [], []
for epochs in checked:
    net.set_params(epochs=epochs).fit(X_train, y_train)
    by_averages.append(net.score(X_test, y_test))
    probabilities = np.asarray(net.model_(X_test, training=True))
    by_images.append((net.classes_[probabilities.argmax(axis=1)] == y_test).mean())
    norm = next(
        each for each in net.model_.layers if hasattr(each, "moving_variance")
    )
    variances.append(np.median(norm.moving_variance))

