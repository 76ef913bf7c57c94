"""
The grid search of the lesson, and its pivot table
==================================================

How long should a net train, and how wide should it be? Nothing in the data says so
directly, and training does not find it: epochs and width are set before it begins.
Such numbers are called *hyperparameters*. What one can do is to try some, and to
compare on images that the nets have not seen. A grid search tries all combinations of
the values that one gives it, and a pivot table makes the result readable.

.. code-block:: sh

    python examples/lesson/plot_04_grid_search.py [--dataset mnist] [--full]

Sources: S. Arlot and A. Celisse, "A survey of cross-validation procedures for model
selection", 2010. A. Müller and S. Guido, "Introduction to machine learning with
Python", chapter 5, 2016.
"""

# %%
# What cross-validation does
# --------------------------
# One validation set is one draw: another would give another score. Cross-validation
# cuts the training images into five parts, the *folds*, and trains five nets, each with
# another part held out. Each image is held out once, and a candidate's score is the
# mean of the five. How the five differ says how far to trust it.
#
# The price is five times the training: 3 values for the epochs, times 3 for the width,
# times 5 folds are 45 nets.
import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV

from sknn_mnist import DenseClassifier
from sknn_mnist.display import SearchDisplay
from sknn_mnist.lesson import arguments, claim, load, save
from sknn_mnist.reporting import pivot_cv_results

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)

# %%
# The search
# ----------
# A net is an estimator like any other, so the search is scikit-learn's own.
# ``return_train_score=True`` has each net tested on its own training images too.
#
# A net that trains for 10 epochs has been one of 1 and one of 5 on its way. With
# ``memory`` it is not trained anew: 1 epoch goes on to 5, and 5 to 10, with the same
# weights to the bit. Of 240 epochs 150 are left.
grid = GridSearchCV(
    DenseClassifier(memory=":memory:", random_state=0),
    {"epochs": [1, 5, 10], "hidden_size": [32, 64, 256]},
    cv=5,
    return_train_score=True,
)
grid.fit(X_train, y_train)
results = pd.DataFrame(grid.cv_results_)
print(f"{len(results)} candidates, {len(results) * grid.n_splits_} fits")

# %%
# The pivot table
# ---------------
# ``cv_results_`` has a row for each candidate and some twenty columns. Its pivot table
# is what one wants to see of it: a row for each combination, its score on training and
# on held-out images. ("Test" is scikit-learn's word for the held-out folds; the test
# set of the lesson has no part in this.)
table = pivot_cv_results(grid)
print(table)

# %%
# With one of the two along the other side it is smaller still.
print(pivot_cv_results(grid, columns="hidden_size", values="mean_test_score"))

# %%
# It is pandas' ``pivot_table``, as on the lesson's slide, with shorter names.
slide = results.pivot_table(
    index=["param_epochs", "param_hidden_size"],
    values=["mean_train_score", "mean_test_score"],
)
claim(
    "both tables have the same numbers",
    np.allclose(slide["mean_test_score"], table["mean_test_score"]),
)

# %%
# The same as pictures
# --------------------
# A heat map, with the best candidate framed.
display = SearchDisplay.from_search(grid)
save(display.plot().figure_, args, "04_grid_search_heatmap")

# %%
# Lines, with a band of one standard deviation over the folds, training scores dashed.
save(display.plot(kind="lines", train=True).figure_, args, "04_grid_search_lines")

# %%
# What the table says
# -------------------
# Longer is better, and wider is better, over all of this grid. The training scores lie
# above the held-out ones, since the nets know these images.
scores = pivot_cv_results(grid, columns="hidden_size", values="mean_test_score")
claim(
    "for each width, more epochs have the higher score",
    (scores.diff(axis=0).iloc[1:] > 0).all(axis=None),
)
claim(
    "for each number of epochs, the widest net has a higher score than the narrowest",
    (scores.iloc[:, -1] > scores.iloc[:, 0]).all(),
)
gap = table["mean_train_score"] - table["mean_test_score"]
print("training score minus held-out score:")
print(gap.round(4).to_string())
claim(
    "on average over the grid the training score is higher than the held-out one",
    gap.mean() > 0,
)
if args.dataset == "mnist":
    claim(
        "the gap of the longest and widest is more than twice that of the shortest and "
        "narrowest: it has begun to overfit, and is the best all the same",
        gap[10, 256] > 2 * gap[1, 32],
    )
claim(
    "the best candidate is in a corner of the grid",
    grid.best_params_ == {"epochs": 10, "hidden_size": 256},
)

# %%
# That last line is a warning. A best value at the edge of a grid says that the grid was
# too small: who knows what comes after 10 epochs and 256 units? One would search on, in
# that direction.

# %%
# The test set, once
# ------------------
# The search has trained the best candidate again, on all training images
# (``refit=True``, the default); ``grid`` now predicts as this net does. None of the 46
# nets has seen the test images, and nothing was chosen by them.
print(f"best: {grid.best_params_}")
print(f"its cross-validated accuracy: {grid.best_score_:.4f}")
print(f"accuracy on the test set: {grid.score(X_test, y_test):.4f}")
claim(
    "cross-validation said so beforehand, to 4 points",
    abs(grid.score(X_test, y_test) - grid.best_score_) < 0.04,
)

# %%
# Try it
# ------
# What lies beyond the corner? Search ``{"epochs": [10, 20, 40], "hidden_size": [256,
# 512, 1024]}``. Is the best candidate in a corner again, and is it worth it?
#
# .. dropdown:: Answer
#
#    On the bundled digits it is in the corner again: 40 epochs and 1,024 units have
#    about 0.976, where 10 epochs and 256 units have 0.956. But it gets less and less.
#    Twice the epochs and twice the units (20 and 512) have about 0.971, so most of the
#    gain. What doubling both again adds, 0.005, is half of a standard deviation over
#    the folds (0.01), and costs four times as much. A search does not say when to stop;
#    what a gain is worth is yours to decide.
