"""
Dropout: with, without, and as an average of nets
=================================================

A large net has room to learn its training images by heart: one unit for this smudge,
another that corrects the first. Dropout stops such arrangements. At each training step
it sets a random half of the hidden units to 0, so that no unit can rely on another one
being there. What a unit learns has to be of use by itself, and the net overfits less.

There is a second way to see it. Each choice of units is a net of its own, a thinned
one, and all of them share their weights. Training with dropout trains a great many nets
at once, and a prediction by all units stands for the average of them all. Averages of
nets mostly predict better than one net.

.. code-block:: sh

    python examples/lesson/plot_06_dropout.py [--dataset mnist] [--full]

Sources: N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov,
"Dropout: a simple way to prevent neural networks from overfitting", 2014. Y. Gal and
Z. Ghahramani, "Dropout as a Bayesian approximation: representing model uncertainty in
deep learning", 2016.
"""

# %%
# The same net, with and without
# ------------------------------
# Two wide hidden layers. ``dropout=0.5`` puts a ``Dropout`` layer behind each of them,
# which has no parameters. In training it sets each unit to 0 with a probability of 0.5
# and doubles the others, so that what arrives in the next layer is as large as before,
# on average. When the net predicts, the layer does nothing.
#
# Two nets differ by luck alone: by the weights they begin with and the order of the
# images. One net of each kind would not tell luck from dropout, so there are several,
# from the same seeds.
import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

from sknn_mnist import DenseClassifier
from sknn_mnist.display import HistoryDisplay
from sknn_mnist.lesson import arguments, claim, load, save

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)
large = len(X_train) > 10_000  # --dataset mnist --full
sizes = (1024, 1024) if large else (256, 256)
epochs = 10 if large else 30
n_seeds = 3 if large else 5


def trained(dropout, seed):
    """Return a net that was trained with this much dropout."""
    return DenseClassifier(
        hidden_size=sizes,
        dropout=dropout,
        epochs=epochs,
        validation_split=0.2,
        random_state=seed,
    ).fit(X_train, y_train)


without = [trained(0.0, seed) for seed in range(n_seeds)]
with_dropout = [trained(0.5, seed) for seed in range(n_seeds)]

# %%
# What the curves show
# --------------------
# The first net of each kind. Without dropout the training accuracy comes near to 1:
# the net knows its training images by heart. With dropout it can't, since each step
# shows the images to another net. (Part of the distance is in the measurement: Keras
# computes the training accuracy while units are missing, and the held-out accuracy
# with all of them.) The axis of the loss is logarithmic, and that of the accuracy
# begins at 0.8, so that the last epochs can be told apart.
display = HistoryDisplay.from_estimator(
    {"dropout=0.0": without[0], "dropout=0.5": with_dropout[0]}
).plot()
display.ax_[0].set_yscale("log")
display.ax_[1].set_ylim(0.8, 1.01)
save(display.figure_, args, "06_dropout_learning_curves")


def at_the_end(nets, metric):
    """Return a metric after the last epoch, as a mean over the nets."""
    return np.mean([net.history_[metric][-1] for net in nets])


for name, nets in (("without", without), ("with", with_dropout)):
    print(
        f"{name:>8}: training accuracy {at_the_end(nets, 'accuracy'):.4f}, "
        f"held out {at_the_end(nets, 'val_accuracy'):.4f}"
    )
claim(
    "without dropout the net knows more than 99 of 100 training images",
    at_the_end(without, "accuracy") > 0.99,
)
claim(
    "with dropout the training accuracy stays below that",
    at_the_end(with_dropout, "accuracy") < at_the_end(without, "accuracy"),
)
times, times_with = (
    at_the_end(nets, "val_loss") / at_the_end(nets, "loss")
    for nets in (without, with_dropout)
)
print(f"held-out loss over training loss: without {times:.1f}, with {times_with:.1f}")
claim("without dropout the two losses are more than three times apart", times > 3)
claim("with dropout they are nearer to each other", 1 / times < times_with < times)

