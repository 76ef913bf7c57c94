"""
A Sequential net, and its summary
=================================

A net for images has to come from numbers to a word: from the brightness of some hundred
pixels to "this is a 7". The smallest net of the lesson does it in two steps, and each
step is school arithmetic. This chapter does them by hand, on a few numbers, before
Keras does them on many: a dense layer, relu, softmax, the cross-entropy that says how
wrong a guess is, and a step down its slope, which makes the guess less wrong.

After it you can read every line of a net's summary, and say where its 25,450 parameters
come from.

.. code-block:: sh

    python examples/lesson/plot_01_sequential_net.py [--dataset mnist] [--full]

Sources: F. Chollet, "Deep learning with Python", 2021. D. P. Kingma and J. Ba, "Adam: a
method for stochastic optimization", 2015. X. Glorot, A. Bordes and Y. Bengio, "Deep
sparse rectifier neural networks", 2011.
"""

# %%
# What a picture is to a net
# --------------------------
# 28 rows of 28 pixels, each a number from 0 (paper) to 1 (ink). A dense net does not
# know rows and columns: it gets the 784 numbers in one long row. All pictures together
# are a matrix with a row for each. (MNIST's pictures have this size. Those that come
# with scikit-learn have 8 by 8 pixels, and are brought to it.)
import matplotlib.pyplot as plt
import numpy as np

from sknn_mnist import DenseClassifier, build_dense
from sknn_mnist.lesson import arguments, claim, load, save

import keras  # after sknn_mnist, which starts TensorFlow without its chatter

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)
print("images to learn from:", X_train.shape, "labels:", y_train.shape)
print("images to test with:", X_test.shape, "labels:", y_test.shape)
figure, axes = plt.subplots(2, 5, figsize=(6.4, 3.2), layout="constrained")
for ax, pixels, label in zip(axes.flat, X_train, y_train, strict=False):
    ax.imshow(pixels.reshape(28, 28), cmap="gray_r")
    ax.set_title(f"{label}")
    ax.set_axis_off()
save(figure, args, "01_digits")

# %%
# A piece of the first picture, as the net sees it.
with np.printoptions(precision=1, suppress=True):
    print(X_train[0].reshape(28, 28)[10:18, 8:20])

# %%
# What a dense layer computes
# ---------------------------
# A *unit* multiplies each input by a weight of its own, adds the products, and adds one
# more number, its bias. A dense layer is some units side by side. Their weights are a
# matrix with a column for each unit, so that the layer is one product of matrices.
# Here are three inputs and two units.
inputs = np.array([1.0, 0.5, 0.0])
weights = np.array([[0.2, -1.0], [0.4, 0.0], [0.9, 0.3]])
biases = np.array([0.1, 0.2])
sums = inputs @ weights + biases
print("what the two units give:", sums)
print("the first, term by term:", 1.0 * 0.2 + 0.5 * 0.4 + 0.0 * 0.9 + 0.1)

# %%
# Relu: why a layer is not enough
# -------------------------------
# Two dense layers in a row are no more than one: a product of matrices is a matrix
# again. Something that is not linear has to stand between them. The usual choice is
# also the simplest, *relu*: negative numbers become 0, others stay. A unit then says
# how strongly it has found what it looks for, or nothing.
print("after relu:", np.maximum(sums, 0))

rng = np.random.default_rng(0)
first, second = rng.normal(size=(784, 32)), rng.normal(size=(32, 10))
claim(
    "without relu, two layers give what a single layer gives",
    np.allclose((X_test[:5] @ first) @ second, X_test[:5] @ (first @ second)),
)

# %%
# Softmax: from numbers to probabilities
# --------------------------------------
# The last layer has a unit for each digit. Its sums may be any numbers; what we want is
# how sure the net is of each digit: none below 0, all together 1. Softmax takes
# :math:`e` to the power of each, which makes them positive, and divides by the total.


def softmax(z):
    """Return the probabilities for some sums."""
    return np.exp(z) / np.exp(z).sum()


probabilities = softmax(np.array([2.0, 1.0, 0.1]))
print("softmax of 2.0, 1.0 and 0.1:", probabilities.round(3))
claim("they add up to 1", np.isclose(probabilities.sum(), 1))
claim(
    "only differences count: the same 100 higher gives the same",
    np.allclose(softmax(np.array([102.0, 101.0, 100.1])), probabilities),
)

