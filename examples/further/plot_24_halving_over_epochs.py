"""
Successive halving over epochs
==============================

Most nets of a grid show after a few epochs that they will not win. Give all of them
little, the better third more, the best the most: successive halving. With `memory`,
each round trains on from where the last one ended.

.. code-block:: sh

    python examples/further/plot_24_halving_over_epochs.py [--dataset mnist] [--full]

K. Jamieson, A. Talwalkar, "Non-stochastic best arm identification and hyperparameter
optimization", 2016.
"""

# %%
# The data, flat: a row of 784 pixels in [0, 1] for each image.
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV

from sknn_mnist import DenseClassifier
from sknn_mnist.display import SearchDisplay
from sknn_mnist.lesson import arguments, claim, load, save
from sknn_mnist.reporting import pivot_cv_results

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)

# %%
# Eighteen nets. `epochs` is the resource that grows from round to round. States are
# kept in this process; a folder instead of ":memory:" would outlive it.
halving = HalvingGridSearchCV(
    DenseClassifier(memory=":memory:", random_state=0),
    {
        "hidden_size": [16, 64, 256],
        "dropout": [0.0, 0.2, 0.5],
        "activation": ["relu", "tanh"],
    },
    resource="epochs",
    min_resources=2,
    max_resources=18,
    factor=3,
    cv=3,
)
halving.fit(X_train, y_train)

# %%
# Each net's last round: who was given more epochs was better before.
print(pivot_cv_results(halving))
display = SearchDisplay.from_search(halving, x="epochs", hue="hidden_size")
save(display.plot(kind="lines").figure_, args, "24_halving")

# %%
# What was trained. A net that goes from 2 epochs to 6 trains 4, not 6.
epochs = halving.n_resources_
rounds = [n * halving.n_splits_ for n in halving.n_candidates_]
trained = sum(
    fits * (now - before)
    for fits, now, before in zip(rounds, epochs, [0, *epochs[:-1]], strict=True)
)
from_scratch = sum(fits * each for fits, each in zip(rounds, epochs, strict=True))
everything = halving.n_candidates_[0] * halving.n_splits_ * epochs[-1]
print()
print(f"epochs trained: {trained}")
print(f"each round from scratch: {from_scratch}")
print(f"the full grid: {everything}")
claim("less than a third of the full grid was trained", trained < everything / 3)
claim("and less than by rounds from scratch", trained < from_scratch)

# %%
# The winner, on images that nothing above has seen.
print("best:", halving.best_params_)
print(f"accuracy on the test set: {halving.score(X_test, y_test):.4f}")

# %%
# Try it
# ------
# A net that learns slowly at first may be the best in the end. Which of the three
# parameters here makes nets slow, and what would you change so that they are not
# stopped too early?
#
# .. dropdown:: Answer
#
#    Dropout: it hides half of the units in each step, so that the first epochs look
#    bad. A larger ``min_resources`` gives all nets more epochs before the first are
#    stopped; Hyperband tries several such beginnings, one after the other.
