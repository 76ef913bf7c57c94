"""
Stopping in time
================

When to stop, on which rows to decide it, and what a search does with it: a net is
trained until it has not improved on held-out rows for some epochs, and its best epoch
is what is left. Of sorted rows the last ones are no sample: split them by class.

.. code-block:: sh

    python examples/further/plot_21_stopping_in_time.py [--dataset mnist] [--full]
"""

# %%
# Up to 200 epochs, until 5 of them have brought nothing.
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit

from sknn_mnist import DenseClassifier
from sknn_mnist.display import HistoryDisplay
from sknn_mnist.lesson import arguments, claim, load, save
from sknn_mnist.model_selection import best_epoch_scoring, refit_best

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)
clf = DenseClassifier(
    hidden_size=128,
    epochs=200,
    early_stopping=True,
    n_iter_no_change=5,
    validation_split=StratifiedShuffleSplit(1, test_size=0.1, random_state=0),
    random_state=0,
).fit(X_train, y_train)
print(f"{clf.n_iter_} epochs; best: epoch {clf.best_epoch_ + 1}")
print(f"accuracy on the test set: {clf.score(X_test, y_test):.4f}")
display = HistoryDisplay.from_estimator(clf).plot()
save(display.figure_, args, "21_stopping_in_time")
lowest = np.argmin(clf.history_["val_loss"])
claim(
    "the best epoch is that of the lowest loss on the rows held out",
    clf.best_epoch_ == lowest,
)
claim("it came to an end before all 200 epochs", clf.n_iter_ < 200)

# %%
# Rows sorted by digit, as files in folders are. A fraction holds out the last ones, the
# nines: the net never learns them, and is judged by nothing else. A warning says so.
order = np.argsort(y_train, kind="stable")
X_sorted, y_sorted = X_train[order], y_train[order]
last = clone(clf).set_params(validation_split=0.1)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    last.fit(X_sorted, y_sorted)
print(f"warning: {told[0].message}")
print(f"accuracy, the last rows held out: {last.score(X_test, y_test):.4f}")
seen = last.predict(X_test)
claim("it takes no nine for a nine", not np.any(seen[y_test == 9] == 9))
stratified = clone(clf).fit(X_sorted, y_sorted)
print("of the same rows, each class held out alike:")
print(f"accuracy on the test set: {stratified.score(X_test, y_test):.4f}")
claim(
    "with each class held out alike, more are right",
    stratified.score(X_test, y_test) > last.score(X_test, y_test) + 0.03,
)

# %%
# A search: each fold stops by rows of its own, and they have come to different epochs.
# With memory, candidates that differ in patience alone share their epochs.
grid = GridSearchCV(
    clone(clf).set_params(memory=":memory:"),
    {"hidden_size": [32, 128], "n_iter_no_change": [2, 5]},
    cv=3,
    scoring=best_epoch_scoring(),
    refit=False,
).fit(X_train, y_train)
for number, parameters in enumerate(grid.cv_results_["params"]):
    folds = [grid.cv_results_[f"split{k}_test_best_epoch"][number] for k in range(3)]
    score = grid.cv_results_["mean_test_score"][number]
    print(f"{parameters}: {score:.4f}, best epochs {[int(each) for each in folds]}")

# %%
# The best of them on all rows, for the folds' median.
best = refit_best(grid, X_train, y_train, refit_epochs="median")
print(f"{best.n_iter_} epochs of {len(X_train)} rows")
print(f"accuracy on the test set: {best.score(X_test, y_test):.4f}")

# %%
# Try it
# ------
# Set ``n_iter_no_change=1`` in the first cell. Does it stop later, or earlier, and is
# the net better?
#
# .. dropdown:: Answer
#
#    Earlier: the first epoch that is no better than the best so far ends it. The loss
#    on few held-out rows goes up and down by chance, so that such an epoch often comes
#    long before the net has learnt what it can. Patience is what outlasts chance; its
#    price is the epochs trained for nothing at the end.
