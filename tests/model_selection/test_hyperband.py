"""HyperbandSearchCV: who goes on, on which epochs, and what is left of it."""

import pickle
import threading

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import sknn_mnist._loans
from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor
from sknn_mnist.model_selection import HyperbandSearchCV, Range

SPACE = {"learning_rate": Range(1e-3, 1e-1, log=True), "batch_norm": [False, True]}


class Counting:
    """A scorer that counts the epochs that were trained and not found."""

    def __init__(self):
        self.n_trained = self.n_calls = 0
        self.end_at = None

    def __call__(self, estimator, X, y):
        net = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        self.n_trained += net.n_iter_ - net.initial_epoch_
        self.n_calls += 1
        if self.n_calls == self.end_at:
            raise KeyboardInterrupt
        return estimator.score(X, y)


@pytest.fixture(scope="module")
def rows(digits):
    X, _, y, _ = digits
    return X[:200], y[:200]


def make_search(estimator=None, space=SPACE, **options):
    net = estimator or DenseClassifier(hidden_size=8, random_state=0, verbose=0)
    options = {"max_epochs": 4, "factor": 2, "cv": 2, "random_state": 0} | options
    return HyperbandSearchCV(net, space, **options)


@pytest.fixture(scope="module")
def fitted(rows):
    scorer = Counting()
    search = make_search(scoring=scorer).fit(*rows)
    return search, scorer


def table_of(search):
    """Return the results of a search but for the times."""
    results = pd.DataFrame(search.cv_results_)
    return results[[name for name in results if not name.endswith("_time")]]


def test_results_have_a_row_for_each_rung(fitted):
    search, _ = fitted
    results = search.cv_results_
    assert search.brackets_ == [[(4, 1), (2, 2), (1, 4)], [(3, 2), (1, 4)], [(3, 4)]]
    assert list(results["n_resources"]) == [1] * 4 + [2] * 2 + [4] + [2] * 3 + [4] * 4
    assert list(results["param_epochs"]) == list(results["n_resources"])
    assert list(results["iter"]) == [0] * 4 + [1] * 2 + [2] + [0] * 3 + [1] + [0] * 3
    assert list(results["bracket"]) == [0] * 7 + [1] * 4 + [2] * 3
    assert search.n_candidates_ == 10
    assert search.stopped_by_ is None


def test_the_best_of_each_rung_go_on(fitted):
    results = pd.DataFrame(fitted[0].cv_results_)
    for _, bracket in results.groupby("bracket"):
        for number in range(1, bracket["iter"].max() + 1):
            before = bracket[bracket["iter"] == number - 1]
            went_on = set(bracket[bracket["iter"] == number]["candidate"])
            order = before.sort_values(
                "mean_test_score", ascending=False, kind="stable"
            )
            assert went_on == set(order["candidate"][: len(went_on)])


def test_a_candidate_keeps_its_parameters(fitted):
    results = pd.DataFrame(fitted[0].cv_results_)
    for _, rows_of_it in results.groupby("candidate"):
        params = [{**each, "epochs": 0} for each in rows_of_it["params"]]
        assert all(each == params[0] for each in params)


def test_no_epoch_is_trained_twice(fitted):
    search, scorer = fitted
    assert search.n_epochs_ == 2 * ((4 + 2 + 2) + (3 * 2 + 2) + 3 * 4)
    assert scorer.n_trained == search.n_epochs_


@pytest.mark.exact
def test_scores_are_those_of_training_from_scratch(fitted, rows):
    results = fitted[0].cv_results_
    for row in (1, 6, 10, 13):
        net = clone(fitted[0].estimator).set_params(**results["params"][row])
        scores = cross_val_score(net, *rows, cv=2)
        assert [results[f"split{fold}_test_score"][row] for fold in (0, 1)] == list(
            scores
        )


def test_the_best_of_all_rows_is_trained_on_all(fitted, rows):
    search, _ = fitted
    results = search.cv_results_
    assert search.best_index_ == int(np.argmax(results["mean_test_score"]))
    assert search.best_score_ == max(results["mean_test_score"])
    best = clone(search.estimator).set_params(**search.best_params_).fit(*rows)
    np.testing.assert_array_equal(
        search.predict_proba(rows[0]), best.predict_proba(rows[0])
    )
    assert search.best_estimator_.memory is None
    assert search.estimator.memory is None


def test_nothing_of_the_search_is_left(fitted, tmp_path, monkeypatch, rows):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    search = make_search(max_epochs=2).fit(*rows)
    assert list(tmp_path.iterdir()) == []
    for each in (search, fitted[0]):
        assert not [name for name in vars(each) if name.startswith("_co")]
        assert "_loan" not in vars(each.estimator) | vars(each.best_estimator_)
        again = pickle.loads(pickle.dumps(each))
        np.testing.assert_array_equal(again.predict(rows[0]), each.predict(rows[0]))
        assert clone(again).get_params().keys() == each.get_params().keys()


