"""
The grid search of the lesson, and its pivot table
==================================================

How long should a net train, and how wide should it be? Cross-validate both at once
and read the answer off a table.

    python examples/grid_search_pivot.py [mnist]

runs on scikit-learn's bundled digits, or on MNIST where that is at hand.
"""

# %%
# The data, flat: a row of 784 pixels in [0, 1] for each image.
import sys

from sklearn.model_selection import GridSearchCV

from sknn_mnist import DenseClassifier
from sknn_mnist.datasets import load_dataset
from sknn_mnist.reporting import pivot_cv_results

name = sys.argv[1] if len(sys.argv) > 1 else "digits"
X_train, X_test, y_train, y_test = load_dataset(name, return_X_y=True)

# %%
# A net is an estimator like any other, so the search is scikit-learn's own.
grid = GridSearchCV(
    DenseClassifier(random_state=0),
    {"epochs": [1, 5, 10], "hidden_size": [32, 64, 256]},
    cv=3,
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
# The best net, trained again on all training images, has not seen the test images.
print(f"\nbest: {grid.best_params_}")
print(f"accuracy on the test set: {grid.score(X_test, y_test):.4f}")
