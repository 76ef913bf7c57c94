"""
AlexNet, layer by layer
=======================

What takes LeNet from digits to photographs? AlexNet, which won ImageNet's challenge of
2012, is the same plan at another size: five convolutions, three poolings, three dense
layers, some 60 million parameters, for images of 227×227 pixels in three colours and
1000 classes. What made it work at this size: rectified units, which learn fast, dropout
against overfitting, two GPUs, and 1.2 million labelled photographs.

Nobody trains it on a laptop, but its table tells what a net costs and where: nearly all
*parameters* are in one place, nearly all of the *work* in another. So here is the
table, with no weight drawn and nothing trained.

.. code-block:: sh

    python examples/lesson/plot_10_alexnet.py

A. Krizhevsky, I. Sutskever, G. E. Hinton, "ImageNet classification with deep
convolutional neural networks", 2012.
"""

# %%
# The net as a function
# ---------------------
# The paper's net was cut in two halves, for want of memory on its GPUs. In three of its
# convolutions each half saw only its own maps. Here it is one piece, unless
# ``halves=2``. Response normalisation, which has no parameters and has since been given
# up, is left out.
#
# ``strides`` says by how many pixels a window moves on: the first kernels by four. A
# pooling window of 3×3 moves on by two, so windows overlap.
from math import prod

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sknn_mnist import KerasClassifier
from sknn_mnist.lesson import arguments, claim, save

import keras  # after sknn_mnist, which starts TensorFlow without its chatter
from keras import layers


def make_alexnet(n_classes=1000, dropout=0.5, halves=1):
    """Return AlexNet, not compiled."""
    convolution = {"activation": "relu", "padding": "same"}
    halved = {**convolution, "groups": halves}
    return keras.Sequential(
        [
            layers.Input((227, 227, 3)),
            layers.Conv2D(96, 11, strides=4, activation="relu", name="conv_1"),
            layers.MaxPooling2D(3, strides=2, name="pool_1"),
            layers.Conv2D(256, 5, **halved, name="conv_2"),
            layers.MaxPooling2D(3, strides=2, name="pool_2"),
            layers.Conv2D(384, 3, **convolution, name="conv_3"),
            layers.Conv2D(384, 3, **halved, name="conv_4"),
            layers.Conv2D(256, 3, **halved, name="conv_5"),
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
# needs no more. Going down it, maps become smaller and more numerous, as in LeNet.
args = arguments(__doc__)
if args.full or args.dataset != "digits":
    print("this example trains nothing, whatever --dataset and --full say")
with keras.StatelessScope(initialize_variables=False):
    net = make_alexnet()
net.summary(line_length=72)
claim("in one piece it has 62,378,344 parameters", net.count_params() == 62_378_344)

# %%
# The paper's own net has fewer, since a kernel that sees half of the maps has half of
# the weights.
with keras.StatelessScope(initialize_variables=False):
    paper = make_alexnet(halves=2)
claim("in two halves it has 60,965,224", paper.count_params() == 60_965_224)

# %%
# What it costs
# -------------
# The same as a table, with the multiplications that one image takes: a kernel is
# multiplied with the maps before it at each position of the map that it makes, a weight
# of a dense layer is used once.


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
# A convolution uses few weights many times, a dense layer many weights once. So the
# parameters, which take memory and can overfit, are in the dense layers, and that is
# where AlexNet has its dropout. The work is in the convolutions.
weighted = table[table["parameters"] > 0]
convolutional = weighted.index.str.startswith("conv")
share = weighted[convolutional].sum(numeric_only=True) / total
print(share.map("{:.1%} in the convolutions".format).to_string())
claim("over 90 % of the parameters are in dense layers", share["parameters"] < 0.1)
claim("over 90 % of the work is in convolutions", share["multiplications"] > 0.9)

figure, axes = plt.subplots(2, 1, figsize=(6.4, 6.8), layout="constrained")
colours = np.where(convolutional, "#0072B2", "#D55E00")
for ax, name in zip(axes, total.index, strict=True):
    millions = weighted[name].astype(float) / 1e6
    bars = ax.barh(np.arange(len(weighted)), millions, color=colours)
    ax.bar_label(bars, [f"{each:.2f}" for each in millions], padding=3)
    ax.set_title(f"{name}, millions ({total[name] / 1e6:,.1f} in all)")
    ax.set_yticks(np.arange(len(weighted)), weighted.index)
    ax.invert_yaxis()
    ax.margins(x=0.15)
    ax.spines[["top", "right"]].set_visible(False)
save(figure, args, "10_alexnet")

# %%
# As an estimator
# ---------------
# It has the function's keywords as parameters. To train it takes the 1.2 million
# images, and took two GPUs of 2012 five to six days, says the paper.
clf = KerasClassifier(make_alexnet, n_classes=10)
print({name: clf.get_params()[name] for name in ("n_classes", "dropout", "halves")})

# %%
# Try it
# ------
# The paper says that images have 224×224 pixels. Why 227 here?
#
# .. dropdown:: Answer
#
#    The paper's first maps have 55×55 positions. Kernels of 11 pixels that move on by 4
#    give (227 - 11)/4 + 1 = 55 positions along a side. From 224 pixels it is 54 with
#    1 pixel over, and what follows is smaller: the last pooling gives 5×5 maps, not
#    6×6, and the first dense layer has 6,400 × 4096 weights, not 9,216 × 4096. The net
#    then has 50,844,008 parameters. (With two or three zeros at each edge 224 fits as
#    well; the paper does not say.)