def test_the_same_seed_gives_the_same_search(rows):
    def searched(random_state, **options):
        net = DenseClassifier(hidden_size=8, verbose=0)  # without one of its own
        search = make_search(net, random_state=random_state, max_epochs=2, **options)
        return search.fit(*rows)

    first, again, other = searched(1), searched(1), searched(2)
    pd.testing.assert_frame_equal(table_of(first), table_of(again))
    np.testing.assert_array_equal(
        first.predict_proba(rows[0]), again.predict_proba(rows[0])
    )
    assert list(first.cv_results_["params"]) != list(other.cv_results_["params"])
    assert first.best_estimator_.random_state is None


@pytest.mark.parametrize("calls", [3, 11])
def test_an_interrupted_search_goes_on(rows, tmp_path, fitted, calls):
    scorer = Counting()
    net = DenseClassifier(hidden_size=8, random_state=0, verbose=0, memory=tmp_path)
    search = make_search(net, scoring=scorer)
    scorer.end_at = calls
    with pytest.raises(KeyboardInterrupt):
        search.fit(*rows)
    assert not hasattr(search, "cv_results_")
    scorer.end_at = None
    search.fit(*rows)
    pd.testing.assert_frame_equal(table_of(search), table_of(fitted[0]))
    assert scorer.n_trained == search.n_epochs_  # of both runs


def test_folds_are_drawn_once(rows):
    scorer = Counting()
    folds = StratifiedKFold(2, shuffle=True)
    search = make_search(scoring=scorer, cv=folds, max_epochs=2).fit(*rows)
    assert scorer.n_trained == search.n_epochs_
    assert search.cv is folds


# -- what is searched ---------------------------------------------------------------


def test_a_pipeline_is_searched_with_its_preparation(rows):
    scorer = Counting()
    pipe = Pipeline(
        [
            ("scale", MinMaxScaler()),
            ("net", DenseClassifier(hidden_size=8, random_state=0, verbose=0)),
        ]
    )
    space = {
        "scale": [MinMaxScaler(), StandardScaler()],
        "net__optimizer": ["adam", "sgd"],
        "net__learning_rate": Range(1e-3, 1e-1, log=True),
        "net": [
            DenseClassifier(hidden_size=8, random_state=1, verbose=0),
            CNNClassifier(filters=2, hidden_size=4, verbose=0),
        ],
    }
    search = make_search(pipe, space, scoring=scorer).fit(*rows)
    assert scorer.n_trained == search.n_epochs_
    assert "param_net__epochs" in search.cv_results_
    assert "_loan" not in vars(space["net"][0])
    assert "_loan" not in vars(search.best_estimator_[-1])
    search.predict(rows[0])


def test_a_net_within_another_estimator_is_found(rows):
    X, y = rows
    net = DenseRegressor(hidden_size=4, random_state=0, verbose=0)
    around = TransformedTargetRegressor(regressor=net, transformer=StandardScaler())
    space = {"regressor__hidden_size": [2, 4, 8]}
    search = make_search(around, space, max_epochs=2).fit(X, y.astype(float))
    assert search.best_params_["regressor__epochs"] in (1, 2)


def test_a_small_space_is_tried_whole(rows):
    search = make_search(space={"hidden_size": [4, 8]}).fit(*rows)
    assert search.brackets_ == [[(2, 1), (1, 2), (1, 4)], [(2, 2), (1, 4)], [(2, 4)]]
    # The brackets have the same candidates, which go on from one another.
    assert search.n_epochs_ == 2 * 2 * 4


def test_several_scores(rows):
    scoring = ["accuracy", "neg_log_loss"]
    search = make_search(scoring=scoring, refit="neg_log_loss", max_epochs=2).fit(*rows)
    results = search.cv_results_
    by_loss = np.argsort(-results["mean_test_neg_log_loss"][:2])
    assert results["candidate"][2] == by_loss[0]
    assert search.best_index_ == int(np.argmax(results["mean_test_neg_log_loss"]))


@pytest.mark.parametrize("refit", [False, lambda results: 0])
def test_of_several_scores_the_first_counts_where_none_is_named(rows, refit):
    scoring = {"loss": "neg_log_loss", "accuracy": "accuracy"}
    search = make_search(scoring=scoring, refit=refit, max_epochs=2).fit(*rows)
    results = search.cv_results_
    assert results["candidate"][2] == np.argmax(results["mean_test_loss"][:2])
    assert hasattr(search, "best_estimator_") == bool(refit)


