"""Grid searches over nets, inside and outside a pipeline, find the better net."""

import numpy as np
import pytest
from sklearn.base import is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, StratifiedKFold, check_cv
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknn_mnist import CNNClassifier, CNNRegressor, DenseClassifier, DenseRegressor


class FoldSpy(DenseClassifier):
    """Keeps the class counts of each training fold."""

    folds = []  # noqa: RUF012

    def fit(self, X, y, sample_weight=None):
        self.folds.append(np.bincount(y, minlength=2))
        return super().fit(X, y, sample_weight)


def test_kinds_are_told():
    assert is_classifier(DenseClassifier())
    assert is_classifier(CNNClassifier())
    assert is_regressor(DenseRegressor())
    assert is_regressor(CNNRegressor())
    y = np.arange(10) % 2
    assert isinstance(
        check_cv(2, y, classifier=is_classifier(DenseClassifier())), StratifiedKFold
    )


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_folds_are_stratified(in_pipeline):
    X = np.random.default_rng(0).random((60, 4))
    y = np.sort(np.arange(60) % 3 == 0).astype(int)  # unshuffled, a third are ones
    FoldSpy.folds.clear()
    spy, prefix = FoldSpy(random_state=0), ""
    if in_pipeline:
        spy, prefix = Pipeline([("scale", StandardScaler()), ("clf", spy)]), "clf__"
    GridSearchCV(spy, {f"{prefix}epochs": [1]}, cv=4, refit=False).fit(X, y)
    assert len(FoldSpy.folds) == 4
    for counts in FoldSpy.folds:
        np.testing.assert_array_equal(counts, [30, 15])


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_search_over_epochs_and_hidden_size(digits, in_pipeline):
    X, X_test, y, y_test = digits
    clf = DenseClassifier(learning_rate=0.01, random_state=0)
    grid = {"epochs": [1, 20], "hidden_size": [1, (32, 16)]}
    if in_pipeline:
        clf = Pipeline([("scale", StandardScaler()), ("clf", clf)])
        grid = {f"clf__{name}": values for name, values in grid.items()}
    search = GridSearchCV(clf, grid, cv=3, return_train_score=True, error_score="raise")
    search.fit(X, y)
    assert list(search.best_params_.values()) == [20, (32, 16)]
    scores = search.cv_results_["mean_test_score"]
    assert scores.shape == (4,)
    assert scores[3] > scores[0] + 0.3
    assert search.score(X_test, y_test) > 0.9


def test_search_over_filters_dropout_and_batch_norm(digits):
    X, X_test, y, y_test = digits
    images = X.reshape(-1, 8, 8)
    search = GridSearchCV(
        CNNClassifier(
            hidden_size=32, epochs=6, learning_rate=0.01, batch_size=64, random_state=0
        ),
        {"filters": [1, (16, 16)], "dropout": [0.0, 0.9], "batch_norm": [False, True]},
        cv=2,
        error_score="raise",
    ).fit(images, y)
    scores = {
        (params["filters"], params["dropout"], params["batch_norm"]): score
        for params, score in zip(
            search.cv_results_["params"],
            search.cv_results_["mean_test_score"],
            strict=True,
        )
    }
    assert len(scores) == 8
    assert search.best_params_["filters"] == (16, 16)
    assert search.best_params_["dropout"] == 0.0
    # one good and one poor value of each, all else being equal
    assert scores[(16, 16), 0.0, False] > scores[1, 0.0, False]
    assert scores[(16, 16), 0.0, False] > scores[(16, 16), 0.9, False] + 0.1
    assert search.score(X_test.reshape(-1, 8, 8), y_test) > 0.85


def test_a_search_is_repeatable_in_workers(digits):
    X, _, y, _ = digits
    scores = [
        GridSearchCV(
            DenseClassifier(epochs=2, dropout=0.2, random_state=0),
            {"hidden_size": [8, 16]},
            cv=2,
            n_jobs=n_jobs,
            error_score="raise",
        )
        .fit(X, y)
        .cv_results_["mean_test_score"]
        for n_jobs in (1, 2)
    ]
    np.testing.assert_allclose(*scores)


def test_a_bad_candidate_fails_alone(digits):
    X, _, y, _ = digits
    search = GridSearchCV(
        DenseClassifier(epochs=1), {"dropout": [0.0, 1.5]}, cv=2, refit=False
    )
    with pytest.warns(Warning, match=r"The 'dropout' parameter of DenseClassifier"):
        search.fit(X, y)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]
