"""
Fit, validate, evaluate
=======================

A net with enough parameters can know its training images by heart, so its score on them
says little. What counts is how it does on images that it has not seen; these have to be
held out beforehand. And they have to be held out twice.

- The **training** images are what the weights are fitted to.
- The **validation** images are what *we* look at while we choose: how many epochs, how
  many units, which net of twenty. Nothing is trained on them.
- The **test** images are for the end, when nothing will be changed any more. (In this
  lesson we look at them often, to teach. Nothing is chosen by them.)

Why is the second not enough? Because choosing is a way of fitting too. This chapter
shows by how much it misleads.

.. code-block:: sh

    python examples/lesson/plot_02_fit_validate_evaluate.py [--dataset mnist] [--full]

Sources: T. Hastie, R. Tibshirani and J. Friedman, "The elements of statistical
learning", chapter 7, 2009. G. Cawley and N. Talbot, "On over-fitting in model selection
and subsequent selection bias in performance evaluation", 2010.
"""

# %%
# Fit, with some images held out
# ------------------------------
# First with Keras alone: the net of the first chapter. ``validation_split=0.1`` holds
# out the last tenth of the rows: the net is evaluated on them after each epoch, and
# never trained on them. ``verbose=2`` prints a line an epoch. At the beginning of each
# line is the number of steps: the rows that are left, in batches of 128.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    accuracy_score,
    classification_report,
)

from sknn_mnist import DenseClassifier, build_dense
from sknn_mnist.display import MistakesDisplay
from sknn_mnist.lesson import arguments, claim, load, save

import keras  # after sknn_mnist, which starts TensorFlow without its chatter

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)
rows = len(X_train) - int(np.ceil(0.1 * len(X_train)))
steps = int(np.ceil(rows / 128))
print(f"{len(X_train)} rows, {rows} of them to learn from: {steps} steps an epoch")

keras.utils.set_random_seed(0)
net = build_dense(hidden_size=32)
net.compile(
    optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"]
)
history = net.fit(
    X_train, y_train, batch_size=128, epochs=10, validation_split=0.1, verbose=2
)
claim("it took so many steps", int(net.optimizer.iterations) == 10 * steps)

# %%
# What ``fit`` returns has kept these lines: ``history.history`` is a dict with a list
# for each metric, and pandas draws it. ``val_`` means held out.
curves = pd.DataFrame(history.history, index=range(1, 11))
figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
curves.plot(ax=ax, xlabel="epoch", grid=True)
save(figure, args, "02_history")
claim("a row for each epoch, a column for each metric", curves.shape == (10, 4))

# %%
# ``evaluate`` gives the loss and the metrics on other images.
loss, accuracy = net.evaluate(X_test, y_test, verbose=0)
print(f"Keras: loss {loss:.3f}, accuracy {accuracy:.4f}")

# %%
# The estimator does the same: it holds out the same rows, and has the same lists in
# ``history_``. (:class:`~sknn_mnist.display.HistoryDisplay` draws them, in the next
# chapter.)
clf = DenseClassifier(
    hidden_size=32, epochs=10, validation_split=0.1, random_state=0
).fit(X_train, y_train)
print("what is kept:", list(clf.history_))
claim("Keras's history has the same names", set(clf.history_) == set(history.history))
first, last = (clf.history_["val_accuracy"][epoch] for epoch in (0, -1))
print(f"accuracy on what was held out: {first:.3f} at first, {last:.3f} at last")
claim("ten epochs are better than one, on held-out images too", last > first)

# %%
# Your own validation images
# --------------------------
# Where you have validation images of your own, give them to ``fit``. Here they are the
# same rows, so that the same net comes out.
X_val, y_val = X_train[rows:], y_train[rows:]
own = DenseClassifier(hidden_size=32, epochs=10, random_state=0)
own.fit(X_train[:rows], y_train[:rows], X_val=X_val, y_val=y_val)
claim(
    "its history is the same",
    np.allclose(own.history_["val_accuracy"], clf.history_["val_accuracy"]),
)

# %%
# Why hold out twice
# ------------------
# Twenty small nets that differ in their seed alone. We take the one that does best on
# 50 validation images. Its score there is too good to be true: of twenty it is the one
# whose luck *with these images* was best. How good it is we learn from others.
#
# A single draw of 50 images would be luck again, so the choice is made a thousand
# times, with other images each time.
n_rows, n_val = 1000, 50
nets = [
    DenseClassifier(hidden_size=16, epochs=10, random_state=seed).fit(
        X_train[:n_rows], y_train[:n_rows]
    )
    for seed in range(20)
]
X_others, y_others = X_train[n_rows:3000], y_train[n_rows:3000]
right = np.array([net.predict(X_others) == y_others for net in nets])

