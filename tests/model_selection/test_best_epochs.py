"""Searches tell the best epochs of their folds; the best is refitted by them."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedShuffleSplit,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import sknn_mnist
from sknn_mnist import DenseClassifier, DenseRegressor, KerasClassifier
from sknn_mnist.model_selection import (
    HyperbandSearchCV,
    best_epoch_scoring,
    refit_best,
)
from sknn_mnist.model_selection._refits import best_index_of

NET = DenseClassifier(
    8,
    early_stopping=True,
    n_iter_no_change=2,
    epochs=40,
    learning_rate=0.05,
    batch_size=32,
    validation_split=StratifiedShuffleSplit(1, test_size=0.2, random_state=0),
    memory=":memory:",
    random_state=0,
)
GRID = {"hidden_size": [4, 16]}
PIPELINE = Pipeline([("scale", StandardScaler()), ("net", NET)])


@pytest.fixture(scope="module", autouse=True)
def nothing_kept():
    sknn_mnist.clear_memory(":memory:")
    yield
    sknn_mnist.clear_memory(":memory:")


@pytest.fixture(scope="module")
def data(digits):
    X, _, y, _ = digits
    return X[:240], y[:240]


def folds_of(search, index):
    results = search.cv_results_
    return [
        results[f"split{fold}_test_best_epoch"][index]
        for fold in range(search.n_splits_)
    ]


def by_hand(search, data, index):
    """Return the best epochs of a candidate's folds, fitted one by one."""
    X, y = data
    found = []
    for train, _ in KFold(3).split(X):
        net = clone(search.estimator).set_params(**search.cv_results_["params"][index])
        net.fit(X[train], y[train])
        net = net[-1] if isinstance(net, Pipeline) else net
        found.append(net.best_epoch_ + 1)
    return found


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [(NET, GRID), (PIPELINE, {"net__hidden_size": [4, 16]})],
    ids=["net", "pipeline"],
)
@pytest.mark.parametrize("refit", ["score", False])
def test_columns_are_the_folds_best_epochs_and_the_refit_goes_by_them(
    estimator, grid, refit, data
):
    scoring = best_epoch_scoring()
    search = GridSearchCV(estimator, grid, scoring=scoring, refit=refit, cv=KFold(3))
    search.fit(*data)
    chosen = int(np.argmax(search.cv_results_["mean_test_score"]))
    assert refit is False or search.best_index_ == chosen
    for index in (0, 1):
        assert folds_of(search, index) == by_hand(search, data, index)
    plain = GridSearchCV(estimator, grid, refit=False, cv=KFold(3)).fit(*data)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )
    best = refit_best(search, *data)
    expected = int(np.median(folds_of(search, chosen)))  # of an odd number of folds
    prefix = "net__" if isinstance(estimator, Pipeline) else ""
    parameters = {
        **search.cv_results_["params"][chosen],
        f"{prefix}epochs": expected,
        f"{prefix}early_stopping": False,
        f"{prefix}validation_split": 0.0,
    }
    again = clone(estimator).set_params(**parameters).fit(*data)
    np.testing.assert_array_equal(
        best.predict_proba(data[0]), again.predict_proba(data[0])
    )
    net = best[-1] if isinstance(best, Pipeline) else best
    assert net.n_iter_ == expected
    assert "val_loss" not in net.history_
    assert not hasattr(net, "best_epoch_")


def test_the_searchs_own_estimator_is_left_alone(data):
    search = GridSearchCV(NET, GRID, scoring=best_epoch_scoring(), refit=False, cv=2)
    search.fit(*data)
    before = repr(search)
    best = refit_best(search, *data)
    assert repr(search) == before
    assert NET.early_stopping
    assert best is not search.estimator