# %%
# Is it any better?
# -----------------
# The lesson says that dropout makes its net no better on MNIST. That can be settled:
# test each net, subtract the one without from the one with dropout of the same seed,
# and hold the mean of these differences against their spread. The *standard error* is
# the spread divided by the root of their number; it says how far off the mean is by
# luck, typically. If dropout changed nothing, luck alone would put the mean more than
# 2.8 standard errors from 0 in only 1 of 20 cases (Student's *t*, for five differences;
# for three it is 4.3). So we call that a difference.
scores = {
    "without": np.array([net.score(X_test, y_test) for net in without]),
    "with dropout": np.array([net.score(X_test, y_test) for net in with_dropout]),
}
for name, each in scores.items():
    print(f"{name}, accuracy on the test set: {each.mean():.4f}")
differences = scores["with dropout"] - scores["without"]
error = differences.std(ddof=1) / np.sqrt(n_seeds)
print(f"with minus without: {differences.mean():+.4f}, standard error {error:.4f}")
needed = stats.t.ppf(0.975, n_seeds - 1)
print(f"evidence begins at {needed:.1f} standard errors: {needed * error:.4f}")
told = abs(differences.mean()) > needed * error
print("that is", "a difference" if told else "no evidence of a difference")

# %%
# The scores as a picture. Each row has a dot for each seed, the first seed lowest: dots
# at the same height in their row began with the same seed.
figure, ax = plt.subplots(figsize=(6.4, 2.6), layout="constrained")
for row, each in enumerate(scores.values()):
    ax.plot(each, row + np.linspace(-0.25, 0.25, n_seeds), "o", markersize=8, alpha=0.7)
    ax.plot([each.mean()] * 2, [row - 0.4, row + 0.4], color="black")
ax.set_yticks(range(len(scores)), list(scores))
ax.set_ylim(-0.6, 1.6)
ax.locator_params(axis="x", nbins=6)
ax.set_xlabel("accuracy on the test set: a dot a seed, a line their mean")
ax.grid(alpha=0.3)
save(figure, args, "06_dropout_over_seeds")

# %%
# What it says
# ------------
# On the bundled digits, where this page was made, the two are close together. Their 360
# test images are few: a single one counts for 0.3 points. On all of MNIST, with layers
# of 1,024 units (``--dataset mnist --full``), it printed:
#
# .. code-block:: text
#
#     without, accuracy on the test set: 0.9776
#     with dropout, accuracy on the test set: 0.9815
#     with minus without: +0.0039, standard error 0.0005
#     that is a difference
#
# So dropout is better on MNIST, for this net and 10 epochs, if by little: it gets some
# 40 of the 10,000 images more. Each of its three nets was better than its sister. A
# difference as small as that is easily missed: on a small test set, or where one net of
# each kind is trained and luck decides. Then one sees the lesson's "no better".
if large:
    claim("dropout is better", differences.mean() > 0)
    claim("it is so by less than a point", differences.mean() < 0.01)
else:
    claim("the means differ by less than 1.5 points", abs(differences.mean()) < 0.015)

# %%
# A prediction by all units
# -------------------------
# Now the second way to see it. Each hidden unit is there or not, so two layers of 256
# have :math:`2^{512}` thinned nets, too many to ask. The net with all units stands for
# them: in training Keras has scaled the units that were left, so nothing needs to be
# scaled now. (The paper scales down the weights after training instead, which comes to
# the same. Hence the name *down-weighted* net.)
clf = with_dropout[0]
model = clf.model_
down_weighted = clf.predict_proba(X_test)

# %%
# The average of sub-networks
# ---------------------------
# How good a stand-in is it? Draw some of the thinned nets (``training=True`` leaves
# dropout on) and average what they predict: *Monte Carlo dropout*. The mean of the
# lesson is geometric: multiply the probabilities of all nets, take the root, and scale
# the ten results to a sum of 1.
n_nets = 50 if large else 30
each = np.stack([np.asarray(model(X_test, training=True)) for _ in range(n_nets)])
counts = np.arange(1, n_nets + 1)
arithmetic = np.cumsum(each, axis=0) / counts[:, None, None]
logs = np.cumsum(np.log(np.maximum(each, 1e-30)), axis=0) / counts[:, None, None]
geometric = np.exp(logs)
geometric /= geometric.sum(axis=2, keepdims=True)