def test_several_scores_of_a_function_need_the_name_of_one_for_the_refit(rows):
    rungs = []

    class Counted(HyperbandSearchCV):
        def on_rung_begin(self, reached, brackets):
            rungs.append(reached)

    net = DenseClassifier(hidden_size=8, random_state=0, verbose=0)
    search = Counted(
        net,
        SPACE,
        scoring=lambda net, X, y: {"score": 1.0, "other": 1.0},
        cv=2,
        max_epochs=3,
    )
    with pytest.raises(ValueError, match="'refit' parameter of Counted must name one"):
        search.fit(*rows)
    assert len(rungs) == 1  # before, nobody knows how many there are


def test_what_a_subclass_notes_of_rungs_stays(rows):
    class Noting(HyperbandSearchCV):
        n_rungs = 0

        def on_rung_begin(self, reached, brackets):
            self.n_rungs += 1

    net = DenseClassifier(hidden_size=8, random_state=0, verbose=0)
    search = Noting(net, SPACE, cv=2, max_epochs=3, random_state=0).fit(*rows)
    assert search.n_rungs == 3
    assert search.estimator is net
    assert search.cv == 2


def test_weights_and_groups_arrive(rows):
    X, y = rows
    weights = np.where(y < 5, 1.0, 0.0)
    search = make_search(max_epochs=2).fit(X, y, sample_weight=weights)
    assert set(search.predict(X)) <= set(range(5))


# -- fits that fail, scores that are none ---------------------------------------------


class FailsLate(DenseClassifier):
    """A net that can't train for more than an epoch."""

    def fit(self, X, y, sample_weight=None):
        if self.epochs > 1:
            raise ValueError("too long")
        return super().fit(X, y, sample_weight)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_results_survive_rungs_whose_fits_all_fail(rows):
    search = make_search(FailsLate(hidden_size=8, random_state=0, verbose=0))
    with pytest.warns(UserWarning, match="ends a bracket early.*too long"):
        search.fit(*rows)
    assert search.brackets_ == [[(4, 1)], [], []]
    assert search.best_params_["epochs"] == 1
    assert search.n_candidates_ == 4


def test_fits_that_all_fail_at_first_are_an_error(rows):
    net = FailsLate(hidden_size=8, random_state=0, verbose=0)
    with pytest.raises(ValueError, match="fits failed"):
        make_search(net, max_epochs=5, factor=3).fit(*rows)


def test_a_failing_fit_raises_where_it_is_to(rows):
    net = FailsLate(hidden_size=8, random_state=0, verbose=0)
    with pytest.raises(ValueError, match="too long"):
        make_search(net, error_score="raise").fit(*rows)


@pytest.mark.filterwarnings("ignore:One or more of the test scores:UserWarning")
def test_who_has_no_score_does_not_go_on(rows):
    def scorer(net, X, y):
        return np.nan if net.batch_norm else net.score(X, y)

    search = make_search(scoring=scorer).fit(*rows)
    went_on = [
        params["batch_norm"]
        for params, rung in zip(
            search.cv_results_["params"], search.cv_results_["iter"], strict=True
        )
        if rung > 0
    ]
    assert went_on
    assert not any(went_on)


@pytest.mark.filterwarnings("ignore:One or more of the test scores:UserWarning")
def test_nobody_with_a_score_ends_a_bracket_with_a_warning(rows):
    def scorer(net, X, y):
        return np.nan if net.epochs > 1 else net.score(X, y)

    with pytest.warns(UserWarning, match="ends a bracket early.*no candidate has a"):
        search = make_search(scoring=scorer, max_epochs=2).fit(*rows)
    assert search.best_params_["epochs"] == 1


# -- time and patience ----------------------------------------------------------------


class Clock:
    """Each look at it takes a second."""

    def __init__(self):
        self.now = 0.0

    def time(self):
        self.now += 1.0
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(sknn_mnist._loans, "time", made)
    monkeypatch.setattr("sknn_mnist.model_selection._course.time", made)
    return made


def test_time_leaves_whole_rungs(rows, clock, fitted):
    search = make_search(max_time=22).fit(*rows)
    assert search.stopped_by_ == "max_time"
    n_rows = sum(n for bracket in search.brackets_ for n, _ in bracket)
    assert 0 < n_rows < len(fitted[0].cv_results_["params"])
    assert len(search.cv_results_["params"]) == n_rows
    best = search.best_index_
    assert search.cv_results_["params"][best] == search.best_params_
    assert search.predict(rows[0]).shape == rows[1].shape  # refitted after its time
    whole = table_of(fitted[0])
    pd.testing.assert_frame_equal(
        table_of(search).drop(columns="rank_test_score"),
        whole[:n_rows].drop(columns="rank_test_score"),
    )


def test_time_that_is_over_at_once_is_an_error(rows, clock):
    search = make_search(max_time=3)
    with pytest.raises(TimeoutError, match=r"max_time=3 seconds.*4 candidates"):
        search.fit(*rows)
    assert not hasattr(search, "brackets_")


