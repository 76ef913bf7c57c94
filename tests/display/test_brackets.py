"""Searches that stop candidates: how far each came, in the picture of brackets."""

import re
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib import style
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV
from sklearn.tree import DecisionTreeClassifier

from sknn_mnist.display import BracketsDisplay, SearchDisplay
from sknn_mnist.display._drawing import COLOURS, ON_DARK

mpl.use("Agg")


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close("all")


def hyperband(**more):
    """Results of two brackets, (3, 1), (1, 3) and (2, 3), as NumPy has them."""
    size = np.array([4, 16, 8, 16, 16, 32])
    rows = {
        "iter": [0, 0, 0, 1, 0, 0],
        "bracket": [0, 0, 0, 0, 1, 1],
        "candidate": [0, 1, 2, 1, 3, 4],
        "n_resources": [1, 1, 1, 3, 3, 3],
        "mean_test_score": [0.1, 0.6, 0.5, 0.9, 0.7, 0.8],
        "std_test_score": [0.1] * 6,
    }
    results = {name: np.array(values) for name, values in rows.items()}
    results["param_net__epochs"] = results["n_resources"]
    results["param_size"] = size
    return {**results, **more}


def lines_of(display):
    """The candidates as drawn: their rungs and scores."""
    drawn = [line for line in display.ax_.get_lines() if line.get_markevery() == [-1]]
    rungs = np.array(display.ax_.get_xticks())
    return [
        (
            [rungs[np.abs(np.log(rungs / x)).argmin()] for x in line.get_xdata()],
            list(line.get_ydata()),
        )
        for line in drawn
    ]


def legend_of(display):
    texts = [each.get_text() for each in display.ax_.get_legend().get_texts()]
    return [
        each for each in display.ax_.get_legend_handles_labels()[1] if each in texts
    ]


def test_each_candidate_is_a_line_that_ends_where_it_was_stopped():
    display = BracketsDisplay.from_search(hyperband()).plot()
    assert sorted(lines_of(display)) == [
        ([1], [0.1]),
        ([1], [0.5]),
        ([1, 3], [0.6, 0.9]),
        ([3], [0.7]),
        ([3], [0.8]),
    ]
    assert list(display.frame().columns) == [
        *("bracket", "candidate", "epochs", "mean_test", "std_test")
    ]
    axis = display.ax_.xaxis
    assert [each.get_text() for each in axis.get_ticklabels()] == ["1", "3"]
    assert (axis.get_scale(), axis.get_label_text()) == ("log", "epochs")


@pytest.mark.parametrize(("theme", "colours"), [([], COLOURS), (["dark"], ON_DARK)])
def test_brackets_are_told_apart_and_the_best_is_marked(theme, colours):
    with style.context([f"{each}_background" for each in theme]):
        display = BracketsDisplay.from_search(hyperband()).plot()
    assert legend_of(display) == [
        "bracket 1: 3 candidates from 1",
        "bracket 2: 2 candidates from 3",
        "best: 0.9 at epochs=3",
        "2 below 0.576",  # than the only one that went on
    ]
    lines = display.ax_.get_lines()
    assert [line.get_color() for line in lines[:5]] == [*colours[:1]] * 3 + [
        *colours[1:2]
    ] * 2
    star = next(line for line in lines if line.get_marker() == "*")
    assert list(star.get_ydata()) == [0.9]


def test_brackets_that_are_run_again_share_a_colour_and_a_name():
    once = pd.DataFrame(hyperband())
    again = once.assign(bracket=once["bracket"] + 2, candidate=once["candidate"] + 5)
    display = BracketsDisplay.from_search(pd.concat([once, again])).plot()
    assert legend_of(display)[:2] == [
        "brackets 1, 3: 6 candidates from 1",
        "brackets 2, 4: 4 candidates from 3",
    ]


def test_a_halving_is_one_bracket_of_candidates_by_their_parameters():
    X = np.random.RandomState(0).rand(90, 2)
    search = HalvingGridSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, None, 3], "criterion": ["gini", "entropy"]},
        resource="max_leaf_nodes",
        min_resources=2,
        max_resources=18,
        cv=2,
    ).fit(X, X[:, 0] * X[:, 1] > 0.2)
    display = BracketsDisplay.from_search(search)
    assert display.resource == "max_leaf_nodes"
    frame = display.frame()
    assert set(frame["bracket"]) == {0}
    assert frame["candidate"].nunique() == 6
    assert frame["mean_test"][display.best] == search.best_score_
    rungs = frame.groupby("candidate")["max_leaf_nodes"].nunique()
    # As many as came to each iteration.
    came = [int((rungs > iteration).sum()) for iteration in range(rungs.max())]
    assert came == search.n_candidates_
    assert re.match(r"6 candidates from \d", legend_of(display.plot())[0])


def test_what_failed_is_not_drawn_and_what_the_search_chose_is_marked():
    results = hyperband(mean_test_score=[np.nan, 0.6, 0.5, np.nan, 0.7, 0.8])
    search = SimpleNamespace(cv_results_=results, best_index_=4, refit=len)
    display = BracketsDisplay.from_search(search).plot()
    assert sorted(lines_of(display)) == [
        *([([1], [0.5]), ([1], [0.6]), ([3], [0.7]), ([3], [0.8])])
    ]
    assert "best: 0.7 at epochs=3" in legend_of(display)
    # Where nobody chose: the best of all rows, not of a last iteration.
    assert BracketsDisplay.from_search(results).best == 5


def test_searches_without_rungs_are_refused():
    results = {"param_a": [1], "mean_test_score": [0.5]}
    with pytest.raises(ValueError, match="be one that stops candidates, with 'iter'"):
        BracketsDisplay.from_search(results)
    with pytest.raises(ValueError, match="every fit failed"):
        BracketsDisplay.from_search(hyperband(mean_test_score=[np.nan] * 6))
    with pytest.raises(NotFittedError):
        BracketsDisplay.from_search(HalvingGridSearchCV(DecisionTreeClassifier(), {}))


def test_parameters_of_too_many_values_are_no_hue():
    n = 30
    results = {
        "param_rate": np.geomspace(1e-4, 1e-1, n),
        "param_norm": np.arange(n) % 2 == 0,
        "param_epochs": np.arange(n) % 3 + 1,
        "mean_test_score": np.linspace(0, 1, n),
    }
    display = SearchDisplay.from_search(results)
    assert (display.x, display.hue) == ("epochs", "norm")
    del results["param_norm"]
    assert SearchDisplay.from_search(results).hue is None
    assert SearchDisplay.from_search(results, hue="rate").hue == "rate"
