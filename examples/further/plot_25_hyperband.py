"""
Hyperband: a search that stops what can't win
=============================================

A grid trains all of its nets to the end. Hyperband draws nets at random, trains many of
them for a few epochs, and goes on with the better third, three times as long; then it
begins again with fewer nets and more epochs, for the sake of those that learn slowly.
It judges by the mean over the folds, and no epoch is trained twice.

.. code-block:: sh

    python examples/further/plot_25_hyperband.py [--dataset mnist] [--full]

L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar, "Hyperband: a novel
bandit-based approach to hyperparameter optimization", 2018.
"""

# %%
# The data, flat: a row of 784 pixels in [0, 1] for each image.
from sknn_mnist import DenseClassifier
from sknn_mnist.display import BracketsDisplay
from sknn_mnist.lesson import arguments, claim, load, save
from sknn_mnist.model_selection import HyperbandSearchCV, Range

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)

# %%
# Ranges take the place of lists: nobody knows beforehand which of 0.001 and 0.003 is
# worth trying. Numbers of which the order of magnitude counts are drawn by their
# logarithm. `verbose=1` says which rung is being trained.
search = HyperbandSearchCV(
    DenseClassifier(random_state=0),
    {
        "hidden_size": Range(16, 256, log=True),
        "dropout": Range(0.0, 0.5),
        "learning_rate": Range(1e-4, 1e-1, log=True),
        "batch_norm": [False, True],
    },
    max_epochs=81 if args.full else 9,
    cv=3,
    random_state=0,
    verbose=1,
)
search.fit(X_train, y_train)

# %%
# A line for each net, which ends where it was stopped.
save(BracketsDisplay.from_search(search).plot().figure_, args, "25_hyperband")

# %%
# What was trained. All of its nets to the end would have been:
full = search.n_candidates_ * search.max_epochs * search.n_splits_
print(f"epochs trained: {search.n_epochs_:,}")
print(f"all {search.n_candidates_} nets to the end: {full:,}")
claim("less than half of that was trained", search.n_epochs_ < full / 2)

# %%
# The best, on images that nothing above has seen.
print("best:", search.best_params_)
accuracy = search.score(X_test, y_test)
print(f"accuracy on the test set: {accuracy:.4f}")

# %%
# Try it
# ------
# How many nets does a search up to 27 epochs draw, and how many of them are trained to
# the end? Reckon first; ``search.brackets_`` tells.
#
# .. dropdown:: Answer
#
#    49 nets: brackets of 27, 12, 6 and 4. Of the first three one each comes to epoch
#    27, and all 4 of the last: 7 nets.