@pytest.mark.parametrize(
    ("epochs", "rule", "expected"),
    [
        ([3, 4, 9], "median", 4),
        ([3, 4, 8, 9], "median", 6),
        ([3, 4, 5, 9], "median", 5),  # 4.5, half up
        ([2, 3], "median", 3),  # 2.5, half up, where Python's round goes to 2
        ([1, 1, 2], "mean", 1),
        ([1, 2], "mean", 2),
        ([0.0, 0.0], "median", 1),
        ([3, np.nan, 5], "median", 4),  # a fit that failed
        ([3, 4, 9], 7, 7),
    ],
)
def test_how_epochs_become_one_number(epochs, rule, expected, data):
    net = clone(NET)
    search = GridSearchCV(net, {"hidden_size": [3]})
    search.cv_results_ = {
        "params": [{"hidden_size": 2}, {"hidden_size": 3}],
        "rank_test_score": np.array([2, 1]),
        **{
            f"split{fold}_test_best_epoch": np.array([99, each])
            for fold, each in enumerate(epochs)
        },
    }
    best = refit_best(search, *data, refit_epochs=rule)
    assert (best.n_iter_, best.hidden_size) == (expected, 3)


def test_more_than_ten_folds_are_all_read(data):
    search = GridSearchCV(NET, {})
    folds = [1] * 5 + [2] * 6  # as text, split10 comes before split2
    search.cv_results_ = {
        "params": [{}],
        "rank_test_score": [1],
        **{f"split{i}_test_best_epoch": [each] for i, each in enumerate(folds)},
    }
    assert refit_best(search, *data).n_iter_ == 2


@pytest.mark.parametrize(
    ("scoring", "names"),
    [
        (["accuracy", "f1_macro"], ["accuracy", "f1_macro"]),
        ({"a": "accuracy", "b": make_scorer(accuracy_score)}, ["a", "b"]),
        (lambda net, X, y: {"right": net.score(X, y)}, ["right"]),
        ("f1_macro", ["score"]),
        (make_scorer(accuracy_score), ["score"]),
        (None, ["score"]),
    ],
)
def test_any_scoring_of_a_search_may_be_given(scoring, names, data):
    search = GridSearchCV(
        NET, GRID, scoring=best_epoch_scoring(scoring), refit=names[0], cv=2
    ).fit(*data)
    found = [each for each in search.cv_results_ if each.startswith("mean_test_")]
    assert found == [f"mean_test_{name}" for name in [*names, "best_epoch"]]
    assert refit_best(search, *data).n_iter_ >= 1
    plain = GridSearchCV(NET, GRID, scoring=scoring, refit=False, cv=2).fit(*data)
    name = names[0]
    np.testing.assert_array_equal(
        search.cv_results_[f"mean_test_{name}"], plain.cv_results_[f"mean_test_{name}"]
    )


def test_several_scores_need_a_choice(data):
    search = GridSearchCV(
        NET, GRID, scoring=best_epoch_scoring(["accuracy"]), refit=False, cv=2
    ).fit(*data)
    with pytest.raises(ValueError, match="must know its best candidate, by refit="):
        refit_best(search, *data)
    search.best_index_ = 1
    assert refit_best(search, *data).hidden_size == 16


def test_random_searches_and_candidates_of_epochs(data):
    search = RandomizedSearchCV(
        NET,
        {"epochs": [3, 60], "early_stopping": [True]},
        n_iter=2,
        random_state=0,
        scoring=best_epoch_scoring(),
        refit="score",
        cv=2,
    ).fit(*data)
    best = refit_best(search, *data)
    assert not best.early_stopping
    expected = np.median(folds_of(search, search.best_index_))
    assert best.n_iter_ == int(expected + 0.5)


def test_a_halving_search_chooses_among_the_last(data):
    search = HalvingGridSearchCV(
        NET,
        {"hidden_size": [2, 4, 16]},
        resource="epochs",
        max_resources=9,
        scoring=best_epoch_scoring(),
        refit="score",
        cv=2,
        random_state=0,
    ).fit(*data)
    expected = int(np.median(folds_of(search, search.best_index_)) + 0.5)
    assert refit_best(search, *data).n_iter_ == expected
    chosen = search.best_params_["hidden_size"]
    del search.best_index_  # as with refit=False
    search.cv_results_["rank_test_score"][0] = 0  # of the first iteration
    assert refit_best(search, *data).hidden_size == chosen


