"""
AlexNet, layer by layer
=======================

The net that won ImageNet's challenge of 2012: 62,378,344 parameters, for images of
227×227 pixels in three colours, and 1000 classes. Its table, with no weight drawn and
nothing trained.

.. code-block:: sh

    python examples/lesson/plot_10_alexnet.py

A. Krizhevsky, I. Sutskever, G. E. Hinton, "ImageNet classification with deep
convolutional neural networks", 2012.
"""

# %%
# The paper's net was cut in two towers for want of memory on its GPUs, and each saw
# half of the maps below. Here it is one tower; response normalisation, which has no
# parameters and has since been given up, is left out.
from math import prod

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sknn_mnist import KerasClassifier
from sknn_mnist.lesson import arguments, save

# isort: split
import keras  # after sknn_mnist, which starts TensorFlow without its chatter
from keras import layers


def make_alexnet(n_classes=1000, dropout=0.5):
    """Return AlexNet in one tower, not compiled."""
    convolution = {"activation": "relu", "padding": "same"}
    return keras.Sequential(
        [
            layers.Input((227, 227, 3)),
            layers.Conv2D(96, 11, strides=4, activation="relu", name="conv_1"),
            layers.MaxPooling2D(3, strides=2, name="pool_1"),
            layers.Conv2D(256, 5, **convolution, name="conv_2"),
            layers.MaxPooling2D(3, strides=2, name="pool_2"),
            layers.Conv2D(384, 3, **convolution, name="conv_3"),
            layers.Conv2D(384, 3, **convolution, name="conv_4"),
            layers.Conv2D(256, 3, **convolution, name="conv_5"),
            layers.MaxPooling2D(3, strides=2, name="pool_5"),
            layers.Flatten(name="flatten"),
            layers.Dense(4096, activation="relu", name="dense_6"),
            layers.Dropout(dropout, name="dropout_6"),
            layers.Dense(4096, activation="relu", name="dense_7"),
            layers.Dropout(dropout, name="dropout_7"),
            layers.Dense(n_classes, activation="softmax", name="output"),
        ],
        name="alexnet",
    )


# %%
# In this scope weights have shapes and no values, which would be 250 MB. The summary
# needs no more.
args = arguments(__doc__)
if args.full or args.dataset != "digits":
    print("this example trains nothing, whatever --dataset and --full say")
with keras.StatelessScope(initialize_variables=False):
    net = make_alexnet()
net.summary(line_length=72)
assert net.count_params() == 62_378_344

# %%
# The same as a table, with what an image costs: a kernel is multiplied with the maps
# before it at each pixel of the map that it makes, a weight of a dense layer once.


def multiplications(layer):
    """Return how many multiplications an image takes in a layer."""
    places = prod(layer.output.shape[1:3]) if isinstance(layer, layers.Conv2D) else 1
    return places * prod(layer.kernel.shape) if hasattr(layer, "kernel") else 0


table = pd.DataFrame(
    {
        "output": ["×".join(map(str, each.output.shape[1:])) for each in net.layers],
        "parameters": [each.count_params() for each in net.layers],
        "multiplications": [multiplications(each) for each in net.layers],
    },
    index=[each.name for each in net.layers],
)
total = table[["parameters", "multiplications"]].sum()
shown = pd.concat([table, total.to_frame("total").T]).fillna("")
print(
    shown.map(lambda cell: cell if isinstance(cell, str) else f"{cell:,}").to_markdown()
)

# %%
# Nearly all parameters are in the dense layers, nearly all of the work is in the
# convolutions.
weighted = table[table["parameters"] > 0]
figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout="constrained")
for ax, name in zip(axes, total.index, strict=True):
    millions = weighted[name] / 1e6
    bars = ax.barh(np.arange(len(weighted)), millions)
    ax.bar_label(bars, [f"{each:.2f}" for each in millions], padding=3)
    ax.set_title(f"{name}, millions ({total[name] / 1e6:,.1f} in all)")
    ax.margins(x=0.15)
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_yticks(np.arange(len(weighted)), weighted.index)
axes[0].invert_yaxis()
save(figure, args, "10_alexnet")

# %%
# As an estimator it has the function's keywords as parameters. To train it takes the
# 1.2 million images, and took two GPUs of 2012 six days.
clf = KerasClassifier(make_alexnet, n_classes=10)
print({name: clf.get_params()[name] for name in ("n_classes", "dropout")})
