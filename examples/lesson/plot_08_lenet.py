"""
LeNet-5, a net of your own
==========================

Nobody knows which kernels read digits best, so a net learns them from examples, all
layers at once. LeNet-5 did it in 1998, and read cheques in banks. Its plan is still in
use: convolutions find strokes, pooling makes their places less exact, the next
convolutions put strokes together, and dense layers at the end decide. On the way the
maps become smaller and more numerous: less of *where*, more of *what*.

It has 61,706 parameters. Here it is written down in Keras as a function, and becomes an
estimator by :class:`~sknn_mnist.KerasClassifier`.

.. code-block:: sh

    python examples/lesson/plot_08_lenet.py [--dataset mnist] [--full]

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
recognition", 1998.
"""

# %%
# Layer by layer
# --------------
# Under the paper's names: C for convolution, S for subsampling, F for fully connected.
# Images of 28×28 pixels get a margin, so that strokes at the edge come to the middle of
# some kernel, and the paper's scale of pixels: times 1.275, less 0.1, so that paper is
# -0.1 and ink 1.175. The activation is ``tanh``, which squeezes each value to the range
# from -1 to 1. As in most of today's versions, C3 looks at all maps of S2, pooling has
# no weights, and the output is a softmax.
import numpy as np
import pandas as pd

from sknn_mnist import KerasClassifier
from sknn_mnist.display import FeatureMapsDisplay, HistoryDisplay, KernelsDisplay
from sknn_mnist.inspection import convolution_kernels
from sknn_mnist.lesson import arguments, claim, load, save

import keras  # after sknn_mnist, which starts TensorFlow without its chatter
from keras import layers

POOLING = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}


def make_lenet(activation="tanh", pooling="average"):
    """Return LeNet-5 for images of 28×28 pixels, not compiled."""
    return keras.Sequential(
        [
            layers.Input((28, 28)),
            layers.Reshape((28, 28, 1), name="image"),
            layers.ZeroPadding2D(2, name="margin"),
            layers.Rescaling(1.275, offset=-0.1, name="scale"),
            layers.Conv2D(6, 5, activation=activation, name="C1"),
            POOLING[pooling](2, name="S2"),
            layers.Conv2D(16, 5, activation=activation, name="C3"),
            POOLING[pooling](2, name="S4"),
            layers.Flatten(name="flat"),
            layers.Dense(120, activation=activation, name="C5"),
            layers.Dense(84, activation=activation, name="F6"),
            layers.Dense(10, activation="softmax", name="output"),
        ],
        name="lenet_5",
    )


net = make_lenet()
net.summary(line_length=72)

# %%
# Where its parameters are. A *filter* is what makes one map: it has a kernel for each
# map before it, and a bias. Each unit of a dense layer has a weight for each value
# before it, and a bias.
table = pd.DataFrame(
    {
        "output": {
            each.name: "×".join(map(str, each.output.shape[1:])) for each in net.layers
        },
        "parameters": {each.name: each.count_params() for each in net.layers},
    }
)
table = table[table["parameters"] > 0]
table["as"] = [
    "6·(5·5·1 + 1)",
    "16·(5·5·6 + 1)",
    "120·(5·5·16 + 1)",
    "84·(120 + 1)",
    "10·(84 + 1)",
]
print(table.to_markdown())
claim("LeNet-5 has 61,706 parameters", net.count_params() == 61_706)
convolutions = table.loc[["C1", "C3"], "parameters"].sum()
claim("2,572 of them in the convolutions C1 and C3", convolutions == 2_572)
for parameters, text in zip(table["parameters"], table["as"], strict=True):
    claim(f"{parameters:,} = {text}", parameters == eval(text.replace("·", "*")))

# %%
# As an estimator
# ---------------
# Like any other: it compiles what the function makes for the labels that it is given,
# and the function's keywords are its parameters. So the net of 1998 and what has become
# of it since, rectified units (``relu``) and maxima, are the same function.
args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args, layout="image")
options = {
    "epochs": 10 if args.full or args.dataset == "mnist" else 15,
    "validation_split": 0.2,
    "random_state": 0,
}
lenet = KerasClassifier(make_lenet, **options).fit(X_train, y_train)
today = KerasClassifier(make_lenet, activation="relu", pooling="max", **options)
today.fit(X_train, y_train)
nets = {"1998": lenet, "relu, maxima": today}
scores = {name: net.score(X_test, y_test) for name, net in nets.items()}
for name, score in scores.items():
    print(f"{name}, accuracy on the test set: {score:.4f}")
display = HistoryDisplay.from_estimator(nets).plot()
save(display.figure_, args, "08_lenet_learning_curves")

# %%
# On the bundled digits an epoch is nine steps only, and in the first of them the net of
# 1998 learns faster. The other one catches up.
newer, older = nets["relu, maxima"], nets["1998"]
if args.dataset == "digits":
    claim(
        "in the first epoch the net of 1998 has the lower loss",
        older.history_["loss"][0] < newer.history_["loss"][0],
    )
claim(
    "in the end the newer one is not behind by more than 1 % of the test set",
    scores["relu, maxima"] > scores["1998"] - 0.01,
)
if args.full and args.dataset == "mnist":
    claim("on all of MNIST both get more than 98 % right", min(scores.values()) > 0.98)

# %%
# The kernels of C1
# -----------------
# Six, each of 5×5 weights: orange is positive, violet negative, white 0.
display = KernelsDisplay.from_estimator(lenet, layer=0).plot()
save(display.figure_, args, "08_lenet_kernels")

# %%
# They look as if they meant something. But each was drawn at random, and training has
# moved it from there. To see how far, we make the same net again and train it with a
# learning rate of nearly 0. The correlation of both is 1 where nothing was learned. On
# the bundled digits it is not far from that: what you see is mostly the draw.
start = KerasClassifier(
    make_lenet,
    epochs=1,
    optimizer="adam",
    optimizer__learning_rate=1e-9,
    random_state=0,
).fit(X_train[:100], y_train[:100])
kernels = [convolution_kernels(net, 0).ravel() for net in (lenet, start)]
alike = np.corrcoef(*kernels)[0, 1]
print(f"correlation of C1's weights with their beginning: {alike:.2f}")
if args.dataset == "digits":
    claim("C1's kernels are mostly as they were drawn", alike > 0.8)

# %%
# What they make of four digits, a row each: every map is the digit, seen by one kernel.
# Some keep the strokes, some their edges on one side. After ``tanh`` a value may be
# negative: yellow is the highest, dark blue the lowest, and paper, near 0, is grey. A
# digit in blue is from a kernel whose weights are negative on the whole.
display = FeatureMapsDisplay.from_estimator(lenet, X_test[:4], "C1").plot()
save(display.figure_, args, "08_lenet_maps")

# %%
# Try it
# ------
# The paper calls C5 a convolution. Here it is a dense layer. What is the difference?
#
# .. dropdown:: Answer
#
#    For this size of image, none. S4 gives maps of 5×5, and a kernel of 5×5 fits on
#    them at one position only, so each of its weights is used once: a dense layer, with
#    as many parameters, 120·(5·5·16 + 1) = 48,120. With a larger image the maps of S4
#    would be larger too. Then the convolution would slide and give an answer for each
#    place, with the same weights, and the dense layer would not fit.