def test_hyperband_chooses_among_all_rows(data):
    search = HyperbandSearchCV(
        NET,
        {"hidden_size": [2, 4, 16]},
        max_epochs=3,
        scoring=best_epoch_scoring(),
        refit=False,
        cv=2,
        random_state=0,
    ).fit(*data)
    results = search.cv_results_
    index = int(np.argmax(results["mean_test_score"]))
    best = refit_best(search, *data)
    assert best.hidden_size == results["params"][index]["hidden_size"]
    assert best.epochs == int(np.median(folds_of(search, index)) + 0.5)
    assert not best.early_stopping
    # Of a first rung, as a candidate may be that learns fast and then too much.
    first = int(np.argmin(results["iter"] + results["bracket"]))
    results["rank_test_score"][first] = 0
    assert best_index_of(search) == first


def test_nets_without_early_stopping_have_all_their_epochs(data):
    search = GridSearchCV(
        NET,
        {"early_stopping": [False], "epochs": [3]},
        scoring=best_epoch_scoring(),
        refit=False,
        cv=2,
    ).fit(*data)
    assert folds_of(search, 0) == [3, 3]


def test_regressors_and_the_weights_of_a_refit(data):
    X, y = data
    net = DenseRegressor(
        early_stopping=True, validation_split=0.2, epochs=5, random_state=0
    )
    search = GridSearchCV(net, {"hidden_size": [4]}, scoring=best_epoch_scoring("r2"))
    search.set_params(refit=False, cv=2).fit(X, y / 9)
    weights = np.ones(len(X))
    weights[::2] = 0
    one = refit_best(search, X, y / 9, sample_weight=weights)
    other = refit_best(search, X[1::2], y[1::2] / 9, refit_epochs=one.n_iter_)
    np.testing.assert_allclose(one.predict(X), other.predict(X), atol=1e-5)


def make_model(units=4):
    import keras

    return keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(units, "relu"),
            keras.layers.Dense(10, "softmax"),
        ]
    )


def test_own_networks_by_scikeras_prefixes(data):
    net = KerasClassifier(
        make_model,
        early_stopping=True,
        fit__validation_split=ShuffleSplit(1, test_size=0.2, random_state=3),
        fit__epochs=3,
        random_state=0,
    )
    search = GridSearchCV(net, {"units": [2, 4]}, scoring=best_epoch_scoring(), cv=2)
    search.set_params(refit=False).fit(*data)
    best = refit_best(search, *data, refit_epochs=2)
    assert best.n_iter_ == 2
    assert "val_loss" not in best.history_


def test_it_goes_to_workers_and_says_what_it_is(data):
    scoring = best_epoch_scoring("f1_macro")
    assert repr(scoring) == "best_epoch_scoring('f1_macro')"
    assert repr(best_epoch_scoring()) == "best_epoch_scoring()"
    assert pickle.loads(pickle.dumps(scoring)) == scoring
    assert scoring != best_epoch_scoring()
    search = GridSearchCV(NET, GRID, scoring=scoring, refit=False, cv=2)
    one = search.fit(*data).cv_results_["split1_test_best_epoch"]
    with_workers = clone(search).set_params(n_jobs=2).fit(*data)
    other = with_workers.cv_results_["split1_test_best_epoch"]
    np.testing.assert_array_equal(one, other)


def test_an_epoch_that_a_callback_put_back_counts(data):
    import keras

    stopping = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    search = GridSearchCV(
        clone(NET).set_params(early_stopping=False, callbacks=stopping),
        {"epochs": [40]},
        scoring=best_epoch_scoring(),
        refit="score",
        cv=2,
    ).fit(*data)
    (restoring,) = search.best_estimator_.callbacks_
    net = search.best_estimator_
    score = best_epoch_scoring()(net, *data)
    assert score["best_epoch"] == restoring.best_epoch + 1 < net.n_iter_


def test_a_refit_leaves_out_groups_since_it_splits_nothing(data):
    X, y = data
    groups = np.arange(len(y)) // 4
    net = clone(NET).set_params(
        validation_split=GroupShuffleSplit(1, test_size=0.2, random_state=0)
    )
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            net.set_fit_request(groups=True),
            GRID,
            scoring=best_epoch_scoring(),
            refit=False,
            cv=GroupKFold(2),
        ).fit(X, y, groups=groups)
        best = refit_best(search, X, y, groups=groups)
        again = refit_best(search, X, y)
    np.testing.assert_array_equal(best.predict_proba(X), again.predict_proba(X))


