"""The lesson's slide, as it stands there: on MNIST, with any spelling of the labels."""

import keras
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from sknn_mnist import KerasClassifier, load_mnist, pivot_cv_results

ROWS = 2000


def make_model(optimizer="adam", hidden_size=32):
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


@pytest.mark.slow
def test_the_slide_runs_on_mnist(mnist_file):
    X_train, X_test, y_train, y_test = load_mnist(mnist_file, return_X_y=True)
    X_train, y_train = X_train[:ROWS], y_train[:ROWS]
    names = np.array([f"digit {number}" for number in range(10)])
    scores = {}
    for spelling, labels in {
        "integers": lambda y: y,
        "strings": lambda y: names[y],
        "one-hot": lambda y: np.eye(10, dtype=int)[y],
    }.items():
        clf = KerasClassifier(make_model, random_state=0)
        grid = GridSearchCV(
            clf,
            {"epochs": [1, 5, 10], "hidden_size": [32, 64, 256]},
            # Of one-hot rows, folds are not stratified.
            cv=[(np.arange(1000), np.arange(1000, ROWS))],
        )
        grid.fit(X_train, labels(y_train))
        scores[spelling] = grid.cv_results_["mean_test_score"]
        assert grid.best_params_ == {"epochs": 10, "hidden_size": 256}
        assert grid.score(X_test, labels(y_test)) > 0.9
        table = pivot_cv_results(grid, index=["epochs", "hidden_size"])
        assert table.shape == (9, 1)
    np.testing.assert_array_equal(scores["strings"], scores["integers"])
    np.testing.assert_array_equal(scores["one-hot"], scores["integers"])