# %%
# Cross-entropy: how wrong a guess is
# -----------------------------------
# To learn, a net needs a single number that says how wrong it is, the *loss*. The
# cross-entropy of a guess is minus the logarithm of the probability that it gave to the
# right answer. Sure and right costs nothing; sure and wrong costs a great deal; and to
# know nothing of ten digits costs :math:`\log 10`.
print("right, the first class was it: ", -np.log(probabilities[0]).round(3))
print("wrong, the third class was it: ", -np.log(probabilities[2]).round(3))
print("knows nothing, 1/10 for each:  ", -np.log(1 / 10).round(3))
print("sure (0.999), and right:       ", -np.log(0.999).round(3))
print("sure (0.999), and wrong (10^-4):", -np.log(0.0001).round(3))

# %%
# Sparse or one-hot labels
# ------------------------
# The right answer can be told in two ways: as a number (*sparse*: 7), or as a row of
# ten numbers, all 0 but the one of the right digit (*one-hot*). Keras has a loss for
# each. They are two spellings of the same thing, and give the same number; mixing them
# up is an error. Numbers are shorter, and scikit-learn wants them, so the net below
# takes the sparse loss.
guesses = np.array([probabilities, probabilities], dtype="float32")
answers = np.array([0, 2])
one_hot = keras.utils.to_categorical(answers, num_classes=3)
print(one_hot)
sparse_loss = float(keras.losses.SparseCategoricalCrossentropy()(answers, guesses))
one_hot_loss = float(keras.losses.CategoricalCrossentropy()(one_hot, guesses))
print(f"sparse: {sparse_loss:.4f}, one-hot: {one_hot_loss:.4f}")
claim("both losses give the same number", np.isclose(sparse_loss, one_hot_loss))
claim(
    "it is the mean of the two logarithms",
    np.isclose(sparse_loss, -np.log(probabilities[[0, 2]]).mean()),
)

# %%
# One step downhill, by hand
# --------------------------
# To learn is to change the weights so that the loss falls. Take the layer of three
# inputs and two units from above, put softmax behind it, and say that the second class
# is right. How does the loss change when one weight is changed a little? That is the
# *slope* along this weight; the slopes along all weights and biases together are the
# *gradient*. For softmax with cross-entropy it is short: the probability that a class
# was given, less 1 for the right class, times the input. A bias has 1 for its input.
right = np.array([0.0, 1.0])  # one-hot


def loss_of(weights, biases):
    """Return the cross-entropy of the guess for the three inputs."""
    return -np.log(softmax(inputs @ weights + biases) @ right)


error = softmax(inputs @ weights + biases) - right
weight_slopes = np.outer(inputs, error)
bias_slopes = error
print("slopes along the weights:")
print(weight_slopes.round(3) + 0.0)  # + 0.0, so that no 0 is printed as -0
nudged = weights.copy()
nudged[0, 1] += 1e-6
change = loss_of(nudged, biases) - loss_of(weights, biases)
claim(
    "a weight raised by a millionth changes the loss by a millionth of its slope",
    np.isclose(change / 1e-6, weight_slopes[0, 1], atol=1e-4),
)
claim("a weight whose input is 0 has no slope", np.all(weight_slopes[2] == 0))

# %%
# The slope points uphill, so each weight goes the other way: by its slope, times a
# small number, the *learning rate*. With a small rate many steps are needed. With one
# that is too large, steps go too far, and the loss may rise.
learning_rate = 0.1
before = loss_of(weights, biases)
after = loss_of(
    weights - learning_rate * weight_slopes, biases - learning_rate * bias_slopes
)
print(f"loss before the step: {before:.3f}, after it: {after:.3f}")
claim("the step has made the guess less wrong", after < before)

# %%
# A net of two layers needs the slopes along the weights of its first layer too. The
# chain rule gives them, layer by layer, from the loss back towards the inputs: this is
# *backpropagation*. Keras does it in each step, for all parameters.

