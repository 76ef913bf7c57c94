"""Nets in the company of scikit-learn's meta-estimators, on real digits."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import DecisionBoundaryDisplay, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor

mpl.use("Agg")

NET = DenseClassifier(epochs=8, batch_size=64, learning_rate=0.01, random_state=0)
SMALL = clone(NET).set_params(hidden_size=16, epochs=5)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.parametrize(
    "meta",
    [
        CalibratedClassifierCV(NET, cv=2),
        VotingClassifier(
            [("net", NET), ("logistic", LogisticRegression())], voting="soft"
        ),
        StackingClassifier([("net", NET), ("logistic", LogisticRegression())], cv=2),
        BaggingClassifier(NET, n_estimators=2, random_state=0),
        OneVsRestClassifier(SMALL),
        AdaBoostClassifier(SMALL, n_estimators=2, random_state=0),
        make_pipeline(MinMaxScaler(), NET),
        CalibratedClassifierCV(
            CNNClassifier(filters=8, epochs=8, learning_rate=0.01, random_state=0), cv=2
        ),
    ],
    ids=lambda meta: type(meta).__name__,
)
def test_meta_classifiers(digits, meta):
    X_train, X_test, y_train, y_test = digits
    meta = clone(meta).fit(X_train, y_train)
    assert meta.score(X_test, y_test) > 0.9
    proba = meta.predict_proba(X_test)
    assert proba.shape == (len(X_test), 10)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-4)
    # and the same again, since the net is seeded
    again = clone(meta).fit(X_train, y_train)
    np.testing.assert_allclose(again.predict_proba(X_test), proba, rtol=1e-5)


def test_boosting_hands_over_weights(digits):
    """The second net must see other weights than the first."""
    X, _, y, _ = digits
    seen = []

    class Spy(DenseClassifier):
        def fit(self, X, y, sample_weight=None):
            seen.append(sample_weight)
            return super().fit(X, y, sample_weight)

    weak = Spy(hidden_size=2, epochs=3, learning_rate=0.01, random_state=0)
    AdaBoostClassifier(weak, n_estimators=2, random_state=0).fit(X, y % 2)
    assert len(seen) == 2
    assert np.ptp(seen[0]) == 0
    assert np.ptp(seen[1]) > 0


def test_several_labels_by_multi_output(digits):
    X_train, X_test, y_train, y_test = digits
    Y = np.column_stack([y_train % 2, y_train > 4])
    meta = MultiOutputClassifier(SMALL).fit(X_train, Y)
    predicted = meta.predict(X_test)
    assert (predicted == np.column_stack([y_test % 2, y_test > 4])).mean() > 0.85


def test_a_pipeline_of_columns_keeps_names(digits):
    X_train, X_test, y_train, y_test = digits
    names = [f"pixel{i}" for i in range(64)]
    columns = ColumnTransformer(
        [("upper", MinMaxScaler(), names[:32]), ("lower", StandardScaler(), names[32:])]
    )
    pipe = Pipeline([("columns", columns), ("net", NET)]).set_output(transform="pandas")
    pipe = clone(pipe).fit(pd.DataFrame(X_train, columns=names), y_train)
    expected = [f"upper__{name}" for name in names[:32]]
    expected += [f"lower__{name}" for name in names[32:]]
    np.testing.assert_array_equal(pipe["net"].feature_names_in_, expected)
    assert pipe.score(pd.DataFrame(X_test, columns=names), y_test) > 0.9


def test_cross_validate_gives_scores_and_estimators(digits):
    X, X_test, y, _ = digits
    result = cross_validate(
        NET,
        X,
        y,
        cv=3,
        scoring=["accuracy", "neg_log_loss", "roc_auc_ovr"],
        return_estimator=True,
        return_train_score=True,
        error_score="raise",
    )
    assert min(result["test_accuracy"]) > 0.85
    assert min(result["test_roc_auc_ovr"]) > 0.95
    predictions = [each.predict(X_test) for each in result["estimator"]]
    assert not np.array_equal(predictions[0], predictions[1])
    proba = cross_val_predict(NET, X, y, cv=3, method="predict_proba")
    assert proba.shape == (len(X), 10)


@pytest.mark.parametrize(
    "Search",
    [
        lambda net, grid: GridSearchCV(net, grid, cv=2, error_score="raise"),
        lambda net, grid: RandomizedSearchCV(
            net, grid, n_iter=4, cv=2, random_state=0, error_score="raise"
        ),
        lambda net, grid: HalvingGridSearchCV(
            net,
            grid,
            resource="epochs",
            min_resources=2,
            max_resources=8,
            factor=2,
            cv=2,
            random_state=0,
            error_score="raise",
        ),
        lambda net, grid: HalvingGridSearchCV(
            net,
            grid,
            min_resources=300,
            factor=2,
            cv=2,
            random_state=0,
            error_score="raise",
        ),
    ],
    ids=["grid", "randomized", "halving over epochs", "halving over samples"],
)
def test_searches_find_the_good_net(digits, Search):
    X, X_test, y, y_test = digits
    grid = {"hidden_size": [1, 32], "learning_rate": [1e-6, 0.01]}
    search = Search(clone(NET), grid).fit(X, y)
    assert search.best_params_["hidden_size"] == 32
    assert search.best_params_["learning_rate"] == 0.01
    assert search.score(X_test, y_test) > 0.85


def test_curves_of_learning_and_validation(digits):
    X, _, y, _ = digits
    _, train, test = learning_curve(
        NET, X, y, cv=2, train_sizes=[0.1, 1.0], error_score="raise"
    )
    assert test[1].mean() > test[0].mean()
    train, test = validation_curve(
        NET,
        X,
        y,
        param_name="epochs",
        param_range=[1, 10],
        cv=2,
        error_score="raise",
    )
    assert test[1].mean() > test[0].mean() + 0.1
    assert train.shape == (2, 2)


def test_learning_curve_in_increments(digits):
    X, _, y, _ = digits
    _, _, test = learning_curve(
        clone(NET),
        X,
        y,
        cv=2,
        train_sizes=[0.2, 0.6, 1.0],
        exploit_incremental_learning=True,
        error_score="raise",
    )
    assert test[2].mean() > test[0].mean()


def test_permutation_importance_finds_the_pixels_that_matter(digits):
    X_train, X_test, y_train, y_test = digits
    net = clone(NET).fit(X_train, y_train)
    found = permutation_importance(net, X_test, y_test, n_repeats=2, random_state=0)
    assert found.importances_mean.shape == (64,)
    assert found.importances_mean[0] == 0  # the corner is always empty
    assert found.importances_mean.max() > 0.01


def test_displays(digits):
    X_train, X_test, y_train, y_test = digits
    net = clone(NET).fit(X_train, y_train)
    confusion = ConfusionMatrixDisplay.from_estimator(net, X_test, y_test)
    assert confusion.confusion_matrix.trace() > 0.9 * len(y_test)
    plane = clone(NET).fit(X_train[:, [20, 43]], y_train % 3)
    boundary = DecisionBoundaryDisplay.from_estimator(
        plane, X_train[:, [20, 43]], grid_resolution=10, response_method="predict"
    )
    assert set(np.unique(boundary.response)) <= {0, 1, 2}


def test_transformed_targets(digits):
    X_train, X_test, y_train, y_test = digits
    meta = TransformedTargetRegressor(
        DenseRegressor(epochs=40, batch_size=64, learning_rate=0.01, random_state=0),
        transformer=StandardScaler(),
    )
    assert meta.fit(X_train, y_train).score(X_test, y_test) > 0.7


@pytest.mark.usefixtures("routing")
def test_weights_are_routed_through_pipelines_and_searches(digits):
    X, _, y, _ = digits
    weight = np.where(y < 5, 1.0, 0.0)  # only the first five digits count
    net = clone(NET).set_fit_request(sample_weight=True)
    pipe = Pipeline([("scale", MinMaxScaler()), ("net", net)])
    pipe.fit(X, y, sample_weight=weight)
    assert pipe.predict(X).max() < 5
    scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
    search = GridSearchCV(
        pipe, {"net__epochs": [4]}, scoring=scorer, cv=2, error_score="raise"
    )
    search.fit(X, y, sample_weight=weight)
    assert search.predict(X).max() < 5
    assert search.best_score_ > 0.8  # of the first five, scored by weight
    unrouted = clone(NET).set_fit_request(sample_weight=False)
    assert Pipeline([("net", unrouted)]).fit(X, y).predict(X).max() == 9
