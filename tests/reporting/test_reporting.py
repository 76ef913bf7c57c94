"""The pivot table shows every candidate, at its place, with its own score."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from sknn_mnist._cv_results import Keys
from sknn_mnist.reporting import cv_results_frame, pivot_cv_results


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def tree_search(iris):
    grid = {"max_depth": [1, 2], "min_samples_leaf": [1, 20]}
    return GridSearchCV(
        DecisionTreeClassifier(random_state=0), grid, cv=3, return_train_score=True
    ).fit(*iris)


def results_of(params, scores, **more):
    """Make cv_results_ by hand, as scikit-learn lays them out."""
    names = sorted({name for each in params for name in each})
    columns = {}
    for name in names:
        column = np.ma.masked_all(len(params), dtype=object)
        for at, each in enumerate(params):
            if name in each:
                column[at] = each[name]
        columns[f"param_{name}"] = column
    return {**columns, "params": params, "mean_test_score": np.array(scores), **more}


def test_the_default_is_the_slides_table(tree_search):
    ours = pivot_cv_results(tree_search)
    slide = pd.DataFrame(tree_search.cv_results_).pivot_table(
        index=["param_max_depth", "param_min_samples_leaf"],
        values=["mean_train_score", "mean_test_score"],
    )
    assert list(ours.columns) == ["mean_train_score", "mean_test_score"]
    assert list(ours.index.names) == ["max_depth", "min_samples_leaf"]
    assert list(ours.index) == list(slide.index)
    np.testing.assert_array_equal(ours.to_numpy(), slide[ours.columns].to_numpy())


@pytest.mark.parametrize("given", ["search", "dict", "frame", "csv"])
def test_searches_dicts_frames_and_csv_give_the_same(tree_search, tmp_path, given):
    expected = pivot_cv_results(tree_search)
    source = {
        "search": lambda: tree_search,
        "dict": lambda: tree_search.cv_results_,
        "frame": lambda: cv_results_frame(tree_search),
    }
    if given == "csv":
        cv_results_frame(tree_search).to_csv(tmp_path / "r.csv", index=False)
        results = pd.read_csv(tmp_path / "r.csv", float_precision="round_trip")
    else:
        results = source[given]()
    pd.testing.assert_frame_equal(pivot_cv_results(results), expected)


def test_what_is_given_is_not_changed(tree_search):
    before = pd.DataFrame(tree_search.cv_results_).copy(deep=True)
    frame = cv_results_frame(tree_search)
    pivot_cv_results(frame, columns="max_depth")
    pd.testing.assert_frame_equal(pd.DataFrame(tree_search.cv_results_), before)
    pd.testing.assert_frame_equal(frame, cv_results_frame(tree_search))


def test_columns_spread_and_the_rest_is_averaged(tree_search):
    wide = pivot_cv_results(
        tree_search, columns="min_samples_leaf", values="mean_test_score"
    )
    tall = pivot_cv_results(tree_search)["mean_test_score"]
    assert wide.shape == (2, 2)
    assert wide.columns.names == [None, "min_samples_leaf"]
    for depth, leaf in tall.index:
        assert wide.loc[depth, ("mean_test_score", leaf)] == tall[depth, leaf]
    by_depth = pivot_cv_results(tree_search, index="max_depth")["mean_test_score"]
    assert by_depth[1] == pytest.approx(tall[1].mean())
    worst = pivot_cv_results(tree_search, index="param_max_depth", aggfunc="min")
    assert worst.loc[1, "mean_test_score"] == tall[1].min()


def test_other_values_can_be_shown(tree_search):
    names = ["std_test_score", "split0_test_score", "rank_test_score"]
    assert list(pivot_cv_results(tree_search, values=names).columns) == names


def test_pipeline_prefixes_may_be_left_out(iris):
    inner = Pipeline([("clf", DecisionTreeClassifier(random_state=0))])
    outer = Pipeline([("inner", inner)])
    search = GridSearchCV(outer, {"inner__clf__max_depth": [1, 2]}, cv=3).fit(*iris)
    for name in (
        *["max_depth", "clf__max_depth", "inner__clf__max_depth"],
        "param_inner__clf__max_depth",
    ):
        table = pivot_cv_results(search, index=name)
        assert table.index.names == ["max_depth"]
        assert list(table.index) == [1, 2]


def test_names_that_may_mean_two_parameters_are_refused():
    results = results_of([{"a__C": 1, "b__C": 2}], [0.5])
    message = "may mean any of ['a__C', 'b__C']. Got 'C' instead."
    with pytest.raises(ValueError, match=re.escape(message)):
        pivot_cv_results(results, index="C")
    assert list(pivot_cv_results(results).index.names) == ["a__C", "b__C"]
    # the full name of one is not ambiguous though another ends with it
    results = results_of([{"C": 1, "b__C": 2}], [0.5])
    assert list(pivot_cv_results(results, index="C").index) == [1]


def test_multi_metric_searches_show_each(iris):
    search = GridSearchCV(
        LogisticRegression(max_iter=500),
        {"C": [0.1, 1.0]},
        scoring=["accuracy", "f1_macro"],
        refit=False,
        cv=3,
        return_train_score=True,
    ).fit(*iris)
    assert list(pivot_cv_results(search).columns) == [
        "mean_train_accuracy",
        "mean_test_accuracy",
        "mean_train_f1_macro",
        "mean_test_f1_macro",
    ]
    assert list(pivot_cv_results(search, values="f1_macro").columns) == [
        "mean_train_f1_macro",
        "mean_test_f1_macro",
    ]


def test_tuples_and_none_are_rows():
    sizes = [None, (32, 32), 32, (8,), [1, 2], {"a": 1}]
    results = results_of([{"hidden_size": size} for size in sizes], np.arange(6.0))
    table = pivot_cv_results(results)
    assert list(table.index) == ["None", "(32, 32)", 32, "(8,)", "[1, 2]", "{'a': 1}"]
    assert list(table["mean_test_score"]) == list(range(6))
    wide = pivot_cv_results(results, columns="hidden_size")
    assert wide.shape == (1, 6)


def test_numbers_are_sorted_and_none_comes_first():
    results = results_of([{"depth": d} for d in (10, None, 9, 1)], [1.0, 2, 3, 4])
    assert list(pivot_cv_results(results).index) == ["None", 1, 9, 10]


def test_bools_and_numbers_are_not_mixed_up():
    results = results_of([{"p": p} for p in (1, True, 1.0)], [0.1, 0.2, 0.3])
    assert len(pivot_cv_results(results)) == 3


def test_parameters_that_a_candidate_lacks_are_dashes():
    results = results_of([{"C": 1}, {"kernel": "rbf"}], [0.1, 0.2])
    assert list(pivot_cv_results(results).index) == [(1, "–"), ("–", "rbf")]


def test_failed_fits_are_shown(iris):
    search = GridSearchCV(
        DecisionTreeClassifier(), {"max_depth": [-1, 1], "ccp_alpha": [0.0, 0.1]}, cv=3
    )
    with pytest.warns(Warning, match="fits failed"):
        search.fit(*iris)
    table = pivot_cv_results(search, index="max_depth", columns="ccp_alpha")
    assert table.shape == (2, 2)
    assert table.loc[-1].isna().all()
    assert table.loc[1].notna().all()
    # nor is a failed one passed over when it is averaged with others
    assert pivot_cv_results(search, index="ccp_alpha").isna().all().all()
    assert pivot_cv_results(search, format="markdown").count("failed") == 2
    assert pivot_cv_results(search, format="html").count("failed") == 2


def test_halving_shows_each_candidates_last_iteration(iris):
    search = HalvingGridSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2, 3]},
        resource="max_leaf_nodes",
        min_resources=3,
        max_resources=9,
        cv=3,
        random_state=0,
    ).fit(*iris)
    table = pivot_cv_results(search, index="max_depth", values="iter")
    assert list(table.index) == [1, 2, 3]
    assert table["iter"].max() == 1
    assert (table["iter"] == 0).sum() == 2
    both = pivot_cv_results(search, index=["iter", "max_depth"])
    assert len(both) == 4


HYPERBAND = {
    "iter": [0, 0, 1, 0, 0],
    "n_resources": [1, 1, 3, 3, 3],
    "bracket": [0, 0, 0, 1, 1],
    "candidate": [0, 1, 1, 2, 3],
    "param_net__epochs": [1, 1, 3, 3, 3],
    # 0.1 and 8 are in both brackets.
    "param_rate": np.array([0.01, 0.1, 0.1, 0.1, 0.5]),
    "param_size": [np.int64(8), 8, 8, 8, np.int32(9)],
    "mean_test_score": np.array([0.1, 0.6, 0.5, 0.7, 0.4]),
}


def test_hyperband_shows_each_candidates_last_rung_or_all_by_epochs():
    last = pivot_cv_results(HYPERBAND, index="candidate")
    assert list(last["mean_test_score"]) == [0.1, 0.5, 0.7, 0.4]
    assert list(pivot_cv_results(HYPERBAND, index="bracket").index) == [0, 1]
    table = pivot_cv_results(HYPERBAND, index=["epochs", "size"], aggfunc="max")
    assert table["mean_test_score"].to_dict() == {(1, 8): 0.6, (3, 8): 0.7, (3, 9): 0.4}
    # Any of the rows may be the best.
    every = ["bracket", "epochs", "rate"]
    assert len(pivot_cv_results(HYPERBAND, index=every)) == 5
    text = pivot_cv_results(
        HYPERBAND,
        index="rate",
        values=["bracket", "score"],
        aggfunc="min",
        format="markdown",
    )
    assert re.findall(r"\| (\S+) +\| +(\d) \| +(\S+) \|", text) == [
        *(("0.01", "0", "0.1000"), ("0.1", "0", "0.5000"), ("0.5", "1", "0.4000"))
    ]


def test_randomized_searches_pivot_too(iris):
    search = RandomizedSearchCV(
        DecisionTreeClassifier(), {"max_depth": [1, 2, 3, 4]}, n_iter=3, cv=3
    ).fit(*iris)
    assert len(pivot_cv_results(search)) == 3


def test_markdown_is_a_table_and_escapes(tree_search):
    text = pivot_cv_results(tree_search, format="markdown")
    lines = text.splitlines()
    assert [cell.strip() for cell in lines[0].split("|")[1:-1]] == [
        *["max_depth", "min_samples_leaf", "mean_train_score", "mean_test_score"]
    ]
    assert len(lines) == 2 + 4
    score = pivot_cv_results(tree_search)["mean_test_score"].iloc[0]
    assert f"{score:.4f}" in lines[2]
    odd = results_of([{"name": "a|b"}, {"name": "(1, 2)"}], [1.0, 0.5])
    lines = pivot_cv_results(odd, format="markdown").splitlines()
    assert lines[2].startswith("| (1, 2)")
    assert r"a\|b" in lines[3]
    assert "1.0000" in lines[3]


def test_html_escapes_what_users_wrote():
    results = results_of([{"name": "<script>alert(1)</script>"}], [1.0])
    text = pivot_cv_results(results, format="html")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    wide = pivot_cv_results(results, columns="name", format="html")
    assert "<script>" not in wide


def test_a_search_without_parameters_has_one_row(iris):
    search = GridSearchCV(DecisionTreeClassifier(), {}, cv=3).fit(*iris)
    assert pivot_cv_results(search).shape == (1, 1)
    assert "mean_test_score" in pivot_cv_results(search, format="markdown")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"index": "hiden_size"},
            "The 'index' parameter of pivot_cv_results must name some of the searched "
            "parameters ['epochs', 'hidden_size'] (did you mean 'hidden_size'?). Got "
            "'hiden_size' instead.",
        ),
        ({"values": "mean_tst_score"}, "(did you mean 'mean_test_score'?)"),
        ({"values": []}, "must name at least one result. Got [] instead."),
        (
            {"index": "epochs", "columns": "epochs"},
            "'columns' parameter of pivot_cv_results must name other",
        ),
        ({"index": ["epochs", "param_epochs"]}, "must name each parameter once"),
        (
            {"format": "latex"},
            "The 'format' parameter of pivot_cv_results must be one of {'frame', "
            "'html', 'markdown'}. Got 'latex' instead.",
        ),
        ({"aggfunc": "sum"}, "The 'aggfunc' parameter of pivot_cv_results must be"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    results = results_of([{"epochs": 1, "hidden_size": 32}], [0.5])
    with pytest.raises(ValueError, match=re.escape(message)):
        pivot_cv_results(results, **arguments)


def test_what_is_no_result_is_refused():
    with pytest.raises(NotFittedError, match="GridSearchCV instance has no results"):
        pivot_cv_results(GridSearchCV(DecisionTreeClassifier(), {}))
    with pytest.raises(TypeError, match="must be a fitted search"):
        pivot_cv_results(3)
    with pytest.raises(ValueError, match="a search without candidates"):
        pivot_cv_results({"params": [], "mean_test_score": []})


plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(allow_nan=False, width=16).map(lambda v: v + 0.0),  # -0.0 is 0.0
    st.text(max_size=3),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.lists(st.integers(0, 3), max_size=2),
)


@given(
    one=st.lists(plain, min_size=1, max_size=4, unique_by=lambda v: (type(v), repr(v))),
    other=st.lists(
        plain, min_size=1, max_size=3, unique_by=lambda v: (type(v), repr(v))
    ),
    as_columns=st.booleans(),
)
def test_every_candidate_is_somewhere_with_its_score(one, other, as_columns):
    params = [{"a": a, "b": b} for a in one for b in other]
    scores = np.linspace(0.1, 0.9, len(params))
    table = pivot_cv_results(
        results_of(params, scores), columns="b" if as_columns else None
    )
    shape = (len(one), len(other)) if as_columns else (len(params), 1)
    assert table.shape == shape
    np.testing.assert_array_equal(np.sort(table.to_numpy().ravel()), scores)
    if not as_columns:
        texts = [tuple(str(label) for label in row) for row in table.index]
        for each, score in zip(params, scores, strict=True):
            places = [
                at
                for at, row in enumerate(texts)
                if all(
                    label in {str(value), repr(value), repr(repr(value))}
                    for label, value in zip(row, each.values(), strict=True)
                )
            ]
            assert score in table["mean_test_score"].to_numpy()[places]


@pytest.mark.parametrize("seed", range(5))
def test_columns_of_several_parameters_are_sorted_whatever_is_missing(seed):
    rng = np.random.default_rng(seed)
    whole = [(a, b, c) for a in (1, 2) for b in (3, 10) for c in ("x", "y")]
    drawn = [whole[place] for place in rng.permutation(len(whole))[:5]]
    a, b, c = zip(*drawn, strict=True)
    results = {
        "params": [dict(zip("abc", each, strict=True)) for each in drawn],
        **{"param_a": a, "param_b": b, "param_c": c},
        "mean_test_score": [place / 10 for place in range(5)],
    }
    table = pivot_cv_results(results, index="a", columns=["b", "c"])
    assert list(table.index) == sorted(set(a))
    columns = sorted({(y, z) for _, y, z in drawn})
    assert list(table.columns) == [("mean_test_score", *each) for each in columns]
    for place, (x, *place_of_column) in enumerate(drawn):
        assert table.loc[x, ("mean_test_score", *place_of_column)] == place / 10
    assert table.notna().sum().sum() == len(drawn)


@pytest.mark.parametrize(
    "names",
    [
        *[["a", "b"], ["clf__a", "b__clf__a"], ["a", "clf__a", "clf__b"]],
        *[["iter", "a"], ["clf__iter", "n_resources"], ["iter", "clf__iter"]],
    ],
)
@pytest.mark.parametrize("others", [[], ["iter", "n_resources", "bracket"]])
def test_each_column_goes_by_a_name_of_its_own_that_finds_it(names, others):
    columns = [*(f"param_{name}" for name in names), *others]
    keys = Keys(pd.DataFrame(columns=columns), "me")
    short = [keys.short(column) for column in columns]
    assert len(set(short)) == len(columns)
    assert [keys.find("index", name) for name in short] == columns