@pytest.mark.parametrize(
    ("patience", "n_brackets"), [(1, 2), (3, 2), (4, 3), (None, 3)]
)
def test_patience_ends_after_a_bracket(rows, patience, n_brackets):
    calls = []

    def worse_and_worse(net, X, y):
        calls.append(1)
        return -len(calls)

    search = make_search(scoring=worse_and_worse, patience=patience).fit(*rows)
    assert len(search.brackets_) == n_brackets
    assert (search.stopped_by_ == "patience") == (n_brackets < 3)


def test_brackets_may_be_repeated(rows):
    search = make_search(max_epochs=2, hyperband_iterations=2).fit(*rows)
    assert search.brackets_ == [[(2, 1), (1, 2)], [(2, 2)]] * 2
    drawn = [each["learning_rate"] for each in search.cv_results_["params"]]
    assert len(set(drawn)) == search.n_candidates_ == 8


# -- where fits run -------------------------------------------------------------------


def test_threads_find_the_same(rows, fitted):
    from joblib import parallel_config

    scorer = Counting()
    with parallel_config("threading"):
        search = make_search(n_jobs=2, scoring=scorer).fit(*rows)
    assert scorer.n_trained == search.n_epochs_
    pd.testing.assert_frame_equal(table_of(search), table_of(fitted[0]))


def test_time_ends_fits_in_threads_as_well(rows, tmp_path, monkeypatch):
    """Of two threads, one sees the time first; the other is at a long epoch."""
    from joblib import parallel_config

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    now, at_work, there = [0.0], [], []
    monkeypatch.setattr(sknn_mnist._loans.time, "time", lambda: now[0])

    class Slow(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            at_work.append(threading.current_thread())
            if len(at_work) == 2:
                now[0] = 100.0
                threading.Event().wait(0.5)
                there.append([each.is_dir() for each in tmp_path.iterdir()])
            elif len(at_work) == 1:
                while len(at_work) < 2:
                    threading.Event().wait(0.01)

    net = DenseClassifier(hidden_size=8, random_state=0, verbose=0, callbacks=[Slow()])
    search = make_search(net, n_jobs=2, max_time=50, max_epochs=50, factor=51)
    with parallel_config("threading"), pytest.raises(TimeoutError):
        search.fit(*rows)
    assert there == [[True]]  # what was lent, until the last fit was over
    n_epochs = len(at_work)
    threading.Event().wait(0.3)
    assert len(at_work) == n_epochs <= 4
    assert list(tmp_path.iterdir()) == []


# -- what it is told ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"max_epochs": 0},
            "'max_epochs' parameter of HyperbandSearchCV must",
        ),
        ({"max_epochs": 2.5}, "'max_epochs'"),
        ({"factor": 1}, r"'factor' .* must be an int in the range \[2, inf\)"),
        ({"hyperband_iterations": None}, "'hyperband_iterations'"),
        ({"max_time": 0}, "'max_time' .* must be None or a float"),
        ({"max_time": "5"}, "'max_time'"),
        ({"max_time": True}, "'max_time'"),
        ({"max_time": float("inf")}, "'max_time'"),
        ({"patience": 0}, "'patience'"),
        ({"random_state": "0"}, "'random_state'"),
        ({"space": {}}, "'param_distributions' .* must be a dict"),
        ({"space": {"hidden_size": 3}}, "'param_distributions'"),
        ({"space": {"epochs": [1, 2]}}, "leave 'epochs' out"),
        ({"space": {"hiden_size": [1, 2]}}, "hiden_size"),
        (
            {"space": [SPACE] * 5 + [{"hiden_size": [1]}], "max_epochs": 81},
            "hiden_size",
        ),
        (
            {"space": {"hidden_size": [4], "fit__epochs": [2]}},
            "leave 'fit__epochs' out",
        ),
        ({"estimator": "net"}, "'estimator' .* must be an estimator with epochs"),
        ({"estimator": StandardScaler()}, "'estimator' .* be a net of this package"),
        (
            {
                "estimator": Pipeline(
                    [
                        ("first", DenseClassifier()),
                        ("second", DenseClassifier()),
                        ("last", StandardScaler()),
                    ]
                )
            },
            "not several",
        ),
        ({"n_jobs": "two"}, "n_jobs"),
    ],
)
def test_bad_input_starts_nothing(rows, options, message):
    def scorer(net, X, y):
        raise AssertionError("it was trained")

    with pytest.raises((ValueError, TypeError), match=message):
        make_search(scoring=scorer, error_score="raise", **options).fit(*rows)


def test_verbose_tells_of_rungs(rows, capsys):
    make_search(max_epochs=2, verbose=1).fit(*rows)
    said = capsys.readouterr().out
    assert "bracket 1 of 2, rung 2 of 2: 1 candidate to 2 epochs" in said
