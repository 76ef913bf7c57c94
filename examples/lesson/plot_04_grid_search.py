"""
The grid search of the lesson, and its pivot table
==================================================

How long should a net train, and how wide should it be? Cross-validate both at once
and read the answer off a table.

.. code-block:: sh

    python examples/lesson/plot_04_grid_search.py [--dataset mnist] [--full]
"""

# %%
# The data, flat: a row of 784 pixels in [0, 1] for each image.
from sklearn.model_selection import GridSearchCV

from sknn_mnist import DenseClassifier
from sknn_mnist.display import SearchDisplay
from sknn_mnist.lesson import arguments, load, save
from sknn_mnist.reporting import pivot_cv_results

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)

# %%
# A net is an estimator like any other, so the search is scikit-learn's own. With
# `memory`, a net that has trained 1 epoch goes on to 5 and to 10.
grid = GridSearchCV(
    DenseClassifier(memory=":memory:", random_state=0),
    {"epochs": [1, 5, 10], "hidden_size": [32, 64, 256]},
    cv=5 if args.full else 3,
    return_train_score=True,
)
grid.fit(X_train, y_train)

# %%
# A row for each combination: wider and longer is better here, and the gap between
# training and test score shows how far it can be driven.
print(pivot_cv_results(grid))
print()
print(pivot_cv_results(grid, columns="hidden_size", values="mean_test_score"))

# %%
# The same as pictures.
display = SearchDisplay.from_search(grid)
save(display.plot().figure_, args, "04_grid_search_heatmap")
save(display.plot(kind="lines", train=True).figure_, args, "04_grid_search_lines")

# %%
# The best net, trained again on all training images, has not seen the test images.
print(f"\nbest: {grid.best_params_}")
print(f"accuracy on the test set: {grid.score(X_test, y_test):.4f}")
