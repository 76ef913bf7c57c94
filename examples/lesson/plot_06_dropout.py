"""
Dropout: with, without, and as an average of nets
=================================================

Dropout sets a random half of the hidden units to 0 at each step. The net can't rely on
single units, and overfits less. It is also many nets in one: each choice of units is a
net of its own, and a prediction by all units, scaled down, stands for the average of
them all.

.. code-block:: sh

    python examples/lesson/plot_06_dropout.py [--dataset mnist] [--full]

N. Srivastava and others, "Dropout: a simple way to prevent neural networks from
overfitting", 2014. Y. Gal and Z. Ghahramani, "Dropout as a Bayesian approximation",
2016.
"""

# %%
# The same net with and without.
import matplotlib.pyplot as plt
import numpy as np

from sknn_mnist import DenseClassifier
from sknn_mnist.display import HistoryDisplay
from sknn_mnist.lesson import arguments, load, save

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)
sizes = (1024, 1024) if args.full else (256, 256)
epochs = 10 if args.full else 30
nets = {
    f"dropout={rate}": DenseClassifier(
        hidden_size=sizes,
        dropout=rate,
        epochs=epochs,
        validation_split=0.2,
        random_state=0,
    ).fit(X_train, y_train)
    for rate in (0.0, 0.5)
}
for name, net in nets.items():
    print(f"{name}: accuracy on the test set: {net.score(X_test, y_test):.4f}")
display = HistoryDisplay.from_estimator(nets).plot()
save(display.figure_, args, "06_dropout_learning_curves")

# %%
# A prediction by the down-weighted net: all units are there, and Keras has scaled what
# they give in training, so that it needs no scaling now.
clf = nets["dropout=0.5"]
model = clf.model_
down_weighted = clf.predict_proba(X_test)

# %%
# Monte Carlo dropout: draw sub-networks (`training=True` leaves dropout on), and
# average what they predict. The mean of the lesson is geometric: multiply the
# probabilities, take the root, and scale them to a sum of 1.
n_nets = 50 if args.full else 30
each = np.stack([np.asarray(model(X_test, training=True)) for _ in range(n_nets)])
counts = np.arange(1, n_nets + 1)
arithmetic = np.cumsum(each, axis=0) / counts[:, None, None]
logs = np.cumsum(np.log(np.maximum(each, 1e-30)), axis=0) / counts[:, None, None]
geometric = np.exp(logs)
geometric /= geometric.sum(axis=2, keepdims=True)


def accuracy(probabilities):
    """Return the fraction of right answers, for each number of nets."""
    return (clf.classes_[probabilities.argmax(axis=-1)] == y_test).mean(axis=-1)


figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
ax.plot(counts, accuracy(arithmetic), label="arithmetic mean of sub-networks")
ax.plot(counts, accuracy(geometric), "--", label="geometric mean of sub-networks")
ax.axhline(accuracy(down_weighted), color="black", label="the down-weighted net")
ax.set_xlabel("sub-networks")
ax.set_ylabel("accuracy on the test set")
ax.grid(alpha=0.3)
ax.legend()
save(figure, args, "06_monte_carlo_dropout")
print(f"one sub-network: {accuracy(each).mean():.4f}")
print(f"arithmetic mean of {n_nets}: {accuracy(arithmetic)[-1]:.4f}")
print(f"geometric mean of {n_nets}: {accuracy(geometric)[-1]:.4f}")
print(f"down-weighted net: {accuracy(down_weighted):.4f}")

# %%
# The geometric mean is the nearer one to the down-weighted net. For a softmax right
# after the dropout it would be equal to it: the logarithm of a softmax is linear in
# what goes in, but for what scaling to a sum of 1 takes away.
for name, mean in (("arithmetic", arithmetic[-1]), ("geometric", geometric[-1])):
    distance = np.abs(mean - down_weighted).mean()
    print(f"{name} mean, distance to the down-weighted net: {distance:.5f}")
