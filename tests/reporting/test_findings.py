"""The sentence at the top of a report is true of every kind of search."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    ShuffleSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sknn_mnist.reporting._findings import findings_of

NAN = float("nan")


def search_of(means, stds=None, *, chosen=None, n_folds=5, metric="score", **more):
    """A search of candidates a=0, a=1... with these scores, as scikit-learn has it."""
    means = np.asarray(means, float)
    stds = np.full(len(means), 0.01) if stds is None else np.asarray(stds, float)
    results = {
        "params": [{"a": number} for number in range(len(means))],
        "param_a": list(range(len(means))),
        f"mean_test_{metric}": means,
        f"std_test_{metric}": stds,
        **{f"split{fold}_test_{metric}": means for fold in range(n_folds)},
        **more,
    }
    if chosen is None and not np.isnan(means).all():
        chosen = int(np.nanargmax(means))
    return SimpleNamespace(cv_results_=results, best_index_=chosen, refit=False)


@pytest.mark.parametrize(
    ("means", "stds", "expected"),
    [
        (
            [0.5, 0.9, 0.895],
            None,
            "Of 3 candidates in 5 folds, a=1 is best: 0.9000 ± 0.0100 accuracy; the "
            "next one, a=2 (0.8950), is within one standard deviation.",
        ),
        (
            [0.5, 0.9, 0.8],
            None,
            "Of 3 candidates in 5 folds, a=1 is best: 0.9000 ± 0.0100 accuracy; the "
            "next one, a=2 (0.8000), is more than one standard deviation below.",
        ),
        (
            [0.893, 0.9, 0.895],
            None,
            "Of 3 candidates in 5 folds, a=1 is best: 0.9000 ± 0.0100 accuracy; the "
            "next one, a=2 (0.8950), is within one standard deviation, and so is 1 "
            "other.",
        ),
        (
            [0.893, 0.9, 0.895, 0.894, 0.1],
            [0.5, 0.01, 0.5, 0.5, 0.5],
            "Of 5 candidates in 5 folds, a=1 is best: 0.9000 ± 0.0100 accuracy; the "
            "next one, a=2 (0.8950), is within one standard deviation, and so are 2 "
            "others.",
        ),
        (
            [0.9],
            None,
            "The only candidate, a=0, has 0.9000 ± 0.0100 accuracy in 5 folds.",
        ),
        (
            [0.9, 0.5, 0.9],
            None,
            "Of 3 candidates in 5 folds, 2 are best alike, a=0 and a=2: 0.9000 ± "
            "0.0100 accuracy; the search took a=0.",
        ),
        (
            [0.9] * 6,
            None,
            "Of 6 candidates in 5 folds, 6 are best alike, a=0; a=1; a=2 and 3 more: "
            "0.9000 ± 0.0100 accuracy; the search took a=0.",
        ),
        (
            [NAN, 0.9, 0.5],
            [NAN, 0.01, 0.01],
            "Of 3 candidates in 5 folds, 1 of which failed, a=1 is best: 0.9000 ± "
            "0.0100 accuracy; the next one, a=2 (0.5000), is more than one standard "
            "deviation below.",
        ),
        (
            [NAN, 0.9],
            [NAN, 0.01],
            "Of 2 candidates in 5 folds, 1 of which failed, a=1 is best: 0.9000 ± "
            "0.0100 accuracy; no other could be scored.",
        ),
        (
            [NAN, NAN],
            [NAN, NAN],
            "Of 2 candidates in 5 folds, none could be scored: every fit failed.",
        ),
        (
            [-0.002, -0.004],
            [0.0001, 0.0001],
            "Of 2 candidates in 5 folds, a=0 is best: -0.002 ± 0.0001 accuracy; the "
            "next one, a=1 (-0.004), is more than one standard deviation below.",
        ),
    ],
)
def test_what_was_found(means, stds, expected):
    assert findings_of(search_of(means, stds), "accuracy") == expected


def test_scores_that_differ_by_rounding_are_alike():
    found = findings_of(search_of([0.1 + 0.2, 0.3]), "accuracy")
    assert "2 are best alike, a=0 and a=1: 0.3000" in found


def test_without_several_folds_there_is_no_deviation():
    found = findings_of(search_of([0.9, 0.8], [0, 0], n_folds=1), "accuracy")
    assert found == (
        "Of 2 candidates in 1 fold, a=0 is best: 0.9000 accuracy; the next one, a=1 "
        "(0.8000), is 0.1000 below."
    )


def test_regression_by_r2():
    X, y = load_diabetes(return_X_y=True)
    tree = DecisionTreeRegressor(random_state=0)
    search = GridSearchCV(tree, {"max_depth": [1, 2]}, cv=4, scoring="r2").fit(X, y)
    found = findings_of(search, "r2")
    mean, std = (
        search.cv_results_[f"{kind}_test_score"][search.best_index_]
        for kind in ("mean", "std")
    )
    assert f"max_depth=2 is best: {mean:.4f} ± {std:.4f} r2; the next one" in found
    assert found.startswith("Of 2 candidates in 4 folds, ")


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def test_prefixes_are_left_out_and_long_values_cut(iris):
    pipe = make_pipeline(MinMaxScaler(), LogisticRegression())
    grid = {"logisticregression__C": [1.0], "minmaxscaler": [MinMaxScaler()]}
    search = GridSearchCV(pipe, grid, cv=2).fit(*iris)
    found = findings_of(search, "accuracy")
    assert "C=1.0, minmaxscaler=MinMaxScaler()" in found
    search.cv_results_["params"][0]["minmaxscaler"] = "x\n" * 80
    found = findings_of(search, "accuracy")
    assert "\n" not in found
    assert "…" in found
    assert len(found) < 200


def test_a_search_without_parameters(iris):
    search = GridSearchCV(DecisionTreeClassifier(), {}, cv=ShuffleSplit(1)).fit(*iris)
    found = findings_of(search, "accuracy")
    assert re.fullmatch(r"The only candidate has \d\.\d{4} accuracy in 1 fold\.", found)


@pytest.mark.parametrize("factor", [2, 3])
def test_halving_compares_those_that_reached_the_last_iteration(iris, factor):
    X, y = iris
    grid = {"max_depth": [1, 2, 3, 4, 5], "min_samples_leaf": [1, 20, 40]}
    search = HalvingGridSearchCV(
        DecisionTreeClassifier(random_state=0),
        grid,
        cv=3,
        factor=factor,
        random_state=0,
        min_resources=30,
    ).fit(X, y)
    found = findings_of(search, "accuracy")
    n_last = search.n_candidates_[-1]
    assert n_last < search.n_candidates_[0] == 15
    assert found.startswith(
        f"Of 15 candidates in 3 folds and {search.n_iterations_} iterations of "
        f"halving, the last of which {n_last} reached, "
    )
    depth = search.best_params_["max_depth"]
    assert f"max_depth={depth}" in found
    assert f"{search.best_score_:.4f}" in found


def test_halving_down_to_one():
    search = search_of(
        [0.5, NAN, 0.7, 0.6],
        n_folds=2,
        chosen=3,
        iter=[0, 0, 0, 1],
        n_resources=[1] * 4,
    )
    search.cv_results_["params"][3] = {"a": 2}
    assert findings_of(search, "accuracy") == (
        "Of 3 candidates in 2 folds and 2 iterations of halving, 1 of which failed, "
        "a=2 is left: 0.6000 ± 0.0100 accuracy."
    )


def hyperband(means, **more):
    """Three candidates from epoch 1, one of which goes on; and two for 3 epochs."""
    epochs = [1, 1, 1, 3, 3, 3]
    search = search_of(
        means,
        n_folds=2,
        iter=[0, 0, 0, 1, 0, 0],
        n_resources=epochs,
        bracket=[0, 0, 0, 0, 1, 1],
        candidate=[0, 1, 2, 1, 3, 4],
        param_epochs=epochs,
    )
    search.cv_results_["param_a"] = [0, 1, 2, 1, 3, 0]
    search.cv_results_["params"] = [
        {"a": a, "epochs": n}
        for a, n in zip(search.cv_results_["param_a"], epochs, strict=True)
    ]
    vars(search).update(more)
    return search


SPARED = (
    " Candidates came to 22 epochs over all folds, in place of 30 if none had been "
    "stopped: 26 % were spared."
)


@pytest.mark.parametrize(
    ("means", "more", "expected"),
    [
        (
            [0.5, 0.8, 0.6, 0.9, 0.7, 0.895],
            {},
            "a=1, epochs=3 is best: 0.9000 ± 0.0100 accuracy; the next one, a=0, "
            f"epochs=3 (0.8950), is within one standard deviation.{SPARED}",
        ),
        (  # the best is the best of all rows; itself, longer, is not the next one
            [0.5, 0.9, 0.6, 0.895, 0.7, 0.2],
            {"stopped_by_": "max_time"},
            "a=1, epochs=1 is best: 0.9000 ± 0.0100 accuracy; the next one, a=3, "
            "epochs=3 (0.7000), is more than one standard deviation below."
            f"{SPARED} It ended early, since its time was over.",
        ),
        (  # the same parameters in two brackets
            [0.9, 0.8, 0.6, NAN, 0.7, 0.9],
            {"max_epochs": 3, "stopped_by_": None},
            "1 of which failed, a=0, epochs=1 is best: 0.9000 ± 0.0100 accuracy; the "
            "next one, a=1, epochs=1 (0.8000), is more than one standard deviation "
            f"below.{SPARED}",
        ),
        ([NAN] * 6, {}, f"none could be scored: every fit failed.{SPARED}"),
    ],
)
def test_hyperband_compares_the_best_of_each_and_tells_what_was_spared(
    means, more, expected
):
    found = findings_of(hyperband(means, **more), "accuracy")
    assert (
        found == f"Of 5 candidates in 2 folds and 2 brackets of Hyperband, {expected}"
    )


def test_hyperband_by_a_rule_of_its_own():
    search = hyperband([0.5, 0.8, 0.6, 0.9, 0.7, 0.895], refit=len, best_index_=1)
    found = findings_of(search, "accuracy")
    assert "the search's own rule chose a=1, epochs=1: 0.8000 ± 0.0100" in found
    assert "; the highest score is 0.9000, of a=1, epochs=3." in found


METRICS = ["accuracy", "f1_macro"]


def several(iris, refit):
    grid = {"max_depth": [1, 3]}
    tree = DecisionTreeClassifier(random_state=0)
    return GridSearchCV(tree, grid, scoring=METRICS, refit=refit, cv=3).fit(*iris)


def test_several_metrics(iris):
    search = several(iris, "f1_macro")
    mean = search.cv_results_["mean_test_accuracy"][1]
    found = findings_of(search, "accuracy")
    best = rf"max_depth=3 is best: {search.best_score_:.4f} ± 0\.\d+ f1_macro"
    assert re.search(
        rf"{best} \(its other scores: {mean:.4f} ± 0\.\d+ accuracy\); the next", found
    )


def test_several_metrics_and_no_choice(iris):
    found = findings_of(several(iris, False), "accuracy")
    first, second = re.findall(r"Of 2 candidates in 3 folds, .*?\.(?= |$)", found)
    assert "max_depth=3 is best by accuracy: " in first
    assert "max_depth=3 is best by f1_macro: " in second


def test_a_rule_of_the_searchs_own(iris):
    found = findings_of(several(iris, lambda results: 0), "accuracy")
    assert "the search's own rule chose max_depth=1: " in found
    assert re.search(r"; the highest score is 0\.9\d+, of max_depth=3\.$", found)
    top = findings_of(several(iris, lambda results: 1), "accuracy")
    assert "the search's own rule chose max_depth=3: " in top
    assert "highest" not in top


def test_the_metric_of_a_scorer_of_best_epochs_goes_by_the_scores_name():
    search = search_of([0.9, 0.8], mean_test_best_epoch=[3.5, 4])
    search.cv_results_["std_test_best_epoch"] = [0.5, 0.0]
    found = findings_of(search, "accuracy")
    search.refit = "score"
    assert findings_of(search, "accuracy") == found
    told = "0.9000 ± 0.0100 accuracy (its other scores: 3.5000 ± 0.5000 best_epoch)"
    assert told in found


def test_random_searches(iris):
    search = RandomizedSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2, 3, 4], "min_samples_leaf": [1, 2]},
        n_iter=3,
        random_state=0,
        cv=2,
    ).fit(*iris)
    assert findings_of(search, "accuracy").startswith("Of 3 candidates in 2 folds, ")