ASKS = {
    "accuracy": make_scorer(accuracy_score),
    "f1": make_scorer(f1_score, average="macro"),
}


@pytest.mark.parametrize("scoring", [ASKS["accuracy"], ASKS])
def test_weights_that_scorers_ask_for_reach_them(scoring, data):
    X, y = data
    weights = np.linspace(0, 1, len(y)) ** 4
    with sklearn.config_context(enable_metadata_routing=True):
        for each in ASKS.values():
            each.set_score_request(sample_weight=True)
        net = clone(NET).set_fit_request(sample_weight=False)
        options = {"refit": False, "cv": 2, "error_score": "raise"}
        search = GridSearchCV(net, GRID, scoring=best_epoch_scoring(scoring), **options)
        same = GridSearchCV(net, GRID, scoring=scoring, **options)
        for each in (search, same):
            each.fit(X, y, sample_weight=weights)
    columns = [each for each in same.cv_results_ if each.startswith("mean_test")]
    assert len(columns) == (2 if scoring is ASKS else 1)
    for name in columns:
        np.testing.assert_array_equal(search.cv_results_[name], same.cv_results_[name])


@pytest.mark.parametrize("scoring", [None, "accuracy", ["accuracy", "f1_macro"]])
def test_weights_that_nobody_asks_for_are_an_error(scoring, data):
    X, y = data

    def refused(given):
        search = GridSearchCV(
            clone(NET).set_fit_request(sample_weight=True),
            {"epochs": [2]},
            scoring=given,
            refit=False,
            cv=2,
            error_score="raise",
        )
        try:
            search.fit(X, y, sample_weight=np.ones(len(y)))
        except UnsetMetadataPassedError as err:
            return "sample_weight" in str(err)
        return False

    with sklearn.config_context(enable_metadata_routing=True):
        # Scikit-learn 1.6 drops them where it has scorers by name.
        expected = scoring is None or refused(scoring)
        assert refused(best_epoch_scoring(scoring)) == expected


def test_weights_are_routed_to_the_score(data):
    X, y = data
    weights = np.linspace(0, 1, len(y))
    net = NET.fit(X, y)
    plain = make_scorer(accuracy_score)
    found = best_epoch_scoring(plain)(net, X, y, sample_weight=weights)
    assert found["score"] == plain(net, X, y, sample_weight=weights)
    assert found["score"] != plain(net, X, y)
    with sklearn.config_context(enable_metadata_routing=True):
        asks = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        search = GridSearchCV(
            clone(NET).set_fit_request(sample_weight=False),
            GRID,
            scoring=best_epoch_scoring(asks),
            refit=False,
            cv=2,
        ).fit(X, y, sample_weight=weights)
        same = clone(search).set_params(scoring=asks)
        same.fit(X, y, sample_weight=weights)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], same.cv_results_["mean_test_score"]
    )


def test_what_tells_no_epochs_is_refused(data):
    pipeline = make_pipeline(PCA(2), StandardScaler()).fit(data[0])
    with pytest.raises(TypeError, match=r"tells its epochs .* Got a StandardScaler"):
        best_epoch_scoring(lambda *_: 0.5)(pipeline, *data)


@pytest.mark.parametrize(
    ("search", "error", "said"),
    [
        (GridSearchCV(NET, GRID), NotFittedError, "GridSearchCV instance has no"),
        ("unscored", ValueError, "must tell the best epochs of its folds"),
        ("failed", ValueError, "must have a best candidate that could be fitted"),
        ("another", ValueError, "must be one over an estimator of sknn_mnist"),
        (NET, ValueError, "must be a fitted search of scikit-learn's"),
    ],
)
def test_searches_that_tell_too_little_are_refused(search, error, said, data):
    results = {"params": [{}], "rank_test_score": [1]}
    folds = {"split0_test_best_epoch": [3.0]}
    if search == "unscored":
        search = GridSearchCV(NET, {})
        search.cv_results_ = {**results, "split0_test_score": [0.5]}
    elif search == "failed":
        search = GridSearchCV(NET, {})
        search.cv_results_ = {**results, "split0_test_best_epoch": [np.nan]}
    elif search == "another":
        search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {})
        search.cv_results_ = {**results, **folds}
    with pytest.raises(error, match=said):
        refit_best(search, *data)