# %%
# The net, in Keras
# -----------------
# A ``Sequential`` net is a stack of layers: 784 numbers go in, 32 hidden units with
# relu look at them, ten units with softmax look at those. The seed makes the random
# numbers that it begins with the same in each run. In the summary, ``None`` stands for
# the number of images: it may be any.
keras.utils.set_random_seed(0)
net = keras.Sequential(
    [
        keras.layers.Input((784,)),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
net.summary(line_length=72)

# %%
# Where the parameters come from
# ------------------------------
# Parameters are what is learnt: weights and biases. A dense layer has a weight for each
# pair of an input and a unit, and a bias for each unit.
hidden = 784 * 32 + 32
output = 32 * 10 + 10
print(f"hidden layer: 784 * 32 + 32 = {hidden:6,}")
print(f"output layer:  32 * 10 + 10 = {output:6,}")
print(f"the net:                      {hidden + output:6,}")
claim("Keras counts as many", net.count_params() == hidden + output == 25_450)

# %%
# Nothing has been learnt yet: the weights are small random numbers, and the biases 0.
# What the net says now is what the arithmetic above says.
(W1, b1), (W2, b2) = (layer.get_weights() for layer in net.layers)
by_hand = softmax(np.maximum(X_test[0] @ W1 + b1, 0) @ W2 + b2)
by_keras = np.asarray(net(X_test[:1]))[0]
print("by hand: ", by_hand.round(3))
print("by Keras:", by_keras.round(3))
claim("the net computes what was said", np.allclose(by_hand, by_keras, atol=1e-5))

# %%
# Compile: the loss, the optimizer, what to report
# ------------------------------------------------
# *Adam* is the optimizer: it looks at the slope of the loss along each of the 25,450
# parameters and moves each a small step downhill. It remembers the recent slopes of
# each parameter, and by them gives each a step of a length of its own. Its learning
# rate is 0.001, unless one says otherwise.
net.compile(
    optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"]
)
claim("Adam's learning rate is 0.001", np.isclose(net.optimizer.learning_rate, 0.001))
loss, accuracy = net.evaluate(X_test, y_test, verbose=0)
print(f"untrained: loss {loss:.2f}, accuracy {accuracy:.2f}; log(10) is 2.30")
claim("an untrained net is about as good as knowing nothing", 2 < loss < 3)

# %%
# Batches and epochs
# ------------------
# One could compute the loss of all training images for each step. That would be a
# precise slope, at a high price. Instead each step looks at a *batch* of 128 images,
# drawn by chance: a rougher slope, but many more steps in the same time. When all
# images have had their turn, an *epoch* is over. The last batch is smaller where the
# division does not come out even.
batch_size, epochs = 128, 10
full_batches, rest = divmod(len(X_train), batch_size)
steps = full_batches + (rest > 0)
print(
    f"{len(X_train)} images: {full_batches} batches of {batch_size}, {rest} left over"
)
print(f"{steps} steps an epoch, {steps * epochs} steps in {epochs} epochs")

# %%
# Fit, evaluate
# -------------
# ``fit`` takes these steps; ``evaluate`` gives the loss and the accuracy on images that
# took no part. Why they must be others is what the next chapter is about.
net.fit(X_train, y_train, batch_size=batch_size, epochs=epochs, verbose=0)
claim("Adam took as many steps", int(net.optimizer.iterations) == steps * epochs)
loss, accuracy = net.evaluate(X_test, y_test, verbose=0)
print(f"Keras: loss {loss:.3f}, accuracy {accuracy:.4f}")
claim("more than 8 of 10 new images are told", accuracy > 0.8)
claim("the loss is less than half of that of knowing nothing", loss < np.log(10) / 2)

# %%
# The same as an estimator
# ------------------------
# :func:`~sknn_mnist.build_dense` builds this net, and
# :class:`~sknn_mnist.DenseClassifier` builds, compiles and trains it: it finds the
# shapes and the classes in the data. Its defaults are the numbers of this chapter: 32
# hidden units, batches of 128, 10 epochs, Adam, the sparse loss. What one gains is a
# scikit-learn estimator, which can be searched over, cross-validated and put in a
# pipeline.
#
# Its accuracy is not quite that of the net above. The estimator takes its random
# numbers from the same seed in another way, so it begins with other weights, and sees
# the images in another order. On few test images such luck is worth about 0.01.
claim("build_dense builds as many parameters", build_dense().count_params() == 25_450)
clf = DenseClassifier(hidden_size=32, epochs=10, random_state=0).fit(X_train, y_train)
print(f"accuracy on the test set: {clf.score(X_test, y_test):.4f}")
claim(
    "the two accuracies differ by less than 0.05",
    abs(clf.score(X_test, y_test) - accuracy) < 0.05,
)
print("this image is a", clf.predict(X_test[:1])[0], "and its label is", y_test[0])
print("probabilities:", clf.predict_proba(X_test[:1])[0].round(3))

# %%
# Try it
# ------
# What changes with batches of 32, ``DenseClassifier(batch_size=32, random_state=0)``?
# First work out how many steps ten epochs have then.
#
# .. dropdown:: Answer
#
#    There are four times as many steps. The bundled digits have 1,437 images to learn
#    from, that is 45 batches (44 of 32 and one of 29) instead of 12, and 450 steps in
#    ten epochs instead of 120. After only 120 steps this net has not finished learning,
#    so it gains: about 0.95 on the test set instead of 0.90 to 0.93, which depends on
#    the seed. With 38 epochs of batches of 128, which is about as many steps, it comes
#    to about 0.96. The price is time: four times as many steps take longer, though each
#    is smaller.
