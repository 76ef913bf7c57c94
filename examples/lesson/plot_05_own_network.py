"""
Your own network in a grid search
=================================

The ready-made nets of this package are a few lines of Keras each. As soon as a net is
to have something that they don't, one writes these lines oneself, and then wants to
have the rest all the same: cross-validation, grid search, pipelines. These want an
*estimator*, which has ``fit``, ``predict``, ``score`` and parameters, and can be made
again by anyone who knows its parameters. A Keras model is made once, by your code, so
scikit-learn could not make it again for each candidate and fold.

A function can. The lesson writes one, ``make_model``, whose arguments are what is to be
searched, and hands it to a wrapper, ``KerasClassifier``.

.. code-block:: sh

    python examples/lesson/plot_05_own_network.py [--dataset mnist] [--full]

Sources: F. Chollet, "Deep learning with Python", 2021. The wrapper began in Keras, as
``keras.wrappers.scikit_learn``, and went on as SciKeras, by A. Garcia Badaracco.
"""

# %%
# The function of the lesson
# --------------------------
# It makes the net and compiles it. The loss is the one for one-hot labels, as on the
# slide; whose labels are numbers need not care, as is seen below.
import textwrap

import numpy as np
from sklearn.model_selection import GridSearchCV

from sknn_mnist import DenseClassifier, KerasClassifier, KerasRegressor
from sknn_mnist.display import SearchDisplay
from sknn_mnist.lesson import arguments, claim, load, save
from sknn_mnist.reporting import pivot_cv_results

import keras  # after sknn_mnist, which starts TensorFlow without its chatter

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)


def make_model(optimizer="adam", hidden_size=32):
    """Return the net of the lesson, compiled."""
    model = keras.Sequential(
        [
            keras.layers.Input((784,)),
            keras.layers.Dense(hidden_size, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"]
    )
    return model


# %%
# The wrapper
# -----------
# The function itself is handed over, not what it returns: no brackets. From its
# signature the wrapper takes its parameters, beside those that any net has.
clf = KerasClassifier(make_model, memory=":memory:", random_state=0)
print(textwrap.fill("its parameters: " + ", ".join(clf.get_params()), 72))
claim("hidden_size is one of them", clf.get_params()["hidden_size"] == 32)

# %%
# Labels may be what they are. The wrapper encodes them as the loss wants them, one-hot
# here, and decodes the predictions: numbers in, numbers out; words in, words out.
names = np.array(
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
)
words = KerasClassifier(make_model, random_state=0).fit(X_train, names[y_train])
print("it predicts:", *words.predict(X_test[:5]))
print("and right is:", *names[y_test[:5]])
claim("its classes are the ten words", set(words.classes_) == set(names))

# %%
# The grid
# --------
# The same search as in the last chapter: ``hidden_size`` goes to ``make_model``, and
# ``epochs`` to the training. ``memory`` works too, since the wrapper looks at the net
# that the function makes.
grid = GridSearchCV(
    clf,
    {"epochs": [1, 5, 10], "hidden_size": [32, 64, 256]},
    cv=5,
    return_train_score=True,
)
grid.fit(X_train, y_train)
table = pivot_cv_results(grid)
print(table)
display = SearchDisplay.from_search(grid).plot()
save(display.figure_, args, "05_own_network_heatmap")
print(f"best: {grid.best_params_}")
print(f"accuracy on the test set: {grid.score(X_test, y_test):.4f}")
claim(
    "the best is the widest, trained for the longest",
    grid.best_params_ == {"epochs": 10, "hidden_size": 256},
)

# %%
# Beside the ready-made net
# -------------------------
# It is the same net as :class:`~sknn_mnist.DenseClassifier` builds. From the same seed
# the two draw other random weights to begin with, so their scores differ by luck.
ready_made = DenseClassifier(hidden_size=256, epochs=10, random_state=0)
ready_made.fit(X_train, y_train)
own = grid.best_estimator_
print("parameters:", own.model_.count_params(), ready_made.model_.count_params())
claim(
    "both have the same number of parameters",
    own.model_.count_params() == ready_made.model_.count_params(),
)
print(f"accuracy on the test set: {ready_made.score(X_test, y_test):.4f} (ready-made)")
claim(
    "the scores are alike, to 3 points",
    abs(own.score(X_test, y_test) - ready_made.score(X_test, y_test)) < 0.03,
)

# %%
# So why have ready-made nets? They ask the data for shapes and classes, check their
# parameters before training, and are one line. And why write one? For anything else:
# other layers, two inputs, an activation of your own.

# %%
# Names with a prefix
# -------------------
# Arguments of what is made of a parameter are reached by a prefix, in grids as well:
# the momentum of an optimizer, say. A name that nobody takes is refused before
# anything is trained. (A grid that silently ignored a misspelt name would compare
# equals, and call the luckiest the best.)
momentum = KerasClassifier(
    make_model,
    optimizer="sgd",
    optimizer__learning_rate=0.1,
    optimizer__momentum=0.9,
    random_state=0,
)
momentum.fit(X_train, y_train)
claim("it reached the optimizer", np.isclose(momentum.model_.optimizer.momentum, 0.9))
try:
    KerasClassifier(make_model, hiden_size=64).fit(X_train, y_train)
except TypeError as error:
    print("refused:", error)

# %%
# Numbers instead of classes
# --------------------------
# :class:`~sknn_mnist.KerasRegressor` is the same for a net that predicts numbers: one
# linear unit, a squared error. Here it learns how far right of the middle the ink of a
# picture lies, on average, in pixels.
columns = np.tile(np.arange(28) - 13.5, 28)
ink_train, ink_test = (X @ columns / X.sum(axis=1) for X in (X_train, X_test))


def make_regressor(hidden_size=32):
    """Return a net for one number."""
    model = keras.Sequential(
        [
            keras.layers.Input((784,)),
            keras.layers.Dense(hidden_size, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mean_squared_error")
    return model


regressor = KerasRegressor(make_regressor, epochs=20, random_state=0)
regressor.fit(X_train, ink_train)
print("predicted:", regressor.predict(X_test[:4]).round(2))
print("computed: ", ink_test[:4].round(2))
r2 = regressor.score(X_test, ink_test)
print(f"R² on the test set: {r2:.3f}")
claim("it explains more than half of the variance of new images", r2 > 0.5)

# %%
# Try it
# ------
# ``optimizer`` is an argument of ``make_model`` too. Search
# ``{"optimizer": ["adam", "rmsprop", "sgd"]}`` with 10 epochs. Which is the best, and
# is that fair?
#
# .. dropdown:: Answer
#
#    On the bundled digits Adam and RMSprop come to about 0.92 on the test set, plain
#    gradient descent to about 0.67. It is not fair: each has the learning rate that is
#    its default, and 0.01 is low for ``sgd``. With ``optimizer__learning_rate=0.1`` and
#    ``optimizer__momentum=0.9`` it comes to about 0.95 and is ahead of both. A fair
#    comparison searches over the learning rate of each.