def accuracy(probabilities):
    """Return the fraction of right answers, for each number of nets."""
    return (clf.classes_[probabilities.argmax(axis=-1)] == y_test).mean(axis=-1)


figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
ax.plot(counts, accuracy(arithmetic), label="arithmetic mean of sub-networks")
ax.plot(counts, accuracy(geometric), "--", label="geometric mean of sub-networks")
ax.axhline(accuracy(down_weighted), color="black", label="the down-weighted net")
ax.set_xlabel("sub-networks")
ax.set_ylabel("accuracy on the test set")
ax.grid(alpha=0.3)
figure.legend(loc="outside upper center")
save(figure, args, "06_monte_carlo_dropout")
print(f"one sub-network: {accuracy(each).mean():.4f}")
print(f"arithmetic mean of {n_nets}: {accuracy(arithmetic)[-1]:.4f}")
print(f"geometric mean of {n_nets}: {accuracy(geometric)[-1]:.4f}")
print(f"down-weighted net: {accuracy(down_weighted):.4f}")
claim(
    "from ten sub-networks on, each mean is within 1.5 points of the down-weighted net",
    all(
        np.abs(accuracy(mean)[9:] - accuracy(down_weighted)).max() < 0.015
        for mean in (arithmetic, geometric)
    ),
)
claim(
    f"{n_nets} sub-networks together do better than one alone, on average",
    min(accuracy(arithmetic)[-1], accuracy(geometric)[-1]) > accuracy(each).mean(),
)
claim(
    "so does the down-weighted net, which costs no more than one of them",
    accuracy(down_weighted) > accuracy(each).mean(),
)

# %%
# A step in the picture is one image (on the bundled digits of 360, or 0.3 points). Two
# or three steps above or below the black line are luck, of the images and of the draws,
# and say nothing about which is better.

# %%
# Which mean it stands for
# ------------------------
# The down-weighted net stands for the geometric mean more than for the arithmetic one.
# For a softmax right after the dropout it would be equal to the geometric mean of all
# thinned nets. The softmax of sums :math:`z` has :math:`\log p_i = z_i - \log \sum_j
# e^{z_j}`. The geometric mean takes the mean of these logarithms; the mean of the
# :math:`z_i` over all thinned nets is the :math:`z_i` of the net with all units; and
# the rest is the same for all digits, so that scaling to a sum of 1 takes it away. With
# a hidden layer in between, as here, it is near.
distances = {
    name: np.abs(mean - down_weighted).mean()
    for name, mean in (("arithmetic", arithmetic[-1]), ("geometric", geometric[-1]))
}
for name, distance in distances.items():
    print(f"{name} mean, distance to the down-weighted net: {distance:.5f}")
claim(
    "the geometric mean is nearer to the down-weighted net",
    distances["geometric"] < distances["arithmetic"],
)

# %%
# Gal and Ghahramani read the same draws in another way. Where the thinned nets
# disagree about an image, the net is uncertain about it.
disagreement = each.std(axis=0).max(axis=1)
right = clf.predict(X_test) == y_test
print(f"spread over sub-networks where it is right: {disagreement[right].mean():.3f}")
print(f"where it is wrong: {disagreement[~right].mean():.3f}")
claim(
    "the sub-networks disagree more about the images that the net gets wrong",
    disagreement[~right].mean() > disagreement[right].mean(),
)

# %%
# Try it
# ------
# Is dropout good for a small net too? Take ``hidden_size=16`` and ``epochs=30``, with
# ``dropout=0.0`` and ``dropout=0.5``, and compare both accuracies, in training and on
# the test set.
#
# .. dropdown:: Answer
#
#    No. On the bundled digits, means of five seeds: without dropout 0.93 on the test
#    set, with it 0.89. With 16 units there is nothing to spare. The net does not
#    overfit: it has 0.95 on its training images without dropout, and 0.91 with. (The
#    history says 0.54, since half of the units are missing when Keras computes that.)
#    Dropout is a means against overfitting. A net that fits too little needs the
#    opposite: more units, or more epochs.