rng = np.random.default_rng(0)
promised, kept = [], []
for _ in range(1000):
    order = rng.permutation(len(X_others))
    on_validation = right[:, order[:n_val]].mean(axis=1)
    on_the_rest = right[:, order[n_val:]].mean(axis=1)
    best = on_validation.argmax()
    promised.append(on_validation[best])
    kept.append(on_the_rest[best])

print(f"the twenty nets, on average:           {right.mean():.3f}")
print(f"the chosen one, where it was chosen:   {np.mean(promised):.3f}")
print(f"the chosen one, on other images:       {np.mean(kept):.3f}")
claim(
    "the score that a net was chosen by is too good, by more than a point on average",
    np.mean(promised) - np.mean(kept) > 0.01,
)
claim(
    "choosing was not in vain: the chosen one is better than a net on average",
    np.mean(kept) > right.mean(),
)

figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
bins = np.arange(0.61, 1.02, 0.02)
ax.hist(kept, bins, alpha=0.8, label="on other images")
ax.hist(promised, bins, alpha=0.6, label="on the 50 it was chosen by")
ax.set_xlim(min(kept) - 0.03, 1)
ax.set_xlabel("accuracy of the chosen net")
ax.set_ylabel("of 1,000 choices")
figure.legend(loc="outside upper center", ncols=2)
save(figure, args, "02_why_hold_out_twice")

# %%
# So the images that something was chosen by can't also say how good it is. That is what
# the test images are for: nothing is chosen by them. The more
# one tries, and the fewer the validation images, the larger the error (Cawley and
# Talbot). So it is small for three nets and thousands of validation images. But who
# tries a few hundred things on them, over weeks, has fitted to them too.

# %%
# Evaluate
# --------
# ``score`` is the accuracy. A net is an estimator, so all of scikit-learn's metrics can
# be used: precision, recall, and which digit is taken for which.
predicted = clf.predict(X_test)
print(f"accuracy on the test set: {clf.score(X_test, y_test):.4f}")
claim(
    "score is scikit-learn's accuracy",
    np.isclose(clf.score(X_test, y_test), accuracy_score(y_test, predicted)),
)

# %%
# The report has a row for each digit. Of the images that the net called an 8, how many
# are one (precision)? Of all eights, how many did it find (recall)? F1 is between the
# two, and the support is the number of images. Below them are the accuracy, and the
# means over the ten digits: plain (macro), or by their support (weighted).
print(classification_report(y_test, predicted, digits=3))

# %%
# A row for each true digit, a column for what the net said: what is right lies on the
# diagonal, and the rest are mistakes.
figure, ax = plt.subplots(figsize=(5.6, 5), layout="constrained")
ConfusionMatrixDisplay.from_predictions(
    y_test, predicted, cmap="cividis", colorbar=False, ax=ax
)
save(figure, args, "02_confusion_matrix")

# %%
# What it gets wrong, the most confident mistakes first. Look at some: which would you
# have got right? Here is how to read the titles, with the first.
display = MistakesDisplay.from_estimator(clf, X_test, y_test).plot()
save(display.figure_, args, "02_mistakes")
worst = display.frame().iloc[0]
title = f"{worst.y_true:.0f}, not {worst.y_pred:.0f} ({worst.probability:.2f})"
print(
    f"{title}: the label is {worst.y_true:.0f}; the net said {worst.y_pred:.0f}, with "
    f"probability {worst.probability:.2f}"
)

# %%
# Try it
# ------
# ``validation_split`` takes the last rows. What happens if the rows are sorted by their
# label? Try it with ``order = y_train.argsort(kind="stable")``.
#
# .. dropdown:: Answer
#
#    The last tenth of the bundled digits are then 144 nines, and the 1,293 others have
#    no nine among them. The net never learns what a nine is: its held-out accuracy is
#    0.00, and on the test set it has about 0.82. A warning says so, and what helps:
#    shuffle, or hold out some of each digit, with
#    ``validation_split=StratifiedShuffleSplit(1, test_size=0.1, random_state=0)`` of
#    scikit-learn. Then both are about 0.90.
