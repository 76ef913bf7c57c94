"""
LeNet-5, a net of your own
==========================

The net of 1998 that read cheques: 61,706 parameters, written down in Keras as a
function, and an estimator by `KerasClassifier`. In the full run it gets more than 0.98
of MNIST's test images right.

.. code-block:: sh

    python examples/lesson/plot_08_lenet.py [--dataset mnist] [--full]

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
recognition", 1998.
"""

# %%
# Layer by layer, under the paper's names. Images of 28×28 pixels get a margin, so that
# strokes at the edge come to the middle of some kernel, and the paper's scale. As in
# most of today's versions, C3 looks at all maps of S2, pooling has no weights, and the
# output is a softmax.
from sknn_mnist import KerasClassifier
from sknn_mnist.display import FeatureMapsDisplay, KernelsDisplay
from sknn_mnist.lesson import arguments, load, save

# isort: split
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
assert net.count_params() == 61_706

# %%
# An estimator like any other: it compiles what the function makes for the labels that
# it is given, and the function's keywords are its parameters.
args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args, layout="image")
lenet = KerasClassifier(make_lenet, epochs=10 if args.full else 15, random_state=0)
lenet.fit(X_train, y_train)
print(f"LeNet-5, accuracy on the test set: {lenet.score(X_test, y_test):.4f}")

# %%
# What has become of it since: rectified units and maxima.
today = KerasClassifier(
    make_lenet,
    activation="relu",
    pooling="max",
    epochs=lenet.epochs,
    random_state=0,
)
today.fit(X_train, y_train)
print(f"relu, maxima, accuracy on the test set: {today.score(X_test, y_test):.4f}")

# %%
# The six kernels of C1, and what they make of some digits.
display = KernelsDisplay.from_estimator(lenet, layer=0).plot()
save(display.figure_, args, "08_lenet_kernels")
display = FeatureMapsDisplay.from_estimator(lenet, X_test[:4], "C1").plot()
save(display.figure_, args, "08_lenet_maps")
